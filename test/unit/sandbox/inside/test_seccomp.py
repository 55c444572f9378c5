"""The filter, by a little interpreter of its instructions, and in the kernel itself."""

import ctypes
import mmap
import os
import platform
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_policy_improver.sandbox.inside import kernel
from llm_policy_improver.sandbox.inside.seccomp import (
    ALLOW,
    ARCHITECTURES,
    KILL,
    REFUSE,
    X32,
    filter_for,
    install_filter,
)
from llm_policy_improver.sandbox.inside.syscalls import ALLOWED

I386, ARM = 0x40000003, 0x40000028
"""AUDIT_ARCH_I386 and AUDIT_ARCH_ARM: the 32-bit interfaces of the same machines."""

BOTH = pytest.mark.parametrize('machine', ['x86_64', 'aarch64'])


def verdict(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the filter says of a system call."""
    data = (
        number.to_bytes(4, 'little')
        + (architecture or ARCHITECTURES[machine]).to_bytes(4, 'little')
        + bytes(8)
    )
    data += b''.join((arguments[k] if k < len(arguments) else 0).to_bytes(8, 'little') for k in range(6))
    code, place, loaded = filter_for(machine), 0, 0
    while True:
        what, if_true, if_false, constant = code[place]
        place += 1
        match what:
            case 0x20:
                loaded = int.from_bytes(data[constant : constant + 4], 'little')
            case 0x54:
                loaded &= constant
            case 0x15:
                place += if_true if loaded == constant else if_false
            case 0x35:
                place += if_true if loaded >= constant else if_false
            case 0x06:
                return constant
            case _:
                pytest.fail(f'unknown instruction {what}')


def numbered(machine: str, name: str) -> int:
    (number,) = (call.number(machine) for call in ALLOWED if call.name == name)
    assert number is not None
    return number


@BOTH
def test_nothing_passes_but_what_is_allowed(machine: str) -> None:
    allowed = {call.number(machine) for call in ALLOWED if not call.arguments}
    restricted = {call.number(machine) for call in ALLOWED if call.arguments}
    for number in range(1024):
        expected = ALLOW if number in allowed else REFUSE
        if number not in restricted:
            assert verdict(machine, number) == expected, number


@BOTH
def test_other_interfaces_of_the_machine_are_killed(machine: str) -> None:
    for architecture in (I386, ARM, 0xC0000000):
        assert verdict(machine, 4, architecture=architecture) == KILL


@BOTH
def test_x32_numbers_and_negative_ones_are_refused(machine: str) -> None:
    for number in (X32, X32 + 1, X32 + numbered(machine, 'exit_group'), 0xFFFFFFFF):
        assert verdict(machine, number) == REFUSE


@BOTH
def test_descriptors_are_checked(machine: str) -> None:
    read, write = numbered(machine, 'read'), numbered(machine, 'write')
    assert [verdict(machine, read, k) for k in range(5)] == [ALLOW, REFUSE, REFUSE, ALLOW, REFUSE]
    assert [verdict(machine, write, k) for k in range(5)] == [REFUSE, ALLOW, ALLOW, ALLOW, REFUSE]
    assert verdict(machine, write, 0xFFFFFFFF) == REFUSE


@BOTH
def test_memory_is_never_executable_and_never_a_file(machine: str) -> None:
    anonymous, private, huge = 0x20, 0x02, 0x40000
    for protection in range(8):
        expected = REFUSE if protection & 4 else ALLOW
        assert (
            verdict(machine, numbered(machine, 'mmap'), 0, 4096, protection, anonymous | private) == expected
        )
        assert verdict(machine, numbered(machine, 'mprotect'), 0, 4096, protection) == expected
    assert verdict(machine, numbered(machine, 'mmap'), 0, 4096, 3, private) == REFUSE
    assert verdict(machine, numbered(machine, 'mmap'), 0, 4096, 3, anonymous | private | huge) == REFUSE


@BOTH
def test_of_futexes_only_waiting_and_waking_passes(machine: str) -> None:
    passed = {word for word in range(512) if verdict(machine, numbered(machine, 'futex'), 0, word) == ALLOW}
    assert passed == {word | flags for word in (0, 1, 9, 10) for flags in (0, 128, 256, 384)}


def test_unknown_machine_has_no_filter() -> None:
    with pytest.raises(KeyError):
        filter_for('riscv64')


def ending_of(work: Callable[[], int]) -> int:
    """Exit code of a child that has the filter and then does the work; negative where a signal ended it."""
    code = bytes.fromhex('b814000000cd80c3')  # mov eax, 20; int 0x80; ret
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    global run_32_bit
    run_32_bit = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    child = os.fork()
    if child == 0:
        try:
            kernel.process_control(kernel.SET_NO_NEW_PRIVILEGES, 1)
            install_filter()
            os._exit(work())
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


run_32_bit: Callable[[], int]


@pytest.mark.skipif(platform.machine() != 'x86_64', reason='machine code of x86-64')
def test_kernel_kills_a_call_of_the_32_bit_interface() -> None:
    assert ending_of(lambda: run_32_bit() * 0) == -signal.SIGSYS


def test_kernel_refuses_what_is_not_allowed_with_an_error() -> None:
    def work() -> int:
        try:
            Path.cwd()
        except PermissionError:
            return 7
        return 8

    assert ending_of(work) == 7


def test_kernel_refuses_an_x32_number() -> None:
    def work() -> int:
        try:
            kernel.system_call(X32 + 39)
        except PermissionError:
            return 7
        return 8

    assert ending_of(work) == 7
