"""Landlock: the kernel's own list of what a process may do with files, ports and signals; here nothing."""

import ctypes
import os
from typing import Final

from llm_policy_improver.sandbox.inside.kernel import system_call

CREATE_RULESET: Final = 444
RESTRICT_SELF: Final = 446
"""The same on all machines, e.g. include/uapi/asm-generic/unistd.h."""

_ASK_VERSION: Final = 1

FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights about files there are since a version of Landlock (include/uapi/linux/landlock.h)."""
PORT_RIGHTS: Final = {4: 2}
"""About TCP ports: bind, connect."""
SCOPES: Final = {6: 2}
"""Abstract unix sockets, and signals, of processes outside."""


def landlock_version() -> int:
    """Of the kernel; 0 where Landlock is not there or not switched on."""
    try:
        return system_call(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))
    except OSError:
        return 0


def give_up_rights() -> None:
    """Confine this thread and what it starts, as far as this kernel's version goes. Needs no_new_privs.

    Raises:
        OSError: the kernel refused.
    """
    version = landlock_version()
    rights = [_all_rights(known, version) for known in (FILE_RIGHTS, PORT_RIGHTS, SCOPES)]
    given = rights[: 1 + (version >= min(PORT_RIGHTS)) + (version >= min(SCOPES))]
    ruleset = (ctypes.c_uint64 * len(given))(*given)
    descriptor = system_call(
        CREATE_RULESET, ruleset, ctypes.c_size_t(ctypes.sizeof(ruleset)), ctypes.c_uint32(0)
    )
    try:
        system_call(RESTRICT_SELF, ctypes.c_int(descriptor), ctypes.c_uint32(0))
    finally:
        os.close(descriptor)


def _all_rights(known: dict[int, int], version: int) -> int:
    count = max((rights for since, rights in known.items() if since <= version), default=0)
    return (1 << count) - 1
