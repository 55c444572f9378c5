"""Attacks on time: programs that never come back, in Python and inside of C."""

from typing import Final

from llm_policy_improver.sandbox.attacks.attack import ERROR, TIMEOUT, Attack, Witness, body


def _endless(name: str, lines: str, before: str = '') -> Attack:
    return Attack(name, Witness.OUTLASTS, body(lines, before), TIMEOUT)


ATTACKS: Final = (
    _endless('loop forever', 'while True: pass'),
    _endless(
        'loop forever and catch everything',
        """
        while True:
            try:
                while True: pass
            except BaseException:
                pass
        """,
    ),
    _endless(
        'loop forever over an iterator of C',
        'collections.deque(itertools.count(), maxlen=0)',
        'import collections, itertools',
    ),
    _endless('add up forever', 'return sum(range(10**15))'),
    _endless('raise an integer to a huge power', 'return len(str((3 ** 10**7) ** 40)) > 0'),
    _endless(
        'write a huge integer in decimal',
        'sys.set_int_max_str_digits(0)\nreturn len(str(1 << 40_000_000)) > 0',
        'import sys',
    ),
    _endless('match a pattern forever', 'return re.match("(a+)+$", "a" * 60 + "b")', 'import re'),
    _endless(
        'sort by a comparison that never ends',
        'return sorted([Slow(), Slow()])',
        """
class Slow:
    def __lt__(self, other):
        while True: pass
""",
    ),
    _endless(
        'convolve long arrays',
        'return np.convolve(np.ones(10**6), np.ones(10**6)).sum()',
        'import numpy as np',
    ),
    _endless(
        'invert a large matrix again and again',
        'while True: np.linalg.inv(np.eye(200))',
        'import numpy as np',
    ),
    _endless(
        'sort large arrays forever', 'while True: np.sort(np.arange(10**6)[::-1])', 'import numpy as np'
    ),
    _endless('draw random numbers forever', 'while True: np.random.random(10**6)', 'import numpy as np'),
    _endless('sleep', 'time.sleep(10**6)', 'import time'),
    _endless(
        'wait for a lock that nobody frees',
        'lock = threading.Lock()\nlock.acquire()\nlock.acquire()',
        'import threading',
    ),
    _endless('wait for a queue that nobody fills', 'queue.Queue().get()', 'import queue'),
    _endless(
        'loop in an asynchronous generator',
        """
        async def forever():
            while True:
                yield 1
        async def consume():
            async for _ in forever():
                pass
        consume().send(None)
        """,
    ),
    _endless(
        'loop when an object is dropped',
        'Undying()',
        """
class Undying:
    def __del__(self):
        while True: pass
""",
    ),
    _endless(
        'raise an exception whose message never ends',
        'raise Endless()',
        """
class Endless(Exception):
    def __str__(self):
        while True: pass
""",
    ),
    _endless(
        'return a value that is never written down',
        'return Endless(a=1)',
        """
class Endless(dict):
    def items(self):
        while True:
            pass
    def __reduce__(self):
        while True:
            pass
""",
    ),
    _endless(
        'yield to others forever',
        'while True: os.sched_yield()',
        'import os',
    ),
    Attack(
        'loop forever when it is loaded',
        Witness.OUTLASTS,
        'while True: pass\n',
        TIMEOUT,
    ),
    Attack(
        'wait for input',
        Witness.OUTLASTS,
        body('import sys\nreturn sys.stdin.read()'),
        ERROR,
    ),
)
