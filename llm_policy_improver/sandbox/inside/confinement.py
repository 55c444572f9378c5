"""Confining a worker, before it sees a program: what it can give up it gives up, and says what has worked."""

import contextlib
import fcntl
import os
import platform
import pwd
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from llm_policy_improver.sandbox.inside import kernel
from llm_policy_improver.sandbox.inside.landlock import give_up_rights
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.inside.seccomp import install_filter
from llm_policy_improver.sandbox.inside.syscalls import CHANNEL, OUTPUT

_NOBODY: Final = 65534
"""The user that owns nothing, where the machine has no other of the name nobody."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """What `setrlimit` holds a worker to.

    Attributes:
        memory_bytes: of address space, above what the worker begins with.
        cpu_seconds: of processor time, over the worker's whole life.
        output_bytes: of the file that the program's output goes to.
    """

    memory_bytes: int
    cpu_seconds: int
    output_bytes: int

    def apply(self, beginning: int) -> None:
        """Set them, soft and hard, for good.

        Args:
            beginning: bytes of address space that are taken already.
        """
        given = {
            resource.RLIMIT_AS: beginning + self.memory_bytes,
            resource.RLIMIT_CPU: self.cpu_seconds,
            resource.RLIMIT_FSIZE: self.output_bytes,
            resource.RLIMIT_NOFILE: CHANNEL + 1,
            resource.RLIMIT_NPROC: 0,
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_MEMLOCK: 0,
            resource.RLIMIT_MSGQUEUE: 0,
            resource.RLIMIT_SIGPENDING: 0,
            resource.RLIMIT_NICE: 0,
            resource.RLIMIT_RTPRIO: 0,
        }
        for which, limit in given.items():
            _, hard = resource.getrlimit(which)
            limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
            # Beyond a soft limit of processor time comes SIGXCPU, which tells what happened, unlike SIGKILL.
            more = which == resource.RLIMIT_CPU and limit != hard
            resource.setrlimit(which, (limit, limit + more))


def keep_only(channel: int, output: int) -> None:
    """Put the connection to the parent and the file for output where the filter expects them; close all others."""
    # First out of the way of their new numbers.
    nothing, channel, output = (
        fcntl.fcntl(each, fcntl.F_DUPFD, CHANNEL + 1)
        for each in (os.open(os.devnull, os.O_RDONLY), channel, output)
    )
    os.dup2(nothing, 0)
    for number in OUTPUT:
        os.dup2(output, number)
    os.dup2(channel, CHANNEL)
    os.closerange(CHANNEL + 1, os.sysconf('SC_OPEN_MAX'))


def confine(limits: ResourceLimits, zygote: int) -> tuple[Protection, ...]:
    """Confine this process for good.

    Args:
        limits: of its resources.
        zygote: process that forked it, with which it dies.

    Returns:
        What is active.
    """
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o777)
    kernel.clear_environment()
    root = os.geteuid() == 0
    beginning = _address_space()
    steps: tuple[tuple[Protection, Callable[[], None]], ...] = (
        (Protection.OWN_SESSION, os.setsid),
        (Protection.NO_NEW_PRIVILEGES, lambda: _set(kernel.SET_NO_NEW_PRIVILEGES)),
        (Protection.LANDLOCK, give_up_rights),
        (Protection.RESOURCE_LIMITS, lambda: limits.apply(beginning)),
        (Protection.UNPRIVILEGED_USER, _give_up_root if root else _require_user),
        (Protection.NO_CAPABILITIES, lambda: kernel.drop_capabilities(platform.machine())),
    )
    active = [name for name, step in steps if _works(step)]
    # Only now, as a change of user undoes it.
    kernel.process_control(kernel.SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != zygote:
        os._exit(0)
    kernel.process_control(kernel.SET_DUMPABLE, 0)
    if _works(install_filter):
        active.append(Protection.SECCOMP)
    return tuple(active)


def _works(step: Callable[[], None]) -> bool:
    try:
        step()
    except (OSError, ValueError, KeyError):
        return False
    return True


def _set(option: int) -> None:
    kernel.process_control(option, 1)


def _give_up_root() -> None:
    user = group = _NOBODY
    with contextlib.suppress(KeyError):
        entry = pwd.getpwnam('nobody')
        user, group = entry.pw_uid, entry.pw_gid
    kernel.empty_bounding_set()
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def _require_user() -> None:
    if 0 in (*os.getresuid(), *os.getresgid()):
        raise PermissionError('this user has rights of root')


def _address_space() -> int:
    """Of this process, in bytes."""
    return int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()
