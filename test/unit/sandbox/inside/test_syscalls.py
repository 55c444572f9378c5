"""Numbers of system calls, compared with what others have written down."""

import re
from pathlib import Path

import pytest

from llm_policy_improver.sandbox.inside.kernel import CAPSET
from llm_policy_improver.sandbox.inside.syscalls import ALLOWED

X86_64 = {
    'read': 0, 'write': 1, 'mmap': 9, 'mprotect': 10, 'munmap': 11, 'brk': 12, 'sched_yield': 24, 'mremap': 25,
    'madvise': 28, 'nanosleep': 35, 'exit': 60, 'gettimeofday': 96, 'time': 201, 'futex': 202, 'restart_syscall': 219,
    'clock_gettime': 228, 'clock_getres': 229, 'clock_nanosleep': 230, 'exit_group': 231,
}  # fmt: skip
"""From arch/x86/entry/syscalls/syscall_64.tbl of Linux 6.18."""

AARCH64 = {
    'read': 63, 'write': 64, 'exit': 93, 'exit_group': 94, 'futex': 98, 'nanosleep': 101, 'clock_gettime': 113,
    'clock_getres': 114, 'clock_nanosleep': 115, 'sched_yield': 124, 'restart_syscall': 128, 'gettimeofday': 169,
    'brk': 214, 'munmap': 215, 'mremap': 216, 'mmap': 222, 'mprotect': 226, 'madvise': 233,
}  # fmt: skip
"""From include/uapi/asm-generic/unistd.h of Linux 6.18, which arch/arm64 uses for 64 bits."""

HEADERS = {
    'x86_64': Path('/usr/include/x86_64-linux-gnu/asm/unistd_64.h'),
    'aarch64': Path('/usr/include/asm-generic/unistd.h'),
}


def test_numbers_are_those_of_the_kernel() -> None:
    assert {call.name: call.x86_64 for call in ALLOWED} == X86_64
    assert {call.name: call.aarch64 for call in ALLOWED if call.aarch64 is not None} == AARCH64
    assert CAPSET == {'x86_64': 126, 'aarch64': 91}


@pytest.mark.parametrize('machine', HEADERS)
def test_numbers_are_those_of_the_headers_that_are_installed_here(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip('no header of the kernel is installed')
    text = HEADERS[machine].read_text()
    defined = {name: int(number) for name, number in re.findall(r'#define __NR(?:3264)?_(\w+) (\d+)\b', text)}
    for call in ALLOWED:
        number = call.number(machine)
        if number is not None:
            assert defined[call.name] == number, call.name


def test_no_call_is_allowed_that_reaches_beyond_the_process() -> None:
    names = {call.name for call in ALLOWED}
    for name in (
        'openat',
        'socket',
        'clone',
        'clone3',
        'execve',
        'kill',
        'tgkill',
        'ioctl',
        'fcntl',
        'prctl',
        'close',
    ):
        assert name not in names
