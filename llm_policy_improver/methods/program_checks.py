"""What every program must pass before it runs: it must be one, and not have run before."""

import ast
from collections.abc import Sequence
from typing import Any, Final

from llm_policy_improver.core.finding import Finding
from llm_policy_improver.core.policy import Program
from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.trial import Trial

RULE: Final = 'program'
REPEAT: Final = 'repeat'


def check_program(
    policy: Any, history: Sequence[Trial], space: ProgramSpace, repeats_allowed: int = 0
) -> tuple[Finding, ...]:
    """Why a policy may not be published, whatever it is; empty where it may. Nothing of it is run.

    Args:
        policy: what was proposed.
        history: all trials so far, oldest first.
        space: what it must be.
        repeats_allowed: how often the same program may be tried again.
    """
    if not isinstance(policy, Program):
        return (_refused(RULE, f'a program is needed; got {type(policy).__name__}'),)
    problem = problem_of(policy, space)
    if problem:
        return (_refused(RULE, problem),)
    same = [trial for trial in history if trial.policy == policy]
    if len(same) > repeats_allowed:
        number = same[0].number or 1 + next(i for i, trial in enumerate(history) if trial is same[0])
        return (_refused(REPEAT, f'this program is that of trial {number} again; change it'),)
    return ()


def problem_of(program: Program, space: ProgramSpace) -> str | None:
    """What is wrong with a program as far as can be told without running it, as a clause; None where nothing is."""
    if len(program.source) > space.longest:
        return f'the program has {len(program.source):,} characters, and at most {space.longest:,} are taken'
    if program.entry != space.entry:
        return f'the entry point must be {space.entry}; got {program.entry}'
    try:
        tree = ast.parse(program.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f' in line {error.lineno}' if isinstance(error, SyntaxError) and error.lineno else ''
        what = error.msg if isinstance(error, SyntaxError) else str(error) or type(error).__name__
        return f'the program is no Python{where}: {what}'
    named = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    if space.entry not in named:
        return f'the program defines no {space.entry} at its top level'
    return None


def _refused(rule: str, why: str) -> Finding:
    return Finding(rule, why, refused=True)
