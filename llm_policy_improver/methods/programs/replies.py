"""Reads a program out of what a language model wrote, whatever it wrapped it in."""

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Final

from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.asking import RefusedError
from llm_policy_improver.llm.json_objects import without_thinking
from llm_policy_improver.llm.reply import ReplyError
from llm_policy_improver.methods.checks import verdict_text
from llm_policy_improver.methods.program_checks import check_program

# A fence that is never closed is a reply that was cut off, or forgot it: the source says which.
_FENCED: Final = re.compile(r'^[ \t]*```[^\n]*\n(.*?)(?:^[ \t]*```|\Z)', re.DOTALL | re.MULTILINE)
_CODE: Final = re.compile(r'^(?:import |from |class |def |@|#)', re.MULTILINE)


def source_in(reply: str, entry: str) -> str:
    """The source text in a reply: of its blocks of code the last one that defines the entry point.

    Where none does it is the last block, so that whoever looks at it can say what it lacks. Without fences it is what
    begins with the first line of code.

    Args:
        reply: all that the model wrote.
        entry: name of the class or function that is asked for.

    Raises:
        ReplyError: there is no code in it.
    """
    answer = without_thinking(reply)
    blocks = [block for block in _blocks(answer) if block.strip()]
    if not blocks:
        raise ReplyError('there is no Python code in it')
    defining = [block for block in blocks if entry in top_level(block)]
    return (defining or blocks)[-1].strip() + '\n'


def program_in(reply: str, space: ProgramSpace, history: Sequence[Trial]) -> str:
    """The source in a reply, where it may be tried: it is a program with the entry point, and was not tried before.

    Raises:
        ReplyError: it may not; the message says why.
    """
    source = source_in(reply, space.entry)
    findings = check_program(space.of(source), history, space)
    if findings:
        raise RefusedError('; '.join(each.reason for each in findings), verdict_text(False, findings))
    return source


def prose_in(reply: str, longest: int) -> str:
    """What a reply says in words, without its thinking, cut to a number of characters.

    Raises:
        ReplyError: it says nothing.
    """
    said = without_thinking(reply).strip()
    if not said:
        raise ReplyError('there is no answer in it')
    return said[:longest].rstrip()


def top_level(source: str) -> dict[str, ast.ClassDef | ast.FunctionDef]:
    """The classes and functions that a source defines at its top level, by name; none where it is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def _blocks(answer: str) -> Iterator[str]:
    fenced = [found[1] for found in _FENCED.finditer(answer)]
    if fenced:
        yield from fenced
    elif begun := _CODE.search(answer):
        yield answer[begun.start() :]
