"""What an attack is: a program, and a witness that tells whether it did what it must not."""

import textwrap
from dataclasses import dataclass
from enum import StrEnum


class Witness(StrEnum):
    """What tells that an attack has worked."""

    TRUE = 'it returned True'
    SECRET = 'it returned or printed the secret'
    FILES = 'a file of the folder was made, changed or removed'
    PACKET = 'something arrived at a socket'
    BYSTANDER = 'another process ended, or was changed'
    OUTPUT = 'more of its output was kept than may be'
    OUTLASTS = 'it went on beyond its time'
    ACCEPTED = 'its result was taken as it is'
    TERMINAL = 'what it says commands the terminal that shows it'
    CONFUSED = 'the process that called it lost its way'


class Ending(StrEnum):
    """How a call of a program ends, as its caller sees it."""

    VALUE = 'it returned'
    ERROR = 'it raised'
    TIMEOUT = 'it was stopped'
    DIED = 'its process ended'


@dataclass(frozen=True, slots=True)
class Attack:
    """A program that tries something.

    Attributes:
        name: an action, e.g. ``'read a file'``.
        witness: tells that it has worked.
        source: defines ``attack(field)``, which is called once; `field.Field.told` says what it is given.
        endings: how it may end in the sandbox.
        needs: what must be there for it to work outside of a sandbox, see `NEEDS`; empty for nothing.
    """

    name: str
    witness: Witness
    source: str
    endings: frozenset[Ending] = frozenset({Ending.ERROR})
    needs: str = ''


ROOT, NOT_ROOT, X86 = 'root', 'a user that is not root', 'x86-64'
X32 = 'a kernel with the x32 interface'
USER_NAMESPACES = 'user namespaces'
"""What some attacks need outside of a sandbox; inside, each must fail everywhere."""

ERROR = frozenset({Ending.ERROR})
TIMEOUT = frozenset({Ending.TIMEOUT})
DIED = frozenset({Ending.DIED})
VALUE = frozenset({Ending.VALUE})

LIBC = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)

def system_call(number, *arguments):
    result = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), 'refused')
    return result

def require(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), 'refused')
    return result
"""
"""Put before the source of an attack that calls C or the kernel itself."""


def body(lines: str, before: str = '') -> str:
    """The source of an attack from the lines of its function.

    Args:
        lines: indented or not.
        before: put at the level of the module.
    """
    return f'{before}\ndef attack(field):\n{textwrap.indent(textwrap.dedent(lines).strip(), "    ")}\n'
