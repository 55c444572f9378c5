"""Attacks by way of other processes and threads."""

from typing import Final

from llm_policy_improver.sandbox.attacks.attack import DIED, ERROR, LIBC, VALUE, Attack, Witness, body

_FILES, _TRUE = Witness.FILES, Witness.TRUE

_COUNT_CHILDREN: Final = '''
import os

def alive(make):
    """Whether five children can be there at once; each is let go of."""
    children = []
    try:
        for _ in range(5):
            child = make()
            if child == 0:
                import time
                time.sleep(0.5)
                os._exit(0)
            children.append(child)
    finally:
        for child in children:
            os.waitpid(child, 0)
    return len(children) == 5
'''

ATTACKS: Final = (
    Attack(
        'run a command by os.system',
        _FILES,
        body('os.system("echo > " + field["made"])', 'import os'),
        ERROR | VALUE,
    ),
    Attack(
        'run a command by os.popen', _FILES, body('os.popen("echo > " + field["made"]).read()', 'import os')
    ),
    Attack(
        'run a command by subprocess',
        _FILES,
        body('subprocess.run(["/bin/sh", "-c", "echo > " + field["made"]])', 'import subprocess'),
    ),
    Attack(
        'run a command by posix_spawn',
        _FILES,
        body(
            """
            child = os.posix_spawn("/bin/sh", ["sh", "-c", "echo > " + field["made"]], {})
            os.waitpid(child, 0)
            """,
            'import os',
        ),
    ),
    Attack(
        'run a command by system of C',
        _FILES,
        body('require(libc.system(b"echo > " + field["made"].encode()))', LIBC),
        ERROR | VALUE,
    ),
    Attack(
        'become another program',
        _FILES,
        body('os.execv("/bin/sh", ["sh", "-c", "echo > " + field["made"]])', 'import os'),
    ),
    Attack(
        'become another program, from memory',
        _FILES,
        body(
            """
            number = os.memfd_create("x", 0)
            os.write(number, b"#!/bin/sh\\necho > " + field["made"].encode())
            os.execve(number, ["x"], {})
            """,
            'import os',
        ),
    ),
    Attack('fork', _TRUE, body('return alive(os.fork)', _COUNT_CHILDREN)),
    Attack(
        'fork by the call clone',
        _TRUE,
        body(
            'return alive(lambda: system_call(field["calls"]["clone"], 17, 0, 0, 0, 0))',
            LIBC + _COUNT_CHILDREN,
        ),
    ),
    Attack(
        'fork by the call clone3',
        _TRUE,
        body(
            """
            given = (ctypes.c_uint64 * 11)()
            given[4] = 17
            return alive(lambda: system_call(435, given, ctypes.c_size_t(88)))
            """,
            LIBC + _COUNT_CHILDREN,
        ),
    ),
    Attack(
        'fork with a terminal',
        _TRUE,
        body(
            """
            child, terminal = pty.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
            return True
            """,
            'import os, pty',
        ),
    ),
    Attack(
        'start a process by multiprocessing',
        _FILES,
        body(
            """
            child = multiprocessing.get_context("fork").Process(target=open, args=(field["made"], "w"))
            child.start()
            child.join()
            """,
            'import multiprocessing',
        ),
    ),
    Attack(
        'start a thread',
        _TRUE,
        body(
            """
            done = []
            thread = threading.Thread(target=done.append, args=(1,))
            thread.start()
            thread.join()
            return done == [1]
            """,
            'import threading',
        ),
    ),
    Attack(
        'start a hundred threads by _thread',
        _TRUE,
        body(
            """
            lock = _thread.allocate_lock()
            with lock:
                for _ in range(100):
                    _thread.start_new_thread(lock.acquire, (True, 1.0))
            return True
            """,
            'import _thread',
        ),
    ),
    Attack(
        'start a thread by pthread_create of C',
        _TRUE,
        body(
            """
            thread = ctypes.c_ulong()
            failed = libc.pthread_create(ctypes.byref(thread), None, libc.abs, None)
            if failed:
                raise OSError(failed, 'refused')
            return libc.pthread_join(thread, None) == 0
            """,
            LIBC,
        ),
    ),
    Attack(
        'use a pool of processes',
        _TRUE,
        body(
            """
            with concurrent.futures.ProcessPoolExecutor(2) as pool:
                return list(pool.map(abs, [-1, -2])) == [1, 2]
            """,
            'import concurrent.futures.process',
        ),
        ERROR | DIED,
    ),
    Attack(
        'find its way into a session of another',
        _TRUE,
        body('return os.getsid(field["bystander"]) > 0', 'import os'),
    ),
)
