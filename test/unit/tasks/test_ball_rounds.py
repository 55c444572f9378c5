"""Rounds of balls on the arm: what a program is worth by them, and what its method is told."""

import math

import pytest

from llm_policy_improver.core.objective import ObjectiveError
from llm_policy_improver.core.policy import Program
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.ball_choice import BallChoice, Fallback
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.tasks.arm_varied_balls import BRIEF, MISS, make_brief
from llm_policy_improver.tasks.ball_rounds import (
    MEAN_DISTANCE,
    aimed_at,
    round_of,
    rounds_objective,
    target_of,
)
from llm_policy_improver.tasks.program_task import CRASHED, PLAYED, RETURN

PROGRAM = Program('class Policy:\n    def act(self, obs):\n        return [1.0] * 8 + [0.0] * 8\n', 'Policy')
OBSERVED = tuple(0.1 * number for number in range(10))
APPLIED = (1.1,) * 8 + (0.1,) * 8
THERE = (0.38, 0.68)


def ball(number: int, landing: tuple[float, float] | None, fallback: Fallback | None = None) -> Trial:
    outcome = 'out' if landing is None else 'landed'
    measures = {} if landing is None else {'landing_x': landing[0], 'landing_y': landing[1]}
    trial = Trial(
        PROGRAM, outcome, measures, landing is not None, True, 4, 'prompt_po:m', note=outcome, number=number
    )
    return BallChoice(4, OBSERVED, APPLIED, fallback, 'NameError: x').told_by(trial)


def test_a_round_is_worth_the_mean_distance_of_its_balls_and_a_miss_costs_what_it_costs() -> None:
    trial = round_of([ball(5, (0.38, 0.58)), ball(6, (0.18, 0.68)), ball(7, None)], THERE)
    mean = (0.1 + 0.2 + MISS) / 3.0
    assert trial.measures == pytest.approx({RETURN.name: -mean, MEAN_DISTANCE.name: mean})
    assert (trial.outcome, trial.succeeded, trial.version, trial.number) == (PLAYED, True, 4, 7)
    assert trial.policy == PROGRAM
    assert trial.note == '2 of 3 balls landed, 0.600 m from the target on average'
    first = trial.samples[0]
    assert first.first == (*OBSERVED, 0.0, 0.0, 0.0)
    assert first.actions == (APPLIED,)
    assert first.transitions[0].observation == (*OBSERVED, 1.0, 0.38, 0.58)


def test_a_program_that_failed_at_a_ball_crashed() -> None:
    crashed = round_of([ball(5, THERE), ball(6, THERE), ball(7, THERE, Fallback.FAILED)], THERE)
    assert (crashed.outcome, crashed.succeeded) == (CRASHED, False)
    assert 'the program failed (NameError: x)' in crashed.note


def test_balls_that_met_the_constants_do_not_count_for_the_program() -> None:
    late = ball(7, THERE, Fallback.LATE)
    trial = round_of([ball(5, (0.38, 0.58)), ball(6, (0.38, 0.58)), late], THERE)
    assert trial.measures[MEAN_DISTANCE.name] == pytest.approx(0.1)
    assert trial.note == '2 of 2 balls landed, 0.100 m from the target on average; 1 more met the constants'
    crashed = round_of([ball(5, THERE), late], THERE)
    assert crashed.outcome == CRASHED
    assert 'the program was late' in crashed.note


@pytest.mark.parametrize(
    ('words', 'target'),
    [
        ('at (0.38, 0.68)', (0.38, 0.68)),
        ('far right', (0.7425, None)),
        ('far right corner', (0.7425, 1.35)),
    ],
)
def test_the_place_that_is_aimed_at_is_what_the_words_name(
    words: str, target: tuple[float | None, float | None]
) -> None:
    found = aimed_at(rounds_objective(parse_objective(words)))
    assert [None if each is None else pytest.approx(each) for each in target] == list(found)


@pytest.mark.parametrize(
    'words', ['highest arc', 'lowest over the net', 'between 0.2 and 0.4 m from the right side line']
)
def test_what_names_no_place_of_a_landing_is_refused(words: str) -> None:
    with pytest.raises(ObjectiveError, match='told a place where balls are to land'):
        target_of(parse_objective(words))


def test_the_best_round_is_the_nearest() -> None:
    objective = rounds_objective(parse_objective('at (0.38, 0.68)'))
    near, far = round_of([ball(1, (0.38, 0.6))], THERE), round_of([ball(2, (0.1, 0.6))], THERE)
    assert objective.best([far, near]) is near
    assert objective.distance(near) == pytest.approx(0.08)


def test_what_is_not_searched_is_told_as_not_to_be_chosen() -> None:
    brief = make_brief((0.7, 0.3), parameter_space(Searched.RESIDUAL))
    assert [(each.low, each.high) for each in brief.action] == [(1.0, 1.0)] * 8 + [(-0.4, 0.4)] * 8
    assert 'factor on the velocity of axis_6: 1, not to be chosen' in brief.action_code


def test_the_brief_of_another_place_pays_for_that_place() -> None:
    brief = make_brief((0.7, None))
    names: dict[str, object] = {}
    exec(brief.reward_code, names)
    reward = names['reward']
    assert callable(reward)
    assert reward((), (), (*OBSERVED, 1.0, 0.5, 1.3)) == pytest.approx(-0.2)
    assert reward((), (), (*OBSERVED, 2.0, 0.5, 1.3)) == -MISS
    assert 'the line x = 0.7 m' in brief.text
    assert brief.text != BRIEF.text
    assert not math.isnan(reward((), (), (*OBSERVED, 1.0, 0.0, 0.0)))
