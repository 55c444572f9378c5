"""What a program is worth in episodes that did not choose it."""

from collections.abc import Iterator

import pytest
from double_integrator import DoubleIntegrator
from scripted_programmer import CRASHING, PLANNER

from llm_policy_improver.core.policy import Program
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.tasks.noise_world.environment import BOARD_0
from llm_policy_improver.tasks.noise_world.exact import optimal_plan
from llm_policy_improver.tasks.program_score import FIRST_UNSEEN, ScoreError, score, unseen
from llm_policy_improver.tasks.program_task import ProgramTask

REMEMBERING = (
    PLANNER
    + """

class Policy(Policy):
    steps = 0

    def act(self, obs):
        self.steps += 1
        return super().act(obs) if self.steps > 3 else self.steps % 4
"""
)
TOO_STRONG = 'def get_action(position, velocity):\n    return 5.0 if position < 0.0 else -1.0\n'
HALF_A_GAIN = 'def get_action(position, velocity):\n    return -2.0 * position - 2.0 * velocity\n'


@pytest.fixture(scope='module')
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def test_program_without_memory_is_scored_exactly_on_a_board(sandbox: Sandbox) -> None:
    task = ProgramTask(BOARD_0(), sandbox)
    exact = score(task, Program(PLANNER, 'Policy'), 20, BOARD_0.board)
    assert exact.exact
    assert exact.mean == pytest.approx(optimal_plan(BOARD_0.board).optimum)
    assert exact.standard_error == 0.0
    sampled = score(task, Program(PLANNER, 'Policy'), 400)
    assert not sampled.exact
    assert sampled.mean == pytest.approx(exact.mean, abs=4.0 * sampled.standard_error)
    assert 1.0 < sampled.standard_error < 6.0


def test_program_that_remembers_is_scored_by_episodes(sandbox: Sandbox) -> None:
    found = score(ProgramTask(BOARD_0(), sandbox), Program(REMEMBERING, 'Policy'), 20, BOARD_0.board)
    assert not found.exact
    assert found.standard_error > 0.0


def test_function_is_scored_by_episodes_of_other_tasks(sandbox: Sandbox) -> None:
    found = score(ProgramTask(DoubleIntegrator(), sandbox), Program(HALF_A_GAIN, 'get_action'), 20)
    assert -10.0 < found.mean < 0.0


def test_program_that_fails_has_no_score(sandbox: Sandbox) -> None:
    with pytest.raises(ScoreError, match='AttributeError'):
        score(ProgramTask(BOARD_0(), sandbox), Program(CRASHING, 'Policy'), 5, BOARD_0.board)


def test_seeds_of_scores_are_beyond_those_of_trials(sandbox: Sandbox) -> None:
    task = ProgramTask(DoubleIntegrator(), sandbox, 10)
    assert max(task.seeds(99 * 100_000 + 1_000)) < FIRST_UNSEEN == min(unseen(3))


def test_actions_outside_their_range_are_clipped_and_the_note_counts_them(sandbox: Sandbox) -> None:
    trial = ProgramTask(DoubleIntegrator(), sandbox, 4).run(Program(TOO_STRONG, 'get_action'), 0)
    actions = [force for episode in trial.samples or () for (force,) in episode.actions]
    assert set(actions) == {-1.0, 2.0}
    told = f'; {actions.count(2.0)} of 160 actions were outside their range and were clipped to it'
    assert trial.note.endswith(told)
    within = ProgramTask(DoubleIntegrator(), sandbox, 4).run(Program(HALF_A_GAIN, 'get_action'), 0)
    assert 'clipped' not in within.note
