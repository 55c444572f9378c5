"""Where a policy travels: few containers carry one, and no more files than need to name it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from paths import ROOT

PACKAGE = ROOT / 'llm_policy_improver'
BESIDE = ('msg', 'srv', 'action', 'experiments', 'bench', 'tasks')
"""Not on the way of a policy from a reply to a landing and back: generated code, comparisons, benchmarks, tasks beside
the arm."""

CONTAINERS = {'Proposal', 'Step', 'Trial'}
"""Beside `llm.reply.Reply`, which holds the numbers as they were answered."""

NAMES = {'policy', 'Policy', 'Parameters', 'Program', 'Modulation', 'attenuation', 'residual'}
MOST_FILES = 32
"""That name a policy or its fields: 30 for a vector's way, two more where a program chooses one for each ball."""


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob('*.py')):
        if not set(path.relative_to(PACKAGE).parts[:-1]) & set(BESIDE):
            yield path, ast.parse(path.read_text())


def names_in(tree: ast.AST) -> set[str]:
    found = (getattr(node, field, None) for node in ast.walk(tree) for field in ('id', 'attr', 'arg', 'name'))
    return {name for name in found if isinstance(name, str)}


def test_only_the_containers_of_a_policy_have_one_as_a_field() -> None:
    carriers = {
        node.name
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for field in node.body
        if isinstance(field, ast.AnnAssign)
        and names_in(field.annotation) & {'Policy', 'Parameters', 'Program'}
    }
    assert carriers == CONTAINERS


def test_the_files_that_name_a_policy_are_few_and_those_that_the_documentation_lists() -> None:
    naming = {str(path.relative_to(PACKAGE)) for path, tree in modules() if names_in(tree) & NAMES}
    table = (ROOT / 'docs' / 'design.md').read_text().split('These files alone name a policy')[1].split('\n\n')[1]
    listed = set(re.findall(r'`([\w/]+\.py)`', table))
    assert naming == listed
    assert len(naming) <= MOST_FILES
