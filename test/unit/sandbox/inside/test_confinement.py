"""What a worker has left, as the kernel tells it, and as the worker itself finds by trying."""

import os
import platform
import re
from pathlib import Path

import pytest

from llm_policy_improver.sandbox.inside.syscalls import ALLOWED
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.sandbox import Sandbox

UPROBES = {'x86_64': {335, 336}, 'aarch64': set()}
"""uretprobe and uprobe, for the kernel's own trampolines alone: it lets them pass every filter, kernel/seccomp.c."""

TRYING = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)

def not_refused(numbers):
    found = []
    for number in numbers:
        if libc.syscall(ctypes.c_long(number), *[ctypes.c_long(-1)] * 6) != -1 or ctypes.get_errno() != 1:
            found.append(number)
    return found
"""


def test_of_all_system_calls_only_those_of_the_list_are_not_refused(sandbox: Sandbox) -> None:
    machine = platform.machine()
    left_out = {call.number(machine) for call in ALLOWED if call.name in ('exit', 'exit_group')} | UPROBES[
        machine
    ]
    known = {call.number(machine) for call in ALLOWED}
    with sandbox.load(TRYING) as worker:
        found = worker.call('not_refused', [number for number in range(600) if number not in left_out])
    assert found
    assert set(found) <= known


def test_kernel_tells_that_everything_was_given_up() -> None:
    limits = Limits(memory_bytes=100_000_000, cpu_seconds=50, output_bytes=1000)
    with Sandbox(limits) as sandbox, sandbox.load('x = 1') as worker:
        place = Path('/proc', str(worker._forked.number))  # type: ignore[attr-defined]
        if 'bubblewrap' in sandbox.protections:
            pytest.skip('its number is another one outside')
        status = dict(line.split(':\t', 1) for line in (place / 'status').read_text().splitlines())
        assert status['NoNewPrivs'] == '1'
        assert status['Seccomp'] == '2'
        assert status['Threads'] == '1'
        assert '0' not in status['Uid'].split() + status['Gid'].split()
        for name in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb'):
            assert int(status[name], 16) == 0, name
        if os.geteuid() == 0:
            assert int(status['CapBnd'], 16) == 0
            assert status['Groups'].strip() == ''
            assert sorted(each.name for each in (place / 'fd').iterdir()) == ['0', '1', '2', '3']
        assert int(status['NSsid'].split()[0]) == worker._forked.number  # type: ignore[attr-defined]
        set_to = dict(re.findall(r'^(Max [a-z ]+?)  +(\S+)', (place / 'limits').read_text(), re.M))
        assert set_to['Max cpu time'] == '50'
        assert set_to['Max file size'] == '1000'
        assert set_to['Max processes'] == set_to['Max core file size'] == set_to['Max locked memory'] == '0'
        assert set_to['Max open files'] == '4'
        size = int(status['VmSize'].split()[0]) * 1024
        assert size <= int(set_to['Max address space']) <= size + limits.memory_bytes
