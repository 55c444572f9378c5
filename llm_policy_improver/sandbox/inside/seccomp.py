"""The filter of system calls: those of `syscalls.ALLOWED` pass, those of another machine kill, all others fail.

A call that fails with EPERM raises PermissionError in the program, whose traceback then reaches the language model; a
kill would tell it nothing.
"""

import ctypes
import platform
import struct
from collections.abc import Sequence
from typing import Final

from llm_policy_improver.sandbox.inside.kernel import SET_SECCOMP, process_control
from llm_policy_improver.sandbox.inside.syscalls import ALLOWED, SystemCall

ARCHITECTURES: Final = {'x86_64': 0xC000003E, 'aarch64': 0xC00000B7}
"""AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 of include/uapi/linux/audit.h."""

X32: Final = 0x40000000
"""__X32_SYSCALL_BIT of arch/x86/include/uapi/asm/unistd.h; above any number of another machine, too."""

ALLOW: Final = 0x7FFF0000
REFUSE: Final = 0x00050000 | 1
KILL: Final = 0x80000000
"""SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO with EPERM and SECCOMP_RET_KILL_PROCESS of include/uapi/linux/seccomp.h."""

_LOAD, _JUMP_IF_EQUAL, _JUMP_IF_AT_LEAST, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
"""Instructions of include/uapi/linux/bpf_common.h: BPF_LD+W+ABS, BPF_JMP+JEQ+K, +JGE+K, BPF_ALU+AND+K, BPF_RET+K."""

_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Places in struct seccomp_data, in bytes; both machines have the lower half of an argument first."""

_MODE_FILTER: Final = 2

Instruction = tuple[int, int, int, int]
"""What to do, where to go if true and if false (instructions to skip), and its constant."""


class _Program(ctypes.Structure):
    _fields_ = (('length', ctypes.c_ushort), ('instructions', ctypes.c_char_p))


def filter_for(machine: str, allowed: Sequence[SystemCall] = ALLOWED) -> list[Instruction]:
    """The filter's instructions on a machine as `platform.machine` calls it.

    Raises:
        KeyError: there is no table for this machine.
    """
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_IF_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_IF_AT_LEAST, 0, 1, X32),
        (_RETURN, 0, 0, REFUSE),
    ]
    for call in allowed:
        number = call.number(machine)
        if number is not None:
            checked = _checked(call)
            code += [(_JUMP_IF_EQUAL, 0, len(checked), number), *checked]
    return [*code, (_RETURN, 0, 0, REFUSE)]


def install_filter() -> None:
    """Confine this thread and what it starts, for good. Needs no_new_privs.

    Raises:
        OSError: the kernel refused.
    """
    code = filter_for(platform.machine())
    packed = b''.join(struct.pack('=HBBI', *instruction) for instruction in code)
    process_control(SET_SECCOMP, _MODE_FILTER, ctypes.byref(_Program(len(code), packed)))


def _checked(call: SystemCall) -> list[Instruction]:
    code: list[Instruction] = []
    for argument in call.arguments:
        code += [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument.position), (_AND, 0, 0, argument.mask)]
        count = len(argument.allowed)
        code += [(_JUMP_IF_EQUAL, count - k, 0, value) for k, value in enumerate(argument.allowed)]
        code.append((_RETURN, 0, 0, REFUSE))
    return [*code, (_RETURN, 0, 0, ALLOW)]
