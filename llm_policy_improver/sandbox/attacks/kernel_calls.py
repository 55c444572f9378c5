"""Attacks by calls of the kernel that no policy needs: shared memory, keys, namespaces, code of one's own."""

from typing import Final

from llm_policy_improver.sandbox.attacks.attack import (
    DIED,
    ERROR,
    LIBC,
    ROOT,
    USER_NAMESPACES,
    VALUE,
    X32,
    X86,
    Attack,
    Witness,
    body,
)

_TRUE: Final = Witness.TRUE

_MACHINE_CODE: Final = '''
import ctypes, mmap

def run(code):
    """The result of machine code, in a page of its own."""
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
'''

_SHARED = (
    Attack(
        'share memory of System V',
        _TRUE,
        body('return require(libc.shmctl(require(libc.shmget(0, 4096, 0o1600)), 0, None)) == 0', LIBC),
    ),
    Attack(
        'use a semaphore of System V',
        _TRUE,
        body('return require(libc.semctl(require(libc.semget(0, 1, 0o1666)), 0, 0)) == 0', LIBC),
    ),
    Attack(
        'use a message queue of System V',
        _TRUE,
        body('return require(libc.msgctl(require(libc.msgget(0, 0o1666)), 0, None)) == 0', LIBC),
    ),
    Attack(
        'share memory of POSIX',
        _TRUE,
        body(
            """
            shared = multiprocessing.shared_memory.SharedMemory(create=True, size=100, name=field["token"])
            shared.close()
            shared.unlink()
            return True
            """,
            'import multiprocessing.shared_memory',
        ),
    ),
    Attack(
        'open a message queue of POSIX',
        _TRUE,
        body(
            """
            require(libc.mq_open(b"/" + field["token"].encode(), 0o102, 0o600, None))
            return libc.mq_unlink(b"/" + field["token"].encode()) == 0
            """,
            LIBC,
        ),
    ),
    Attack('make a file in memory', _TRUE, body('return os.memfd_create("x") > 0', 'import os')),
    Attack('make a secret file in memory', _TRUE, body('return system_call(447, 0) > 0', LIBC)),
    Attack('count events by eventfd', _TRUE, body('return require(libc.eventfd(0, 0)) > 0', LIBC)),
    Attack(
        'handle its own page faults',
        _TRUE,
        body('return system_call(field["calls"]["userfaultfd"], 1) > 0', LIBC),
    ),
    Attack(
        'add a key to a keyring',
        _TRUE,
        body(
            'return system_call(field["calls"]["add_key"], b"user", b"x", b"x", ctypes.c_size_t(1), -1) > 0',
            LIBC,
        ),
    ),
    Attack(
        'ask for a keyring',
        _TRUE,
        body('return system_call(field["calls"]["keyctl"], 0, -3, 1) > 0', LIBC),
    ),
)

