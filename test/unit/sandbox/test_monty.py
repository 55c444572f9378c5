"""Programs without NumPy, where the kernel confines nothing."""

from collections.abc import Iterator

import pytest

pytest.importorskip('pydantic_monty')

from llm_policy_improver.sandbox import sandbox as module
from llm_policy_improver.sandbox.errors import (
    ProgramDiedError,
    ProgramError,
    ProgramTimeoutError,
    SandboxUnavailableError,
)
from llm_policy_improver.sandbox.inside.frames import RESULT
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.sandbox import Sandbox

SOURCE = """
import random

class Policy:
    def __init__(self, gain=1.0):
        self.gain = gain
        self.first = random.random()

    def act(self, obs):
        return int(self.gain * obs[0] > 0)

    def drawn(self):
        return self.first

def divide(x):
    print('I divide')
    return 1 / x

def endless():
    while True:
        pass

def give():
    return float('nan')
"""


@pytest.fixture
def interpreter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    def refuse(modules: object) -> None:
        raise SandboxUnavailableError('no seccomp')

    monkeypatch.setattr(module, 'Processes', refuse)
    with Sandbox(Limits(load_seconds=1.0, new_seconds=1.0)) as made:
        assert made.protections == (Protection.INTERPRETER,)
        yield made


def test_program_acts(interpreter: Sandbox) -> None:
    with interpreter.load(SOURCE) as worker:
        first, second = worker.new('Policy', seed=3), worker.new('Policy', gain=-1.0, seed=3)
        assert worker.call_methods([(first, 'act', (0.5,)), (second, 'act', (0.5,))]) == [1, 0]
        assert worker.call_method(first, 'drawn') == worker.call_method(second, 'drawn')
        assert worker.call('divide', x=4.0) == 0.25
        assert worker.output == 'I divide\n'


def test_faults_are_told(interpreter: Sandbox) -> None:
    with interpreter.load(SOURCE) as worker:
        with pytest.raises(ProgramError, match='divide raised ZeroDivisionError') as caught:
            worker.call('divide', 0.0)
        assert 'line 17, in divide' in caught.value.traceback
        with pytest.raises(ProgramError, match='cannot be handed over') as caught:
            worker.call('give')
        assert caught.value.type == RESULT
        with pytest.raises(ProgramTimeoutError):
            worker.call('endless')
        with pytest.raises(ProgramDiedError):
            worker.call('divide', 1.0)


def test_program_that_needs_numpy_is_told_so(interpreter: Sandbox) -> None:
    with pytest.raises(ProgramError, match="No module named 'numpy'"):
        interpreter.load('import numpy')
