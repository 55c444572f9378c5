"""A run of programs that was interrupted within a round of balls goes on with the ball that was due."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_policy_improver.core.policy import Program
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs.checkpoint import interrupted
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import RunSettings, stored_parts
from llm_policy_improver.table_tennis.ball_choice import BallChoice
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.tasks.ball_rounds import MEAN_DISTANCE, rounds_objective

WORDS = 'at (0.38, 0.68)'
SETTINGS = OptimizerSettings(
    objective=WORDS, method='prompt_po', model='m', vary_balls=True, balls=2, trials=3
)
PROGRAM = Program('class Policy:\n    def act(self, obs):\n        return [1.0] * 8 + [0.0] * 8\n', 'Policy')


def landed(x: float) -> Trial:
    trial = Trial(PROGRAM, 'landed', {'landing_x': x, 'landing_y': 0.68}, True, True, 4, 'prompt_po:m')
    return BallChoice(4, (0.2,) * 10, (1.0,) * 8 + (0.0,) * 8).told_by(trial)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore.create(tmp_path / 'run', {}) as store:
        objective = rounds_objective(parse_objective(WORDS))
        RunSettings(SETTINGS, history=0, objective=objective).store(store)
        store.add_step(objective.words, Step(1, PROGRAM, 4, Proposal(PROGRAM, 'prompt_po:m'), seed=3))
        yield store


def test_what_was_played_of_a_round_counts_and_the_rest_is_due(store: RunStore) -> None:
    first = store.add_trial(landed(0.28))
    store.add_trial(Trial(PROGRAM, 'aborted', {}, False, False, 4, 'prompt_po:m'))
    left = interrupted(store, SETTINGS)
    assert left is not None
    assert [trial for _, trial in left.played] == [None]
    assert [ball.number for ball in left.balls] == [first.number]
    assert left.attempts == 1
    assert left.objective == rounds_objective(parse_objective(WORDS))


def test_a_whole_round_is_one_trial_again(store: RunStore) -> None:
    store.add_trial(landed(0.28))
    store.add_trial(landed(0.38))
    left = interrupted(store, SETTINGS)
    assert left is not None
    ((step, trial),) = left.played
    assert trial is not None
    assert trial.measures[MEAN_DISTANCE.name] == pytest.approx(0.05)
    assert len(trial.samples) == 2
    assert (step.policy, left.balls, left.attempts) == (PROGRAM, (), 0)
    (part,) = stored_parts(store)
    assert part.steps[0].attempts == 1
