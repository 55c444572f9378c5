"""What a landing must not depend on: how the control ticks and the cameras' pictures lie in time."""

import numpy as np
import pytest

from llm_policy_improver.table_tennis.arm.joint_model import LatencyModel
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.control.stroke import JointHit, Stroke, StrokeConfig
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.latency import Latency
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.observed import landing_of

ATTENUATIONS = ((1.0,) * 8, (0.8, 1.2, 0.9, 1.1, 0.7, 1.1, 0.9, 1.2), (1.1, 0.9, 1.2, 0.8, 1.0, 0.8, 1.2, 0.9))
PHASES = ((0.0, 0.0), (0.007, 0.003), (0.013, 0.006), (0.019, 0.001))
"""s, of the first control tick and of the first picture."""
MEANS = Latency(ball=0.040, arm_state=0.029, arm_action=0.071, slide_x_action=0.0561, slide_y_action=0.084)
"""The means of the published delays, without their spread."""
KNOWN = LatencyModel(
    arm_action=0.071, slide_x_action=0.0561, slide_y_action=0.084, arm_state=0.029, slide_state=0.0, trust=0.05
)


def landings(attenuation: tuple[float, ...], latency: Latency, config: ControllerConfig) -> np.ndarray:
    """(phases, 2) m."""
    found = []
    for tick, picture in PHASES:
        simulation = SimulationConfig(tick_phase=tick, camera_phase=picture, latency=latency)
        trial = TableTennis(simulation, config).run(Modulation(attenuation).policy, seed=0)
        landing = landing_of(trial)
        assert landing is not None, trial.outcome
        found.append((landing.x, landing.y))
    return np.array(found)


@pytest.mark.parametrize('attenuation', ATTENUATIONS, ids=['neutral', 'second', 'third'])
@pytest.mark.parametrize('delayed', [False, True], ids=['at once', 'delayed'])
def test_the_ball_lands_at_one_place_however_ticks_and_pictures_lie(
    attenuation: tuple[float, ...], delayed: bool
) -> None:
    latency, config = (
        (MEANS, ControllerConfig(latency=KNOWN)) if delayed else (Latency(), ControllerConfig())
    )
    found = landings(attenuation, latency, config)
    assert np.ptp(found, axis=0).max() < 0.015


def moments(first: float, hit: float = 1.0) -> list[float]:
    """s before the hit of all plans of a stroke whose first one is made at ``first``, s."""
    stroke, target = Stroke(StrokeConfig()), JointHit(hit, np.full(8, 0.1), np.full(8, 0.5), 0.0)
    seen, time = [], first
    while not stroke.frozen:
        stroke.aim(target, time, np.zeros(8), np.zeros(8))
        seen.append(round(hit - time, 9))
        time = stroke.due
    return seen


def test_plans_are_counted_back_from_the_hit_and_none_is_made_shortly_before_the_swing() -> None:
    config = StrokeConfig()
    early, late = moments(0.403), moments(0.417)
    last = [config.swing + config.hold + steps * config.replan for steps in (2, 1, 0)]
    assert early[-4:] == late[-4:] == pytest.approx([*last, config.swing])
    assert early[-2] - early[-1] == pytest.approx(config.hold)


def test_a_fast_ball_is_met_with_a_shorter_swing_and_without_a_hold() -> None:
    config = StrokeConfig()
    plans = moments(0.75)
    assert plans[-1] < config.swing
    assert plans[-2] - plans[-1] <= config.replan * 1.5 + 1e-9


def test_a_plan_that_begins_within_a_period_begins_there_and_nothing_is_made_up_for() -> None:
    stroke, still = Stroke(StrokeConfig()), np.zeros(8)
    hit = JointHit(1.0, np.full(8, 0.1), np.full(8, 0.5), 0.0)
    stroke.aim(hit, 0.5, still, still)
    stroke.aim(hit, 0.61, np.full(8, 3.0), still)  # the arm is elsewhere than was planned
    way, change = stroke.during(0.60, 0.02)
    before, after = stroke.until(0.60, 0.61), stroke.during(0.61, 0.01)
    np.testing.assert_allclose(way, before[0] + after[0], atol=1e-12)
    np.testing.assert_allclose(change, before[1] + after[1], atol=1e-12)
    assert np.abs(way).max() < 1.0
