"""Who writes into a run: one process adds trials to it, one adds steps, and each says so in a file of the folder.

The kernel holds the lock (``flock``): a process that is killed leaves none, so that its successor goes on at once. What
it leaves is its name in the file, and so whoever takes over can tell. Where the kernel cannot know, as the owner is on
another machine or the file system has no locks, the file's time is a heartbeat: who waits sees whether it goes on.
"""

import errno
import fcntl
import json
import os
import time
import weakref
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event, Thread
from typing import Final

from llm_policy_improver.core.clock import utc_now
from llm_policy_improver.core.limited_json import parse_json
from llm_policy_improver.core.shortened import LONGEST_PLACE, LONGEST_VALUE, shortened
from llm_policy_improver.runs.store_errors import StoreError

BEAT: Final = 1.0
"""s between two heartbeats of an owner."""
PATIENCE: Final = 5.0
"""s without one after which an owner on another machine is gone."""
_LOOK: Final = 0.1
"""s between two looks at the heartbeat."""
_LONGEST: Final = 1000
"""Bytes of an owner's file."""
_NO_LOCKS: Final = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""Errors of file systems without locks."""
_BOOT: Final = Path('/proc/sys/kernel/random/boot_id')


class Part(StrEnum):
    """What has one writer each: a trace logger adds trials while an optimizer adds steps."""

    TRIALS = 'trials'
    STEPS = 'steps'


@dataclass(frozen=True, slots=True)
class Owner:
    """Who writes.

    Attributes:
        process: its number.
        host: name of its machine.
        kernel: another one after each start of the machine; empty where nobody knows.
        since: when it began, as people read it.
    """

    process: int
    host: str
    kernel: str
    since: str

    def __str__(self) -> str:
        host, since = (shortened(text, LONGEST_VALUE) for text in (self.host, self.since))
        return f'process {self.process} on {host} since {since}'


class WriterLock:
    """Held from `take` to `release`, or to the end of the process.

    Attributes:
        former: who had it before and has ended without giving it back; None where nobody had.
    """

    def __init__(self, path: Path, descriptor: int, former: Owner | None) -> None:
        self.former = former
        ended = Event()
        # With a descriptor of its own: the other one's number may be another file's after the release.
        Thread(target=_beat, args=(os.dup(descriptor), ended), name='writer', daemon=True).start()
        self._release = weakref.finalize(self, _release, path, descriptor, ended)

    @classmethod
    def take(cls, folder: Path, part: Part) -> 'WriterLock':
        """Become the one who writes this part of the run.

        Raises:
            StoreError: somebody else is, who is named.
            OSError: the folder cannot be written.
        """
        path = folder / f'{part}.lock'
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                locked = _locked(descriptor)
                former = _owner_in(descriptor)
                if not locked or (former is not None and _lives_elsewhere(descriptor, former)):
                    raise StoreError(
                        f'the {part} of {shortened(str(folder), LONGEST_PLACE)} are written by '
                        f'{former or "another process"}: end it, or choose another folder'
                    )
                if _is_at(path, descriptor):
                    _write(descriptor, _self())
                    return cls(path, descriptor, former)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # the one before has just given it back, and its file is gone

    def release(self) -> None:
        """Give it back."""
        self._release()


def writer_of(folder: Path) -> Owner | None:
    """Who writes into the run of this folder now; None where nobody does that this machine knows of."""
    for part in Part:
        with suppress(OSError):
            descriptor = os.open(folder / f'{part}.lock', os.O_RDONLY | os.O_CLOEXEC)
            try:
                # A shared lock: two who look do not take each other for writers.
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _owner_in(descriptor) or Owner(0, 'this machine', '', 'an unknown time')
            finally:
                os.close(descriptor)
    return None


def _release(path: Path, descriptor: int, ended: Event) -> None:
    ended.set()
    with suppress(OSError):
        path.unlink()
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _beat(descriptor: int, ended: Event) -> None:
    while not ended.wait(BEAT):
        with suppress(OSError):
            os.utime(descriptor)
    os.close(descriptor)


def _locked(descriptor: int) -> bool:
    """Whether nobody that this kernel knows holds it; also where it cannot tell."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _lives_elsewhere(descriptor: int, owner: Owner) -> bool:
    """Whether an owner of whom this kernel knows nothing gives heartbeats; by changes alone, as clocks differ."""
    if owner.kernel == _kernel() != '':
        return False
    before, end = os.fstat(descriptor).st_mtime_ns, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(_LOOK)
        if os.fstat(descriptor).st_mtime_ns != before:
            return True
    return False


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _owner_in(descriptor: int) -> Owner | None:
    try:
        found = parse_json(os.pread(descriptor, _LONGEST, 0))
        return Owner(int(found['process']), str(found['host']), str(found['kernel']), str(found['since']))
    except (ValueError, KeyError, TypeError):
        return None


def _write(descriptor: int, owner: Owner) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(asdict(owner)).encode(), 0)


def _self() -> Owner:
    return Owner(os.getpid(), os.uname().nodename, _kernel(), f'{utc_now():%Y-%m-%d %H:%M:%S} UTC')


def _kernel() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ''
