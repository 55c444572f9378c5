"""The inner loop: smooth where the controller steps, still where it falls silent, every velocity through the safety."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.guard.inner_loop import InnerLoop, InnerLoopSettings
from llm_policy_improver.table_tennis.guard.safety import SafetyStage
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.observation import NANOSECONDS

HOME = np.array(arm.HOME)
SLOW = np.array([0.2, -0.1, 0.2, 0.1, 0.1, -0.3, 0.3, 0.4])
"""(8,) m/s and rad/s: far from every limit, also of its change within a control period."""
CYCLE = 4_000_000
LIMITS = SafetyLimits()


class Loop:
    """An inner loop and a clock; the encoders show what the drives have been told.

    Attributes:
        sent: (8,) a cycle.
    """

    def __init__(self, settings: InnerLoopSettings | None = None) -> None:
        self.safety = SafetyStage(LIMITS)
        self.loop = InnerLoop(settings or InnerLoopSettings(), 0.02, self.safety)
        self.steady = 0
        self.sent: list[NDArray[np.float64]] = []
        self.known = True

    def run(self, cycles: int, period: int = CYCLE) -> None:
        for _ in range(cycles):
            position = self.safety.position if self.known else None
            self.sent.append(self.loop.cycle(position, self.steady).velocity)
            self.steady += period

    def aim(self, velocity: NDArray[np.float64], swinging: bool = False) -> None:
        self.loop.aim(velocity, self.steady, swinging)

    def way(self) -> NDArray[np.float64]:
        """(8,) m and rad, told to the drives so far."""
        return np.asarray(self.safety.position - HOME)


def test_command_is_reached_along_a_line_within_one_control_period() -> None:
    it = Loop()
    it.run(1)
    it.aim(SLOW)
    it.run(6)
    assert np.allclose(it.sent[1:], np.outer([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], SLOW), atol=1e-12)
    assert it.loop.acted == {}
    # A velocity that no limit touches comes out bit for bit.
    assert np.array_equal(it.sent[-1], SLOW)


def test_steps_of_the_controller_become_a_motion_without_steps() -> None:
    it = Loop()
    for tick in range(50):
        it.aim(SLOW * math.sin(0.4 * tick))
        it.run(5)
    steps = np.abs(np.diff(it.sent, axis=0))
    # A fifth of the controller's own steps.
    assert (steps.max(axis=0) <= 0.2 * 0.4 * np.abs(SLOW) + 1e-9).all()
    # The line through the commands, one period late at each of them: half a period in the mean.
    assert np.allclose(it.sent[5::5], [SLOW * math.sin(0.4 * tick) for tick in range(49)], atol=1e-12)
    assert it.loop.delay == 0.01


@pytest.mark.parametrize('swinging', [False, True])
@pytest.mark.parametrize('repaid', [0.0, 1.0])
def test_commands_that_no_limit_touches_are_sent_bit_for_bit(swinging: bool, repaid: float) -> None:
    it, plain = Loop(InnerLoopSettings(repaid=repaid)), Loop(InnerLoopSettings(repaid=0.0))
    for tick in range(60):
        for each in (it, plain):
            each.aim(SLOW * math.sin(0.4 * tick), swinging and each is it)
            each.run(5)
    assert it.loop.acted == {}
    assert np.array_equal(it.sent, plain.sent)


def swung(repaid: float, swinging: bool = True) -> NDArray[np.float64]:
    """(8,) m and rad that are lacking at the end of a swing that begins faster than the jerk limit lets it."""
    it = Loop(InnerLoopSettings(repaid=repaid))
    fast = 0.25 * np.array(LIMITS.velocity)
    for _ in range(10):
        it.aim(fast, swinging)
        it.run(5)
    assert it.loop.acted
    # Asked for: 0, 0.2, ... 0.8 of it in the first five cycles, then all; the last cycle is still to be gone.
    return np.asarray(fast * 0.004 * (2.0 + 44.0) - it.way())


def test_what_is_held_back_of_a_swing_is_paid_back() -> None:
    held_back = swung(0.0)
    assert (held_back > 1e-4).all()
    assert (np.abs(swung(0.5)) < 0.05 * held_back).all()


def test_motion_that_is_led_by_where_the_arm_is_gets_nothing_back() -> None:
    assert np.array_equal(swung(0.5, swinging=False), swung(0.0))


def test_what_was_held_back_is_forgotten_with_the_swing() -> None:
    it = Loop(InnerLoopSettings(repaid=0.5))
    it.aim(0.5 * np.array(LIMITS.velocity), swinging=True)
    it.run(3)
    it.loop.stop()
    it.run(100)
    assert it.loop.standing
    for swinging in (False, True):
        it.aim(SLOW, swinging)
        it.run(5)
    assert np.array_equal(it.sent[-1], SLOW)


def test_late_command_is_waited_for_and_then_the_arm_is_slowed_down() -> None:
    it = Loop()
    it.aim(SLOW)
    it.run(11)  # 20 ms of the period and 20 ms of patience
    assert np.array_equal(it.sent[-1], SLOW)
    it.run(8)
    assert it.loop.standing
    assert not it.sent[-1].any()
    it.aim(SLOW)
    it.run(6)
    assert np.allclose(it.sent[-1], SLOW)


def test_arm_whose_encoders_are_silent_is_slowed_down() -> None:
    it = Loop()
    it.aim(SLOW)
    it.run(6)
    it.known = False
    for _ in range(3):
        it.aim(SLOW)
        it.run(5)
    assert not it.sent[-1].any()


@pytest.mark.parametrize('bad', [math.nan, math.inf, -math.inf, 1e300, 1e9])
def test_no_command_can_take_what_is_sent_beyond_the_limits(bad: float) -> None:
    it = Loop()
    generator = np.random.default_rng(7)
    for _ in range(60):
        wild = generator.uniform(-1.0, 1.0, 8) * 20.0
        wild[generator.integers(8)] = bad
        it.aim(wild)
        it.run(5)
    velocity = np.array(it.sent)
    assert np.isfinite(velocity).all()
    assert (np.abs(velocity) <= np.array(LIMITS.velocity) + 1e-9).all()
    assert (np.abs(np.diff(velocity, axis=0)) <= 0.004 * np.array(LIMITS.acceleration) + 1e-9).all()
    assert it.loop.acted  # the rules say so


def test_stop_brakes_from_full_speed_within_the_limits() -> None:
    it = Loop()
    it.safety.reset(np.array([-1.0, 0.0, 0.0, 0.7, 0.4, 0.0, -1.2, 0.8]))
    fast = np.array([1.5, -1.5, 2.0, 0.0, 0.0, -2.0, 0.0, 2.0])
    for _ in range(6):
        it.aim(fast)
        it.run(5)
    assert np.abs(it.loop.sent[:2]).max() > 1.0
    it.loop.stop()
    before = len(it.sent)
    it.run(40)
    velocity = np.array(it.sent[before - 1 :])
    assert (np.abs(np.diff(velocity, axis=0)) <= 0.004 * np.array(LIMITS.acceleration) + 1e-9).all()
    assert not velocity[-1].any()
    standstill = int(np.argmin(velocity.any(axis=1))) * 0.004
    assert 0.02 < standstill < 0.1


def test_loop_that_is_started_on_a_moving_arm_begins_with_its_velocity_and_stops_it() -> None:
    it = Loop()
    velocity = 0.5 * np.array(LIMITS.velocity)
    it.loop.start_anew(HOME, velocity)
    assert not it.loop.standing
    assert np.array_equal(it.loop.sent, velocity)
    it.run(50)
    sent = np.vstack([velocity, it.sent])
    assert (np.abs(np.diff(sent, axis=0)) <= 0.004 * np.array(LIMITS.acceleration) + 1e-9).all()
    assert it.loop.standing


def test_mean_is_that_of_what_was_sent_since_it_was_asked_for_last() -> None:
    it = Loop()
    it.run(1)
    it.loop.take_mean()
    it.aim(SLOW)
    it.run(6)
    # The last one has only just been sent.
    assert np.allclose(it.loop.take_mean(), 0.4 * 5.0 / 6.0 * SLOW)
    it.run(5)
    it.aim(SLOW)
    assert np.allclose(it.loop.take_mean(), SLOW)
    it.loop.take_mean()
    assert np.array_equal(it.loop.take_mean(), it.loop.sent)


def test_jitter_and_overruns_are_counted() -> None:
    it = Loop()
    it.run(101)
    assert (it.loop.times.jitter(), it.loop.times.overruns, it.loop.times.ticks) == (0.0, 0, 101)
    it.steady += 3 * CYCLE
    it.run(1)
    assert it.loop.times.overruns == 1
    assert it.loop.times.jitter(1.0) == pytest.approx(3 * CYCLE / NANOSECONDS)
    assert it.loop.times.jitter(0.5) == 0.0


def test_groups_of_drives_have_rates_of_their_own() -> None:
    settings = InnerLoopSettings(rate=500.0, gantry_rate=100.0, arm_rate=250.0)
    assert settings.cycles == (5, 2)
    assert settings.period == 0.002


BAD = [
    ({'rate': 50.0}, 'rate must be between 100 and 1000 Hz; got 50 Hz'),
    ({'rate': math.nan}, 'rate must be between 100 and 1000 Hz; got nan Hz'),
    ({'arm_rate': 100.0}, 'arm_rate must be the rate of 250 Hz or a whole part of it, .*; got 100 Hz'),
    ({'gantry_rate': 500.0}, 'gantry_rate must be the rate of 250 Hz or a whole part of it'),
    ({'gantry_rate': 25.0}, 'gantry_rate must .* at least 50 Hz; got 25 Hz'),
    ({'hold': 1.0}, 'hold must be between 0 and 0.1 s; got 1 s'),
]


@pytest.mark.parametrize(('given', 'sentence'), BAD)
def test_wrong_rates_are_refused(given: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match='inner_loop: ' + sentence):
        InnerLoopSettings(**given)


@pytest.mark.parametrize('pause', [2 * CYCLE, 15 * CYCLE, 75 * CYCLE])
def test_what_was_not_sent_before_a_pause_is_not_reckoned_with_after_it(pause: int) -> None:
    kept, dropped = Loop(), Loop()
    for it in (kept, dropped):
        it.run(1)
        it.aim(8 * SLOW, swinging=True)
        it.run(3)
    position = kept.safety.position
    dropped.loop.cycle(position, dropped.steady)
    dropped.loop.withdraw()
    for it in (kept, dropped):
        it.steady += pause
        it.sent.append(it.loop.cycle(position, it.steady).velocity)
        it.steady += CYCLE
        it.run(5)
    assert np.array_equal(dropped.sent, kept.sent)
    assert np.abs(kept.sent[4] - kept.sent[3]).max() > 0.0  # the pause did not find the arm at rest
    assert np.array_equal(dropped.loop.take_mean() > 0.0, kept.loop.take_mean() > 0.0)
