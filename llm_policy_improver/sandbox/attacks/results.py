"""Attacks by what is returned: too large, too deep, not what it seems, or made to run code where it is read."""

from typing import Final

from llm_policy_improver.sandbox.attacks.attack import DIED, ERROR, VALUE, Attack, Witness, body

_ACCEPTED: Final = Witness.ACCEPTED


def _result(name: str, lines: str, before: str = '') -> Attack:
    return Attack(name, _ACCEPTED, body(lines, before), ERROR)


def _evil(name: str, definition: str, witness: Witness = _ACCEPTED) -> Attack:
    """Returns an object of the class Evil."""
    return Attack(name, witness, body('return Evil()', definition), ERROR)


ATTACKS: Final = (
    _result('return a huge list', 'return [0] * 3_000_000'),
    _result('return a huge text', 'return "x" * 3_000_000'),
    _result('return a huge array', 'return np.zeros(1_000_000)', 'import numpy as np'),
    _result(
        'return many references to one list',
        """
        value = [0.0] * 10
        for _ in range(6):
            value = [value] * 10
        return value
        """,
    ),
    _result(
        'return a deep list',
        """
        value = []
        for _ in range(200):
            value = [value]
        return value
        """,
    ),
    _result(
        'return a dict that is as deep as it can be',
        """
        value = {}
        for _ in range(300):
            value = {"x": value}
        return value
        """,
    ),
    _result('return what is no number', 'return float("nan")'),
    _result('return infinity', 'return [1.0, -float("inf")]'),
    _result('return infinity in an array', 'return np.array([1.0, np.inf])', 'import numpy as np'),
    _result('return an integer of 4,000 digits', 'return 10**4000'),
    _result('return an integer of 65 bits', 'return 2**64'),
    _result('return half of a character', 'return "\\ud800"'),
    _result('return half of a character as a key', 'return {"\\ud800": 1}'),
    _evil(
        'return a number that writes itself as something else',
        """
import numpy as np
class Evil(np.float64):
    def tolist(self):
        return float("nan")
    def __float__(self):
        return float("nan")
    def __repr__(self):
        return "NaN"
    def __new__(cls):
        return super().__new__(cls, "nan")
""",
    ),
    Attack(
        'return a list that lies about its length',
        Witness.CONFUSED,
        body(
            'return Evil([1, 2])',
            """
class Evil(list):
    def __len__(self):
        return 2**62
    def __iter__(self):
        raise SystemExit(7)
""",
        ),
        ERROR | VALUE,
    ),
    _evil(
        'return an array that never ends',
        """
class Evil:
    def __init__(self):
        type(self).__module__ = "numpy"
    def tolist(self):
        return Evil()
""",
        Witness.CONFUSED,
    ),
    Attack(
        'return an object that pretends to be a list',
        Witness.CONFUSED,
        body(
            'return Evil()',
            """
class Evil:
    __class__ = list
    def __iter__(self):
        raise SystemExit(7)
""",
        ),
    ),
    Attack(
        'return a generator',
        Witness.CONFUSED,
        body('return (k for k in iter(int, 1))'),
    ),
    Attack(
        'return an asynchronous generator',
        Witness.CONFUSED,
        body('async def values():\n    yield 1\nreturn values()'),
    ),
    Attack(
        'return an object that runs code when it is unpickled',
        Witness.FILES,
        body(
            'return Evil(field["made"])',
            """
class Evil:
    def __init__(self, path):
        self.path = path
    def __reduce__(self):
        return open, (self.path, "w")
""",
        ),
    ),
    Attack(
        'raise an exception that is unpickled',
        Witness.CONFUSED,
        body(
            'raise Evil()',
            """
class Evil(BaseException):
    def __str__(self):
        raise self
    __repr__ = __str__
""",
        ),
    ),
    Attack(
        'raise an exception with a huge message',
        Witness.OUTPUT,
        body('raise ValueError("x" * 3_000_000)'),
    ),
    Attack(
        'raise an exception that commands the terminal',
        Witness.TERMINAL,
        body('raise type("\\x1b]0;evil\\x07", (Exception,), {})("\\x1b[2J\\u202e\\x9b2J")'),
    ),
    Attack(
        'print what commands the terminal',
        Witness.TERMINAL,
        body('print("\\x1b[2J")'),
        VALUE,
    ),
    Attack(
        'raise a chain of a hundred exceptions',
        Witness.OUTPUT,
        body(
            """
            def raised(n):
                try:
                    raise ValueError(n)
                except ValueError as error:
                    raise KeyError("x" * 1_000) from (raised_error(n - 1) if n else error)
            def raised_error(n):
                try:
                    raised(n)
                except KeyError as error:
                    return error
            raised(100)
            """
        ),
        ERROR | DIED,
    ),
)
