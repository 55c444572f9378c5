"""Attacks on other processes: signals, looking into them, changing them; the bystander is one made for that."""

from typing import Final

from llm_policy_improver.sandbox.attacks.attack import (
    ERROR,
    LIBC,
    NOT_ROOT,
    ROOT,
    VALUE,
    Attack,
    Witness,
    body,
)

_BYSTANDER, _SECRET, _TRUE = Witness.BYSTANDER, Witness.SECRET, Witness.TRUE

_SIGNALS = (
    Attack('kill another process', _BYSTANDER, body('os.kill(field["bystander"], 9)', 'import os')),
    Attack('stop another process', _BYSTANDER, body('os.kill(field["bystander"], 19)', 'import os')),
    Attack(
        'kill a thread of another process',
        _BYSTANDER,
        body(
            'system_call(field["calls"]["tgkill"], field["bystander"], field["bystander"], 9)',
            LIBC,
        ),
    ),
    Attack(
        'kill another process by its descriptor',
        _BYSTANDER,
        body(
            'signal.pidfd_send_signal(os.pidfd_open(field["bystander"]), 9)',
            'import os, signal',
        ),
    ),
    Attack(
        'queue a signal for another process',
        _BYSTANDER,
        body('require(libc.sigqueue(field["bystander"], 9, ctypes.c_void_p(0)))', LIBC),
    ),
    Attack(
        'ask who the parent is and whether it is there',
        _TRUE,
        body('os.kill(os.getppid(), 0)\nreturn True', 'import os'),
    ),
    Attack(
        'set a handler for signals',
        _TRUE,
        body('signal.signal(signal.SIGTERM, signal.SIG_IGN)\nreturn True', 'import signal'),
    ),
    Attack(
        'block all signals',
        _TRUE,
        body(
            """
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
            return signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())
            """,
            'import signal',
        ),
        ERROR | VALUE,
    ),
    Attack(
        'set a timer that sends signals',
        _TRUE,
        body('signal.setitimer(signal.ITIMER_REAL, 1000)\nreturn True', 'import signal'),
    ),
    Attack(
        'set an alarm',
        _TRUE,
        body('signal.alarm(1000)\nreturn signal.alarm(0) == 1000', 'import signal'),
        ERROR | VALUE,
    ),
    Attack(
        'send itself a signal',
        _TRUE,
        body('signal.raise_signal(signal.SIGCHLD)\nreturn True', 'import signal'),
    ),
)

_LOOKING = (
    Attack(
        'read the environment of another process',
        _SECRET,
        body('return open(f"/proc/{field[\'bystander\']}/environ").read()'),
    ),
    Attack(
        'read the command line of another process',
        _TRUE,
        body('return len(open(f"/proc/{field[\'bystander\']}/cmdline").read()) > 0'),
    ),
    Attack(
        'read the map of the memory of another process',
        _TRUE,
        body('return len(open(f"/proc/{field[\'bystander\']}/maps").read()) > 0'),
    ),
    Attack(
        'read the memory of another process',
        _TRUE,
        body(
            """
            first = int(open(f"/proc/{field['bystander']}/maps").readline().split("-")[0], 16)
            with open(f"/proc/{field['bystander']}/mem", "rb") as memory:
                memory.seek(first)
                return memory.read(4) == bytes([127]) + b"ELF"
            """
        ),
    ),
    Attack('read its own environment from /proc', _SECRET, body('return open("/proc/self/environ").read()')),
    Attack('read its own map of memory', _TRUE, body('return len(open("/proc/self/maps").read()) > 0')),
    Attack('list the processes', _TRUE, body('return "self" in os.listdir("/proc")', 'import os')),
    Attack(
        'read the memory of another process by process_vm_readv',
        _TRUE,
        body(
            """
            room = ctypes.create_string_buffer(4)
            here = (ctypes.c_void_p * 2)(ctypes.addressof(room), 4)
            there = (ctypes.c_void_p * 2)(field["address"], 4)
            return libc.process_vm_readv(field["bystander"], here, 1, there, 1, 0) == 4
            """,
            LIBC,
        ),
        ERROR | VALUE,
    ),
    Attack(
        'write the memory of another process by process_vm_writev',
        _TRUE,
        body(
            """
            room = ctypes.create_string_buffer(b"\\x7fELF", 4)
            here = (ctypes.c_void_p * 2)(ctypes.addressof(room), 0)
            there = (ctypes.c_void_p * 2)(field["address"], 0)
            return libc.process_vm_writev(field["bystander"], here, 1, there, 1, 0) == 0
            """,
            LIBC,
        ),
        ERROR | VALUE,
    ),
    Attack(
        'trace another process',
        _TRUE,
        body(
            """
            require(libc.ptrace(16, field["bystander"], None, None))
            os.waitpid(field["bystander"], 0)
            return libc.ptrace(17, field["bystander"], None, None) == 0
            """,
            'import os' + LIBC,
        ),
    ),
    Attack(
        'compare itself with another process',
        _TRUE,
        body(
            'return system_call(field["calls"]["kcmp"], field["bystander"], field["bystander"], 1, 0, 0) == 0',
            LIBC,
        ),
    ),
    Attack(
        'take a descriptor of another process',
        _TRUE,
        body('return system_call(438, os.pidfd_open(field["bystander"]), 0, 0) > 0', 'import os' + LIBC),
    ),
)

_CHANGING = (
    Attack(
        'change the limits of another process',
        _BYSTANDER,
        body('resource.prlimit(field["bystander"], resource.RLIMIT_NOFILE, (77, 77))', 'import resource'),
        needs=NOT_ROOT,
    ),
    Attack(
        'change the priority of another process',
        _TRUE,
        body('os.setpriority(os.PRIO_PROCESS, field["bystander"], 19)\nreturn True', 'import os'),
    ),
    Attack(
        'change the processors of another process',
        _TRUE,
        body(
            """
            mine = os.sched_getaffinity(field["bystander"])
            os.sched_setaffinity(field["bystander"], mine)
            return True
            """,
            'import os',
        ),
    ),
    Attack(
        'raise its own limits',
        _TRUE,
        body(
            """
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            return True
            """,
            'import resource',
        ),
    ),
    Attack(
        'take real time priority',
        _TRUE,
        body('os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))\nreturn True', 'import os'),
        needs=ROOT,
    ),
)

ATTACKS: Final = (*_SIGNALS, *_LOOKING, *_CHANGING)
