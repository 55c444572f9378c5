"""All attacks."""

from typing import Final

from llm_policy_improver.sandbox.attacks import (
    bombs,
    endless,
    escapes,
    files,
    kernel_calls,
    network,
    others,
    processes,
    protocol,
    results,
)

ATTACKS: Final = (
    *files.ATTACKS,
    *network.ATTACKS,
    *processes.ATTACKS,
    *others.ATTACKS,
    *kernel_calls.ATTACKS,
    *bombs.ATTACKS,
    *endless.ATTACKS,
    *escapes.ATTACKS,
    *results.ATTACKS,
    *protocol.ATTACKS,
)

MODULES: Final = (
    'atexit', 'concurrent.futures.process', 'ctypes', 'json.encoder', 'mmap', 'multiprocessing',
    'multiprocessing.shared_memory', 'multiprocessing.popen_fork', 'numpy.ctypeslib', 'pickle', 'pty', 'resource',
    'select', 'signal', 'socket', 'subprocess',
)  # fmt: skip
"""That they find loaded, so that nothing is held merely because a module is not there."""
