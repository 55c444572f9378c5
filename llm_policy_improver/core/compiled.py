"""Functions compiled to machine code with Numba: the formulas that run thousands of times in a trial."""

import hashlib
import os
from collections.abc import Callable
from functools import cache, update_wrapper
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, cast

P = ParamSpec('P')
R = TypeVar('R')

_PACKAGE = Path(__file__).parent.parent
_SOURCES = (
    'core/compiled.py',
    'core/linear.py',
    'table_tennis/arm/*.py',
    'table_tennis/ball/*.py',
    'table_tennis/calibration/flight_model.py',
    'table_tennis/control/*.py',
    'table_tennis/guard/*.py',
    'table_tennis/simulation/*.py',
)
"""The compiled functions, and the constants that are compiled into them."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: compile this function at its first call, and keep the machine code for later processes.

    Compiled functions take and return floats, bools, arrays and (named) tuples of these, and call only functions
    that are compiled, too. The arithmetic is Python's, in Python's order; a division by zero gives infinity.
    """
    return cast(Callable[P, R], _Compiled(function))


class _Compiled(Generic[P, R]):
    """Stands for a function until its first call, as most commands need none, and importing Numba takes its time."""

    def __init__(self, function: Callable[P, R]) -> None:
        self._function: Any = function
        self._dispatcher: Callable[P, R] | None = None
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return (self._dispatcher or self.dispatcher())(*args, **kwargs)

    def dispatcher(self) -> Callable[P, R]:
        """What Numba makes of the function; those that it calls come first."""
        if self._dispatcher is None:
            known = self._function.__globals__
            for name in self._function.__code__.co_names:
                if isinstance(known.get(name), _Compiled):
                    known[name] = known[name].dispatcher()
            self._dispatcher = known[self._function.__name__] = _jit(self._function)
        return self._dispatcher


def _jit(function: Any) -> Any:
    import numba

    settings: Any = numba.config
    given = settings.CACHE_DIR
    folder = _cache_folder(given)
    if folder is None:
        return numba.njit(error_model='numpy')(function)
    try:
        settings.CACHE_DIR = folder
        return numba.njit(cache=True, error_model='numpy')(function)
    finally:
        settings.CACHE_DIR = given


@cache
def _cache_folder(given: str) -> str | None:
    """Where machine code is kept: ``given`` (NUMBA_CACHE_DIR), or else beside the sources, or else in the user's cache.

    None where nothing can be written: every process compiles for itself then. The folder's name tells the content
    of all sources; Numba itself looks at a function's own file and would miss a change of what it calls.
    """
    digest = hashlib.sha256()
    for source in sorted(path for pattern in _SOURCES for path in _PACKAGE.glob(pattern)):
        digest.update(source.read_bytes())
    for parent in [Path(given)] if given else [_PACKAGE / '__pycache__', users_cache()]:
        folder = parent / f'compiled-{digest.hexdigest()[:16]}'
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return str(folder)
    return None


def users_cache() -> Path:
    """The package's folder in the user's cache; it may not be there yet."""
    return Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser() / _PACKAGE.name
