"""What is loaded before a program comes: nothing can be loaded once files are out of reach."""

import importlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

STANDARD: Final = (
    '__future__', '_strptime', 'abc', 'array', 'ast', 'base64', 'binascii', 'bisect', 'calendar', 'cmath',
    'collections', 'collections.abc', 'contextlib', 'copy', 'copyreg', 'dataclasses', 'datetime', 'decimal',
    'difflib', 'encodings.ascii', 'encodings.latin_1', 'encodings.unicode_escape', 'encodings.utf_16',
    'encodings.utf_8', 'enum', 'fractions', 'functools', 'gc', 'graphlib', 'hashlib', 'heapq', 'inspect',
    'io', 'itertools', 'json', 'keyword', 'linecache', 'logging', 'math', 'numbers', 'operator', 'os',
    'pprint', 'queue', 'random', 're', 'reprlib', 'secrets', 'statistics', 'string', 'struct', 'sys',
    'textwrap', 'threading', 'time', 'timeit', 'token', 'tokenize', 'traceback', 'types', 'typing',
    'unicodedata', 'uuid', 'warnings', 'weakref', 'zlib',
)  # fmt: skip
"""Of the standard library, with what its functions load when they are first called."""

NUMPY: Final = (
    'numpy', 'numpy.dtypes', 'numpy.exceptions', 'numpy.fft', 'numpy.lib.stride_tricks', 'numpy.linalg',
    'numpy.ma', 'numpy.polynomial', 'numpy.random', 'numpy.typing',
)  # fmt: skip
NUMPY_2: Final = ('numpy.char', 'numpy.rec', 'numpy.strings')
"""Modules since NumPy 2; Ubuntu 24.04 has 1.26, where they are names in numpy, or nothing."""


def load(more: Sequence[str]) -> None:
    """Load them all.

    Args:
        more: further modules that programs may use.

    Raises:
        ImportError: one of them is not there.
    """
    for name in (*STANDARD, *NUMPY, *more):
        importlib.import_module(name)
    for name in NUMPY_2:
        with suppress(ImportError):
            importlib.import_module(name)
