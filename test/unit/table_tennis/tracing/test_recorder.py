import numpy as np
import pytest

from llm_policy_improver.table_tennis.arm.kinematics import ArmKinematics
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.control.stroke import HOME
from llm_policy_improver.table_tennis.observation import ArmObservation, BallObservation, Command
from llm_policy_improver.table_tennis.tracing.observed import Outcome
from llm_policy_improver.table_tennis.tracing.recorder import TraceRecorder

START = 1_763_000_000_000_000_000
"""ns, of the first sighting."""


def recorded() -> TraceRecorder:
    """A few sightings and ticks; the arm was watched before the ball came, and once without a command."""
    recorder = TraceRecorder()
    recorder.balls += [BallObservation(START + 8_000_000 * n, (0.1, 1.5 - 0.04 * n, 0.3)) for n in range(5)]
    for tick in range(-2, 3):
        stamp = START + 20_000_000 * tick
        recorder.arms.append(ArmObservation(stamp, HOME + 0.01 * tick, np.full(8, 0.5 * tick)))
        if tick != 1:
            recorder.commands.append(Command(stamp, np.full(8, 0.1 * tick), np.full(8, 0.2 * tick)))
    return recorder


def test_time_starts_with_the_first_sighting() -> None:
    recorder = recorded()
    samples = recorder.samples()
    assert (recorder.start, recorder.last_sighting) == (START, START + 32_000_000)
    assert samples.ball_time.tolist() == [0.0, 0.008, 0.016, 0.024, 0.032]
    assert samples.ball_position[2] == pytest.approx((0.1, 1.42, 0.3))


def test_ticks_before_the_ball_or_without_a_command_are_left_out() -> None:
    samples = recorded().samples()
    assert samples.joint_time.tolist() == [0.0, 0.04]
    assert samples.joint_position[1] == pytest.approx(HOME + 0.02)
    assert samples.joint_velocity[1] == pytest.approx(np.full(8, 1.0))
    assert samples.requested_velocity[1] == pytest.approx(np.full(8, 0.2))
    assert samples.applied_velocity[1] == pytest.approx(np.full(8, 0.4))
    assert samples.racket_position[1] == pytest.approx(ArmKinematics().blade(HOME + 0.02).centre)


def test_order_of_arrival_does_not_matter() -> None:
    straight, mixed = recorded(), recorded()
    for series in (mixed.balls, mixed.arms, mixed.commands):
        series.reverse()
    for name in ('ball_time', 'ball_position', 'joint_time', 'joint_position', 'applied_velocity'):
        assert np.array_equal(getattr(mixed.samples(), name), getattr(straight.samples(), name))


def test_trial_without_anything_seen_has_empty_series_of_the_right_width() -> None:
    recorder = TraceRecorder()
    samples = recorder.samples()
    assert recorder.start is None
    assert recorder.last_sighting is None
    assert (samples.ball_position.shape, samples.joint_position.shape) == ((0, 3), (0, 8))
    assert recorder.finish(Modulation()).outcome is Outcome.BAD_FEED


def test_sightings_without_ticks_keep_the_width_of_the_joint_series() -> None:
    recorder = TraceRecorder(balls=[BallObservation(START, (0.0, 1.0, 0.3))])
    samples = recorder.samples()
    assert (samples.joint_time.shape, samples.joint_position.shape) == ((0,), (0, 8))
    assert samples.racket_position.shape == (0, 3)


def test_aborted_trial_is_not_judged_and_keeps_what_was_seen() -> None:
    recorder = recorded()
    trial = recorder.finish(Modulation(version=7), aborted='the arm was switched off')
    assert trial.outcome is Outcome.ABORTED
    assert trial.note == 'the arm was switched off'
    assert trial.version == 7
    assert len(trial.samples.ball_time) == 5
    assert trial.measures == {}
    assert not trial.tested


def test_touch_of_the_arm_is_a_collision() -> None:
    trial = recorded().finish(Modulation(), arm_contact='blade touched table')
    assert trial.outcome is Outcome.COLLISION


def test_recorder_is_empty_after_a_trial() -> None:
    recorder = recorded()
    recorder.finish(Modulation())
    assert (recorder.balls, recorder.arms, recorder.commands) == ([], [], [])
