"""What runs programs without any protection, as public code does it: ``exec`` in its own process, trusting the result.

Each attack is played in it first, in a process of its own, to see that it is one. Arguments: JSON with ``source``,
``field`` and ``report``, the file that says how it went; then the secret, as others have theirs in a command line.
"""

import json
import os
import pickle
import resource
import socket
import struct
import sys
import traceback
from typing import Any, Final

CHANNEL: Final = 100
"""The descriptor of the connection that an attack may meddle with."""

_MOST_MEMORY: Final = 4 << 30
"""Bytes of address space: enough for each attack to show what it can, and no more."""


def use(value: Any) -> Any:
    """What callers do with a result: read it, item by item."""
    if isinstance(value, dict):
        return {key: use(each) for key, each in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if not isinstance(value, list) and hasattr(value, 'tolist'):
        return use(value.tolist())
    return [use(each) for each in value]


def main() -> None:
    """Play one attack and write the report, unless it ends this process first."""
    given = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    place = os.open(given['report'], os.O_WRONLY | os.O_CREAT)
    here, there = socket.socketpair()
    os.dup2(there.fileno(), CHANNEL)
    there.close()
    report: dict[str, Any] = {}
    scope: dict[str, Any] = {'__name__': 'program'}
    sys.modules['program'] = type(sys)('program')
    try:
        exec(compile(given['source'], '<program>', 'exec'), scope)
        vars(sys.modules['program']).update(scope)
        result = scope['attack'](given['field'])
    except Exception as error:
        traceback.print_exc()
        report['error'] = [type(error).__name__, str(error)]
    else:
        if type(result).__module__ == 'program':
            result = pickle.loads(pickle.dumps(result))
        report['value'] = use(result)
    forged = _meddled(here)
    if forged is not None:
        report['value'] = forged
    sys.stdout.flush()
    os.write(place, json.dumps(report).encode())


def _meddled(here: socket.socket) -> Any:
    """What came by the connection, taken for an answer; None where nothing did."""
    os.fstat(CHANNEL)
    here.settimeout(0.0)
    try:
        data = here.recv(1 << 20)
    except BlockingIOError:
        # Nothing came; but can it still be used?
        os.write(CHANNEL, b'x')
        here.settimeout(1.0)
        if here.recv(1) != b'x':
            raise
        return None
    (size,) = struct.unpack_from('=I', data)
    if size > len(data) - 4:
        raise EOFError
    answer = data[4 : 4 + size]
    if answer[:1] == b'\x80':
        return use(str(pickle.loads(answer)))
    number, _, (value, *_) = json.loads(answer)
    if number == 99:
        raise ValueError
    return value


if __name__ == '__main__':
    main()
