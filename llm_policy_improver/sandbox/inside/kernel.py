"""The few calls of the kernel that Python has no function for, by ctypes."""

import ctypes
import os
from typing import Any, Final

SET_PARENT_DEATH_SIGNAL: Final = 1
SET_DUMPABLE: Final = 4
SET_SECCOMP: Final = 22
DROP_FROM_BOUNDING_SET: Final = 24
SET_NO_NEW_PRIVILEGES: Final = 38
CLEAR_AMBIENT: Final = (47, 4)
"""Options of prctl, from the kernel's include/uapi/linux/prctl.h."""

CAPSET: Final = {'x86_64': 126, 'aarch64': 91}
"""Its number, from arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h."""

_LAST_CAPABILITY: Final = 63
_CAPABILITY_VERSION: Final = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3 of include/uapi/linux/capability.h: two words of 32 for each set."""

_libc: Final = ctypes.CDLL(None, use_errno=True)


def system_call(number: int, *arguments: Any) -> int:
    """Call the kernel.

    Raises:
        OSError: it refused.
    """
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def process_control(option: int, *arguments: Any) -> int:
    """The call prctl.

    Raises:
        OSError: the kernel refused.
    """
    given = [ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments]
    zeros = [ctypes.c_ulong(0)] * (4 - len(given))
    result = int(_libc.prctl(ctypes.c_int(option), *given, *zeros))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def empty_bounding_set() -> None:
    """Let nothing that is executed from here on have a capability, as far as this process may say so."""
    for capability in range(_LAST_CAPABILITY + 1):
        try:
            process_control(DROP_FROM_BOUNDING_SET, capability)
        except OSError:  # not permitted, or the kernel knows none of this number
            return


def drop_capabilities(machine: str) -> None:
    """Give up every capability for good.

    Args:
        machine: as `platform.machine` calls it.

    Raises:
        OSError: the kernel refused.
    """
    process_control(*CLEAR_AMBIENT)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    system_call(CAPSET[machine], header, nothing)


def clear_environment() -> None:
    """Forget the environment, also as C code sees it."""
    os.environ.clear()
    _libc.clearenv()
