"""Attacks on the connection to the caller: junk, forged answers, silence; and on the loop that serves it."""

from typing import Final

from llm_policy_improver.sandbox.attacks.attack import (
    DIED,
    ERROR,
    LIBC,
    TIMEOUT,
    VALUE,
    Attack,
    Ending,
    Witness,
    body,
)

_CONFUSED: Final = Witness.CONFUSED
_ANY: Final = frozenset(Ending)

_WRITE: Final = """
import os, struct

def send(field, data):
    os.write(field["channel"], struct.pack("=I", len(data)) + data)
"""

ATTACKS: Final = (
    Attack(
        'write junk to the connection',
        _CONFUSED,
        body('os.write(field["channel"], bytes([255]) * 1000)', 'import os'),
        DIED,
    ),
    Attack(
        'write a letter to the connection',
        _CONFUSED,
        body('os.write(field["channel"], b"x")', 'import os'),
        DIED | TIMEOUT,
    ),
    Attack(
        'announce an answer of 4 GB',
        _CONFUSED,
        body('os.write(field["channel"], bytes([255]) * 4)\nreturn 1', 'import os'),
        DIED,
    ),
    Attack(
        'send an answer bit by bit',
        Witness.OUTLASTS,
        body(
            """
            os.write(field["channel"], struct.pack("=I", 1000))
            while True:
                time.sleep(0.05)
                os.write(field["channel"], b"x")
            """,
            'import os, struct, time',
        ),
        TIMEOUT,
    ),
    Attack(
        'send half of an answer and end',
        _CONFUSED,
        body('os.write(field["channel"], bytes(3))\nos._exit(0)', 'import os'),
        DIED,
    ),
    Attack('send JSON that is too deep', _CONFUSED, body('send(field, b"[" * 9_000)', _WRITE), DIED),
    Attack('send bytes that are no text', _CONFUSED, body('send(field, bytes([0xc3, 0x28]))', _WRITE), DIED),
    Attack(
        'send the answer to another question', _CONFUSED, body('send(field, b"[99,true,0]")', _WRITE), DIED
    ),
    Attack(
        'send an answer in advance',
        Witness.ACCEPTED,
        body('for k in range(1, 9):\n    send(field, b"[%d,true,[1]]" % k)', _WRITE),
        DIED,
    ),
    Attack(
        'send an answer of another form', _CONFUSED, body('send(field, b\'{"result": 1}\')', _WRITE), DIED
    ),
    Attack(
        'send an infinite number that JSON has no word for',
        Witness.ACCEPTED,
        body('send(field, b"[%d,true,[1e999]]" % field["number"])', _WRITE),
        DIED | ERROR,
    ),
    Attack(
        'send an account of an exception that is none',
        _CONFUSED,
        body('send(field, b"[%d,false,7]" % field["number"])', _WRITE),
        DIED,
    ),
    Attack(
        'send a pickle that runs code',
        Witness.FILES,
        body(
            """
            class Evil:
                def __reduce__(self):
                    return open, (field["made"], "w")
            send(field, pickle.dumps(Evil()))
            """,
            'import pickle' + _WRITE,
        ),
        DIED,
    ),
    Attack('close the connection', _CONFUSED, body('os.close(field["channel"])\nreturn 1', 'import os')),
    Attack('close every descriptor', _CONFUSED, body('os.closerange(0, 100)\nreturn 1', 'import os'), VALUE),
    Attack(
        'put something else in place of the connection',
        _CONFUSED,
        body('os.dup2(1, field["channel"])\nreturn 1', 'import os'),
    ),
    Attack(
        'shut the connection down',
        _CONFUSED,
        body('require(libc.shutdown(field["channel"], 2))', LIBC),
    ),
    Attack(
        'read the next request itself',
        Witness.OUTLASTS,
        body('os.read(field["channel"], 1000)', 'import os'),
        TIMEOUT,
    ),
    Attack(
        'make the connection never wait',
        Witness.TRUE,
        body('os.set_blocking(field["channel"], False)\nreturn True', 'import os'),
    ),
    Attack('end the process', _CONFUSED, body('os._exit(0)', 'import os'), DIED),
    Attack('end the process with a status', _CONFUSED, body('os._exit(3)', 'import os'), DIED),
    Attack(
        'end the process by abort of C', _CONFUSED, body('import ctypes\nctypes.CDLL(None).abort()'), DIED
    ),
    Attack('end the process by a wrong address', _CONFUSED, body('import ctypes\nctypes.string_at(0)'), DIED),
    Attack(
        'end the process by wrong bytecode',
        _CONFUSED,
        body('exec((lambda: 0).__code__.replace(co_code=bytes([100, 255, 83, 0]), co_consts=()))'),
        DIED | ERROR,
    ),
    Attack(
        'end the process when an object is dropped',
        _CONFUSED,
        body('Evil()', 'import os\nclass Evil:\n    def __del__(self):\n        os._exit(5)\n'),
        DIED,
    ),
    Attack('leave by sys.exit', _CONFUSED, body('import sys\nsys.exit(0)')),
    Attack(
        'leave by an exit in a generator',
        _CONFUSED,
        body('def values():\n    yield 1\n    raise SystemExit(0)\nreturn list(values())'),
    ),
    Attack(
        'close the connection by C when it is left',
        Witness.FILES,
        body('atexit.register(open, field["made"], "w")\nsys.exit(0)', 'import atexit, sys'),
    ),
)
