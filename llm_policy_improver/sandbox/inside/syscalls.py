"""The system calls that a worker may make; all others are refused."""

from dataclasses import dataclass
from typing import Final

CHANNEL: Final = 3
"""The one connection to the parent."""
OUTPUT: Final = (1, 2)
"""Where the program's output goes."""


@dataclass(frozen=True, slots=True)
class Argument:
    """What an argument of a system call must be.

    Attributes:
        position: of the argument, 0 to 5.
        mask: the bits that are looked at, of the lower 32.
        allowed: what they may be.
    """

    position: int
    mask: int
    allowed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SystemCall:
    """A system call that may be made.

    Attributes:
        name: as the kernel has it.
        x86_64: its number there, from arch/x86/entry/syscalls/syscall_64.tbl; None where it does not exist.
        aarch64: its number there, from include/uapi/asm-generic/unistd.h, which arm64 uses as it is.
        arguments: what must hold of them.
    """

    name: str
    x86_64: int | None
    aarch64: int | None
    arguments: tuple[Argument, ...] = ()

    def number(self, machine: str) -> int | None:
        """On a machine as `platform.machine` calls it."""
        return {'x86_64': self.x86_64, 'aarch64': self.aarch64}[machine]


_ALL = 0xFFFFFFFF
_NOT_EXECUTABLE = Argument(2, 0x4, (0,))
"""No PROT_EXEC: a program cannot bring machine code of its own."""
_ONLY_MEMORY = Argument(3, 0x40000 | 0x20, (0x20,))
"""MAP_ANONYMOUS, no file; and not MAP_HUGETLB, the pages set aside for others."""
_GIVE_BACK_OR_ENLARGE = Argument(2, _ALL, (4, 8, 14, 15))
"""MADV_DONTNEED, FREE, HUGEPAGE, NOHUGEPAGE: what allocators use."""
_WAIT_OR_WAKE = Argument(1, ~(128 | 256) & _ALL, (0, 1, 9, 10))
"""FUTEX_WAIT, WAKE, WAIT_BITSET, WAKE_BITSET, private or not, on any clock: what locks of Python need."""

ALLOWED: Final = (
    SystemCall('read', 0, 63, (Argument(0, _ALL, (0, CHANNEL)),)),
    SystemCall('write', 1, 64, (Argument(0, _ALL, (*OUTPUT, CHANNEL)),)),
    SystemCall('brk', 12, 214),
    SystemCall('mmap', 9, 222, (_NOT_EXECUTABLE, _ONLY_MEMORY)),
    SystemCall('munmap', 11, 215),
    SystemCall('mremap', 25, 216),
    SystemCall('mprotect', 10, 226, (_NOT_EXECUTABLE,)),
    SystemCall('madvise', 28, 233, (_GIVE_BACK_OR_ENLARGE,)),
    SystemCall('futex', 202, 98, (_WAIT_OR_WAKE,)),
    SystemCall('clock_gettime', 228, 113),
    SystemCall('clock_getres', 229, 114),
    SystemCall('gettimeofday', 96, 169),
    SystemCall('time', 201, None),
    SystemCall('nanosleep', 35, 101),
    SystemCall('clock_nanosleep', 230, 115),
    SystemCall('restart_syscall', 219, 128),
    SystemCall('sched_yield', 24, 124),
    SystemCall('exit', 60, 93),
    SystemCall('exit_group', 231, 94),
)
