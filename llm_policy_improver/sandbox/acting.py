"""A policy program at work: how it is begun, asked and let go of."""

import ast
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from llm_policy_improver.sandbox.worker import Worker

Asked = Callable[[Sequence[float]], Any]
"""What it answers to an observation (n,)."""


def begin(
    worker: Worker, source: str, entry: str, names: Sequence[str], seed: int
) -> tuple[Asked, Callable[[], None]]:
    """How it acts, and how it is let go of: a class has ``act(obs)``, a function takes the named numbers.

    Args:
        worker: that has loaded it.
        source: of the program.
        entry: name of the class or function in it that acts.
        names: (n,) of the numbers of an observation.
        seed: of what is random in it.

    Raises:
        ProgramError, ProgramTimeoutError, ProgramDiedError: as `Worker.new` and, when it is asked, `Worker.call` do.
    """
    if not _is_class(source, entry):
        return lambda seen: worker.call(entry, **dict(zip(names, seen, strict=True))), lambda: None
    acting, given = worker.new(entry, seed=seed), np.asarray if worker.takes_arrays else list
    return lambda seen: worker.call_method(acting, 'act', given(seen)), lambda: worker.delete(acting)


@lru_cache(maxsize=16)  # asked again for each ball or episode of the same program
def _is_class(source: str, entry: str) -> bool:
    """Whether the entry point is a class, and not a function."""
    named = {
        node.name: isinstance(node, ast.ClassDef)
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }
    return named.get(entry, True)
