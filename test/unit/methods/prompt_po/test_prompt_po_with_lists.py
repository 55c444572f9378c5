"""PromptPO where programs run in pydantic-monty, which takes no NumPy arrays."""

from collections.abc import Iterator

import pytest

pytest.importorskip('pydantic_monty')

from chat_server import ChatServer
from program_runs import asked, played, proposals
from scripted_programmer import is_for, programmer

from llm_policy_improver.sandbox import sandbox as module
from llm_policy_improver.sandbox.errors import SandboxUnavailableError
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.tasks.noise_world.environment import BOARD_0

LISTS = """
class Feedback:
    def summarize_trajectory(self, traj):
        row = [4 * value for value in traj['last_observation'][:2]]
        first = traj['observations'][0]
        return f"{len(traj['observations'])} of {len(first)} numbers, ended at {row}"
"""
RIGHT = """
class Policy:
    def act(self, obs):
        return 3 if obs[1] < 1.0 else 1
"""


@pytest.fixture
def interpreters(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    def refuse(modules: object) -> None:
        raise SandboxUnavailableError('this machine cannot confine programs: it lacks seccomp')

    monkeypatch.setattr(module, 'Processes', refuse)
    with Sandbox() as sandbox:
        yield sandbox


def test_feedback_gets_lists_and_the_prompts_say_so(interpreters: Sandbox) -> None:
    with ChatServer(programmer(RIGHT, feedback=LISTS)) as server:
        run = played('prompt_po', server, BOARD_0(), interpreters, 4)
        requests = list(enumerate(server.requests))
        (feedback,) = (asked(server, k)[0] for k, each in requests if is_for(each) == 'feedback')
        program = next(asked(server, k)[0] for k, each in requests if is_for(each) == 'program')
    assert len(run.history) == 4
    assert all(trial.succeeded for trial in run.history)
    opening = proposals(run)[2].memos
    assert opening['round'] == '2'
    assert opening['lines'].count(' of 29 numbers, ended at [') == 3
    assert "- `traj['observations']`: list of T lists of n numbers, what was observed" in feedback
    assert "- `traj['last_observation']`: list of n numbers, what was observed" in feedback
    assert '`obs` is a list of the numbers of an observation.' in program
    assert 'NumPy array' not in feedback + program


def test_what_is_told_names_the_interpreter_and_why(interpreters: Sandbox) -> None:
    assert interpreters.sentence == (
        'Programs are held by an interpreter without files, network and processes (pydantic-monty). Confined '
        'processes are not used: this machine cannot confine programs: it lacks seccomp.'
    )
