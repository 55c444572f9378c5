"""Spin and bounce of the incoming balls: measured in every trial, expected in the next."""

from dataclasses import replace

import numpy as np
import pytest

from llm_policy_improver.core.task import LearningTask
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.ball.expected import NOTHING, Expected
from llm_policy_improver.table_tennis.ball.predictive import FEWEST
from llm_policy_improver.table_tennis.ball.restitution import Restitution
from llm_policy_improver.table_tennis.ball.spin import Spin
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.cells import noisy_cell
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.launcher import Launcher
from llm_policy_improver.table_tennis.space import NEUTRAL
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.incoming import (
    DEVIATION,
    EXPECTED,
    EXPECTED_RESTITUTION,
    RESTITUTION,
    SPIN,
    expected_in,
    measured_in,
    to_expect,
)
from llm_policy_improver.table_tennis.tracing.observed import Outcome, landing_of

SPINNING = Launcher(spin=(40.0, 0.0, -20.0))
NOISY, CONTROLLER = noisy_cell()


def cell(**changed: object) -> TableTennis:
    return TableTennis(replace(NOISY, **changed), CONTROLLER)  # type: ignore[arg-type]


def trial(spin: float, version: int) -> Trial:
    told = dict.fromkeys((*SPIN, 'spin_x_sd', 'spin_y_sd', 'spin_z_sd'), 1.0) | {'spin_x': spin}
    return Trial(NEUTRAL, 'landed', told, version=version)


def test_spin_of_the_incoming_ball_is_among_the_measures() -> None:
    played = cell(launcher=SPINNING).run(NEUTRAL, 3)
    found = measured_in(played).spin
    assert found is not None
    assert np.all(np.abs(np.array(found.mean) - SPINNING.spin) < 4.0 * np.array(found.deviation))
    assert max(found.deviation[0], found.deviation[2]) < 5.0
    assert EXPECTED[0] not in played.measures


def test_ball_that_never_bounced_tells_nothing() -> None:
    played = TableTennis(SimulationConfig(launcher=Launcher(velocity=(0.0, 3.0, 1.0)))).run(NEUTRAL, 0)
    assert played.outcome == Outcome.BAD_FEED
    assert measured_in(played) == NOTHING


def test_next_ball_is_expected_to_spin_as_the_ones_before() -> None:
    task = cell(launcher=SPINNING)
    assert isinstance(task, LearningTask)
    trials = [task.run(NEUTRAL, seed) for seed in range(8)]
    played = task.informed_by(trials, version=1).run(NEUTRAL, 8)
    told = played.measures
    assert expected_in(played) == to_expect(trials, version=1)
    assert EXPECTED[0] not in task.run(NEUTRAL, 8).measures  # what was known before knows nothing new
    assert [told[name] for name in EXPECTED] == pytest.approx(SPINNING.spin, abs=6.0)
    assert max(told[name] for name in DEVIATION) < 15.0


def test_balls_whose_spin_is_known_land_closer_together() -> None:
    def spread(task: TableTennis) -> float:
        landings = [landing_of(task.run(NEUTRAL, seed)) for seed in range(20)]
        return float(np.std([landing.x for landing in landings if landing is not None]))

    blind, knowing, watching = cell(), cell(), cell(spin_noise=3.0)
    knowing.expected = Expected(Spin((0.0, 0.0, 0.0), (2.0, 6.0, 2.0)))
    before = spread(blind)
    assert spread(knowing) < 0.5 * before
    assert spread(watching) < 0.5 * before


@pytest.mark.parametrize('restitution', [0.82, 0.97])
def test_blade_meets_the_balls_of_another_table_with_its_middle_once_some_were_seen(restitution: float) -> None:
    def above(task: TableTennis, first_seed: int) -> float:
        played = [task.run(NEUTRAL, first_seed + number) for number in range(6)]
        return float(np.mean([trial.measures['hit_above'] for trial in played]))

    task = cell(ball=BallModel(table_restitution=restitution))
    trials = [task.run(NEUTRAL, seed) for seed in range(8)]
    informed = task.informed_by(trials, version=1)
    known = informed.expected.restitution
    assert known is not None
    assert known.mean == pytest.approx(restitution, abs=4.0 * known.deviation)
    assert known.deviation < 0.01
    assert abs(above(task, 100)) > 0.025
    assert abs(above(informed, 100)) < 0.01
    told = informed.run(NEUTRAL, 200).measures
    assert [told[name] for name in EXPECTED_RESTITUTION] == [known.mean, known.deviation]
    assert RESTITUTION[0] in told


def test_a_table_that_is_as_the_controller_takes_it_leaves_trials_as_they_were() -> None:
    task = TableTennis()
    known = task.informed_by([task.run(NEUTRAL, seed) for seed in range(FEWEST)], version=1).expected
    assert known.restitution is not None
    assert known.restitution.mean == BallModel().table_restitution


def test_same_trial_where_the_same_is_expected_bit_for_bit() -> None:
    first, second = cell(), cell()
    first.expected = second.expected = Expected(
        Spin((1.0, 2.0, 3.0), (2.0, 6.0, 2.0)), Restitution(0.93, 0.004)
    )
    second.run(NEUTRAL, 1)  # what was played before changes nothing
    assert first.run(NEUTRAL, 0).measures == second.run(NEUTRAL, 0).measures


def test_trials_of_a_version_do_not_change_what_is_expected_in_the_next_of_them() -> None:
    before = [trial(float(number), number) for number in range(1, FEWEST + 1)]
    published = to_expect(before, version=7)
    again = to_expect([*before, trial(90.0, 7), trial(95.0, 7)], version=7)
    later = to_expect([*before, trial(90.0, 7), trial(95.0, 8)], version=8)
    assert published.spin is not None
    assert again == published
    assert later.spin is not None
    assert later.spin.mean[0] > published.spin.mean[0]


def test_nothing_is_expected_before_enough_trials_told() -> None:
    told = [trial(1.0, number) for number in range(1, FEWEST)]
    assert to_expect([*told, Trial(NEUTRAL, 'aborted', version=9)], version=10) == NOTHING
