"""Attacks on memory and room: each takes more than it has, but outside of a sandbox never more than a computer has."""

from typing import Final

from llm_policy_improver.sandbox.attacks.attack import DIED, ERROR, LIBC, VALUE, Attack, Witness, body

_TRUE, _CONFUSED = Witness.TRUE, Witness.CONFUSED
_BOMB: Final = ERROR | DIED


def _bomb(name: str, lines: str, before: str = '') -> Attack:
    return Attack(name, _TRUE, body(lines, before), _BOMB)


ATTACKS: Final = (
    _bomb('fill memory with bytes', 'return len(bytearray(400_000_000)) > 0'),
    _bomb('fill memory with a list', 'return len([None] * 50_000_000) > 0'),
    _bomb('fill memory with a text', 'return len("x" * 400_000_000) > 0'),
    _bomb('fill memory with a dict', 'return len({k: k for k in range(3_000_000)}) > 0'),
    _bomb('fill memory with an integer', 'return (1 << 3_200_000_000) > 0'),
    _bomb('fill memory with an array', 'return bool(np.ones(50_000_000).sum() > 0)', 'import numpy as np'),
    _bomb(
        'fill memory bit by bit',
        """
        kept = []
        for _ in range(400):
            kept.append(bytes(1_000_000))
        return len(kept) == 400
        """,
    ),
    _bomb(
        'fill memory and catch the error',
        """
        kept = []
        for _ in range(500):
            try:
                kept.append(bytes(1_000_000))
            except MemoryError:
                pass
        if len(kept) < 400:
            raise ValueError('only some')
        return True
        """,
    ),
    _bomb('fill memory by a map of C', 'return mmap.mmap(-1, 400_000_000)[0] == 0', 'import mmap'),
    _bomb(
        'fill memory by malloc of C',
        """
        libc.malloc.restype = ctypes.c_void_p
        kept = libc.malloc(ctypes.c_size_t(400_000_000))
        if not kept:
            raise MemoryError
        return True
        """,
        LIBC,
    ),
    _bomb(
        'fill the stack by functions of Python',
        """
        import sys
        sys.setrecursionlimit(10**9)
        def deeper(n):
            return 0 if n == 0 else 1 + deeper(n - 1)
        return deeper(2_000_000) > 0
        """,
    ),
    Attack(
        'fill the stack by functions of C',
        _CONFUSED,
        body(
            """
            import sys
            sys.setrecursionlimit(10**9)
            class Deep:
                def __getattr__(self, name):
                    return getattr(self, name)
                def __repr__(self):
                    return "%r" % self
            return repr(Deep())
            """
        ),
        _BOMB,
    ),
    Attack(
        'fill the disk with output',
        Witness.OUTPUT,
        body('for _ in range(300):\n    print("x" * 1_000)\nreturn True'),
        VALUE,
    ),
    Attack(
        'fill the disk with output of C',
        Witness.OUTPUT,
        body(
            """
            for _ in range(300):
                require(libc.write(1, b"x" * 1_000, ctypes.c_size_t(1_000)))
            return True
            """,
            LIBC,
        ),
    ),
)
