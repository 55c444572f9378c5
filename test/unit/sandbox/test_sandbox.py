import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from llm_policy_improver.sandbox import sandbox as module
from llm_policy_improver.sandbox.errors import ProgramError, SandboxUnavailableError
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.protections import REQUIRED
from llm_policy_improver.sandbox.sandbox import Sandbox

POLICY = """
import math

class Policy:
    def __init__(self, gain=1.0):
        self.gain = gain
        self.calls = 0

    def act(self, obs):
        self.calls += 1
        return int(self.gain * obs[0] + math.sin(obs[1]) > 0)

    def count(self):
        return self.calls

def get_action(x, v):
    return [x + v, None, {'is_number': True}]
"""


def test_program_acts_and_each_object_has_a_state_of_its_own(sandbox: Sandbox) -> None:
    with sandbox.load(POLICY) as worker:
        first, second = worker.new('Policy'), worker.new('Policy', gain=-1.0)
        observation = (0.5, 0.0)
        assert worker.call_method(first, 'act', observation) == 1
        assert worker.call_method(second, 'act', observation) == 0
        assert worker.call_method(second, 'act', observation) == 0
        assert worker.call_methods([(first, 'count'), (second, 'count')]) == [1, 2]
        assert worker.call('get_action', x=1.5, v=0.25) == [1.75, None, {'is_number': True}]


def test_array_arrives_as_an_array_and_returns_as_a_list(sandbox: Sandbox) -> None:
    with sandbox.load('def double(x, y):\n    return 2 * x, type(x).__name__, type(y[0]).__name__') as worker:
        observation = np.array([[1.0, 2.0], [3.0, 4.0]])
        assert worker.call('double', observation, [observation]) == [
            [[2.0, 4.0], [6.0, 8.0]],
            'ndarray',
            'ndarray',
        ]
        assert worker.call('double', [1.5], y=[np.float64(0.5)]) == [[1.5, 1.5], 'list', 'float']


def test_array_of_a_program_may_be_changed_by_it(sandbox: Sandbox) -> None:
    with sandbox.load('def clear(x):\n    x[0] = 0.0\n    return x') as worker:
        assert worker.call('clear', np.array([1.0, 2.0])) == [0.0, 2.0]


def test_floats_cross_bit_for_bit(sandbox: Sandbox) -> None:
    values = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.arange(-300, 300, 0.6)
    with sandbox.load('def same(x):\n    return x') as worker:
        assert worker.call('same', values) == values.tolist()
        assert worker.call('same', values.tolist()) == values.tolist()


def test_deleted_object_is_gone_and_others_stay(sandbox: Sandbox) -> None:
    with sandbox.load(POLICY) as worker:
        first, second = worker.new('Policy'), worker.new('Policy')
        worker.delete(first)
        assert worker.call_method(second, 'count') == 0
        with pytest.raises(ProgramError):
            worker.call_method(first, 'count')


def test_programs_do_not_meet(sandbox: Sandbox) -> None:
    with (
        sandbox.load('import math\nmath.pi = 3') as first,
        sandbox.load('import math\ndef pi(): return math.pi') as second,
    ):
        assert first.alive
        assert second.call('pi') == pytest.approx(np.pi)


def test_what_is_active_is_told(sandbox: Sandbox) -> None:
    assert set(REQUIRED) <= set(sandbox.protections)
    assert Protection.NO_CAPABILITIES in sandbox.protections
    assert 'seccomp' in sandbox.sentence


def test_many_threads_use_sandboxes_side_by_side() -> None:
    """The thread that makes a sandbox ends at once; what it has made must not end with it."""
    made: list[Sandbox] = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: made.append(Sandbox()))
        thread.start()
        thread.join()

    def count(number: int) -> int:
        with made[number % 2].load(f'def number(): return {number}') as worker:
            return int(sum(worker.call('number') for _ in range(20)))

    try:
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(count, range(16))) == [20 * number for number in range(16)]
    finally:
        for each in made:
            each.close()


def test_limits_may_be_given_for_one_program(sandbox: Sandbox) -> None:
    with pytest.raises(ProgramError, match='9 bytes; 5 are the most'):
        sandbox.load('x = 12345', Limits(source_bytes=5))


def test_module_that_was_asked_for_can_be_imported() -> None:
    with Sandbox(modules=['colorsys']) as made, made.load('import colorsys\nimport sys') as worker:
        assert worker.alive
    with pytest.raises(ModuleNotFoundError, match='no_such_module'):
        Sandbox(modules=['no_such_module'])


def test_machine_that_cannot_confine_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(modules: object) -> None:
        raise SandboxUnavailableError('this machine cannot confine programs: it lacks seccomp')

    monkeypatch.setattr(module, 'Processes', refuse)
    monkeypatch.setitem(sys.modules, 'pydantic_monty', None)
    monkeypatch.delitem(sys.modules, 'llm_policy_improver.sandbox.monty', raising=False)
    with pytest.raises(SandboxUnavailableError, match=r'lacks seccomp; programs without NumPy .*\[sandbox\]'):
        Sandbox()


def test_machine_where_no_process_for_programs_starts_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter that is to run as the zygote ends at once."""
    monkeypatch.setattr(sys, 'executable', '/bin/false')
    monkeypatch.setitem(sys.modules, 'pydantic_monty', None)
    monkeypatch.delitem(sys.modules, 'llm_policy_improver.sandbox.monty', raising=False)
    with pytest.raises(
        SandboxUnavailableError, match=r'does not start: .* has ended.*; programs without NumPy'
    ):
        Sandbox()