_RIGHTS = (
    Attack(
        'load a program into the kernel',
        _TRUE,
        body(
            """
            given = (ctypes.c_uint32 * 18)(2, 4, 4, 1)
            return system_call(field["calls"]["bpf"], 0, given, 72) > 0
            """,
            LIBC,
        ),
        needs=ROOT,
    ),
    Attack(
        'count what the processor does',
        _TRUE,
        body(
            """
            given = (ctypes.c_uint32 * 32)(1, 128)
            return system_call(field["calls"]["perf_event_open"], given, 0, -1, -1, 0) > 0
            """,
            LIBC,
        ),
        needs=ROOT,
    ),
    Attack(
        'make a user namespace',
        _TRUE,
        body('return require(libc.unshare(0x10000000)) == 0', LIBC),
        needs=USER_NAMESPACES,
    ),
    Attack(
        'make a network namespace',
        _TRUE,
        body('return require(libc.unshare(0x40000000)) == 0', LIBC),
        needs=ROOT,
    ),
    Attack(
        'enter a namespace',
        _TRUE,
        body(
            'return require(libc.setns(os.open(f"/proc/{field[\'bystander\']}/ns/net", 0), 0)) == 0',
            'import os' + LIBC,
        ),
        needs=ROOT,
    ),
    Attack(
        'mount a file system',
        _TRUE,
        body(
            """
            require(libc.unshare(0x20000))
            require(libc.mount(b"none", b"/", None, 0x44000, None))
            return require(libc.mount(b"none", field["folder"].encode(), b"tmpfs", 0, None)) == 0
            """,
            LIBC,
        ),
        needs=ROOT,
    ),
    Attack(
        'change the root folder',
        _TRUE,
        body('os.chroot(field["folder"])\nreturn True', 'import os'),
        needs=ROOT,
    ),
    Attack('become another user', _TRUE, body('os.setresuid(1, 1, 1)\nreturn True', 'import os'), needs=ROOT),
    Attack('become root', _TRUE, body('os.setuid(0)\nreturn os.getuid() == 0', 'import os'), needs=ROOT),
    Attack('become any group', _TRUE, body('os.setgroups([0])\nreturn True', 'import os'), needs=ROOT),
    Attack(
        'take back rights',
        _TRUE,
        body(
            """
            header = (ctypes.c_uint32 * 2)(0x20080522, 0)
            rights = (ctypes.c_uint32 * 6)(2, 2, 0, 0, 0, 0)
            return require(libc.capset(header, rights)) == 0
            """,
            LIBC,
        ),
        needs=ROOT,
    ),
    Attack('outlive its parent', _TRUE, body('return require(libc.prctl(1, 0, 0, 0, 0)) == 0', LIBC)),
    Attack('let itself be traced', _TRUE, body('return require(libc.prctl(4, 1, 0, 0, 0)) == 0', LIBC)),
    Attack('take another name', _TRUE, body('return require(libc.prctl(15, b"init", 0, 0, 0)) == 0', LIBC)),
    Attack(
        'add a filter of its own',
        _TRUE,
        body(
            """
            libc.prctl(38, 1, 0, 0, 0)
            code = (ctypes.c_uint64 * 1)(0x7fff000000000006)
            program = (ctypes.c_uint64 * 2)(1, ctypes.addressof(code))
            return require(libc.prctl(22, 2, program, 0, 0)) == 0
            """,
            LIBC,
        ),
    ),
    Attack('change how it is run', _TRUE, body('return require(libc.personality(0x0040000)) >= 0', LIBC)),
    Attack('lock memory', _TRUE, body('return require(libc.mlockall(2)) == 0', LIBC), needs=ROOT),
)

_CODE = (
    Attack(
        'run machine code of its own',
        _TRUE,
        body('return run(bytes.fromhex("b82a000000c3")) == 42', _MACHINE_CODE),
        needs=X86,
    ),
    Attack(
        'make a page of its own executable',
        _TRUE,
        body(
            """
            page = mmap.mmap(-1, 4096)
            page.write(bytes.fromhex("b82a000000c3"))
            address = ctypes.addressof(ctypes.c_char.from_buffer(page))
            require(libc.mprotect(ctypes.c_void_p(address), ctypes.c_size_t(4096), 5))
            return ctypes.CFUNCTYPE(ctypes.c_int)(address)() == 42
            """,
            'import mmap' + LIBC,
        ),
        needs=X86,
    ),
    Attack(
        'call the kernel as a program of 32 bits would',
        _TRUE,
        body('return run(bytes.fromhex("b814000000cd80c3")) > 0', _MACHINE_CODE),
        ERROR | DIED,
        needs=X86,
    ),
    Attack(
        'call the kernel as a program of x32 would',
        _TRUE,
        body('return system_call(0x40000000 + 39) > 0', LIBC),
        ERROR | VALUE,
        needs=X32,
    ),
    Attack(
        'call the kernel with a number that is none',
        _TRUE,
        body(
            """
            libc.syscall(ctypes.c_long(4095))
            return ctypes.get_errno() == 38
            """,
            LIBC,
        ),
        VALUE,
    ),
)

ATTACKS: Final = (*_SHARED, *_RIGHTS, *_CODE)
