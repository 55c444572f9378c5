"""Varied balls on the arm: a program chooses the parameters of each swing."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

from llm_policy_improver.core.policy import Program
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.tasks.arm_varied_balls import BRIEF, MISS, TARGET, ArmVariedBalls
from llm_policy_improver.tasks.program_task import ProgramTask
from llm_policy_improver.tasks.registry import make_environment

UNCHANGED = (1.0,) * 8 + (0.0,) * 8
CHANGED = (1.1, 0.9, 0.8, 1.2, 1.0, 0.8, 1.1, 1.2) + (0.05,) * 8
SLOWEST = (0.6,) * 8 + (-0.4,) * 8

CENTRED = """
class Policy:
    def act(self, obs):
        return [1.0] * 8 + [0.0] * 8
"""


@pytest.fixture(scope='module')
def environment() -> Iterator[ArmVariedBalls]:
    made = make_environment('arm_varied_balls')
    assert isinstance(made, ArmVariedBalls)
    yield made
    made.close()


def test_choosing_what_changes_nothing_plays_the_unchanged_controller(environment: ArmVariedBalls) -> None:
    for seed in (0, 1):
        environment.reset(seed)
        _, x, y = environment.step(UNCHANGED).observation[10:]
        trial = TableTennis(SimulationConfig(balls='rally')).run(Modulation().policy, seed)
        assert (x, y) == (trial.measures['landing_x'], trial.measures['landing_y'])


def test_most_of_what_parameters_do_is_done_in_the_swing_that_they_are_chosen_for(
    environment: ArmVariedBalls,
) -> None:
    environment.reset(5)
    _, x, y = environment.step(CHANGED).observation[10:]
    whole = TableTennis(SimulationConfig(balls='rally')).run(Modulation(CHANGED[:8], CHANGED[8:]).policy, 5)
    assert math.hypot(x - whole.measures['landing_x'], y - whole.measures['landing_y']) < 0.03
    environment.reset(5)
    assert math.dist((x, y), environment.step(UNCHANGED).observation[11:]) > 0.2


def test_the_ball_that_is_told_is_that_which_comes(environment: ArmVariedBalls) -> None:
    for seed in range(4):
        told = dict(zip([each.name for each in BRIEF.observation], environment.reset(seed), strict=True))
        simulator = environment._task.simulator
        asked = simulator.stamp / 1e9
        environment.step(UNCHANGED)
        hit = next(contact for contact in simulator.contacts if contact.what == 'blade')
        # The swing may be late or early by a few hundredths of a second, in which the ball flies on.
        assert hit.time - asked == pytest.approx(told['time_to_hit'], abs=0.04)
        assert hit.position == pytest.approx([told[f'hit_{axis}'] for axis in 'xyz'], abs=0.12)


def test_a_ball_that_does_not_land_costs_what_a_miss_costs(environment: ArmVariedBalls) -> None:
    environment.reset(0)
    done = environment.step(SLOWEST)
    assert done.observation[10] > 1.0
    assert (done.reward, done.success, done.terminated) == (-MISS, False, True)


def test_program_is_asked_once_a_ball_and_paid_by_the_distance(environment: ArmVariedBalls) -> None:
    with Sandbox() as sandbox:
        trial = ProgramTask(environment, sandbox, episodes=3).run(Program(CENTRED, 'Policy'), seed=2)
    assert trial.measures['steps'] == 3.0
    # The unchanged controller sends all balls to (0, 0.76) m.
    assert trial.measures['return'] == pytest.approx(-math.dist(TARGET, (0.0, 0.76)), abs=0.1)
    balls = np.array([episode.first[:10] for episode in trial.samples])
    assert (balls.std(axis=0) > 1e-3).all()
