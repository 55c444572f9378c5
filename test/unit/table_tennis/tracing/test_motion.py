"""The motion of a recorded trial, as a clip shows it."""

from dataclasses import replace

import numpy as np
import pytest

from llm_policy_improver.table_tennis.tracing.motion import LONGEST, Motion, MotionError
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples

PERIOD = 0.008
"""s between two sightings."""


def samples_of(y: np.ndarray) -> TraceSamples:
    """A ball along y in the middle of the table, and an arm that moves its slides evenly with time."""
    time = PERIOD * np.arange(len(y), dtype=np.float64)
    ticks = np.linspace(0.0, float(time[-1]), 5)
    ball = np.column_stack((np.zeros_like(y), y, np.full_like(y, 0.3)))
    joints = np.zeros((len(ticks), 8))
    joints[:, 0] = ticks
    return TraceSamples(
        time, ball, ticks, joints, joints, joints, joints, np.tile([0.0, -1.3, 0.3], (len(ticks), 1))
    )


THERE_AND_BACK = samples_of(np.concatenate((np.linspace(1.4, -1.3, 61), np.linspace(-1.25, 1.3, 50))))
PAST = samples_of(np.linspace(1.4, -2.0, 91))


def without(samples: TraceSamples, first: int, end: int) -> TraceSamples:
    """The same with a gap in the sightings."""
    return replace(
        samples,
        ball_time=np.delete(samples.ball_time, np.s_[first:end]),
        ball_position=np.delete(samples.ball_position, np.s_[first:end], axis=0),
    )


def test_joints_are_between_the_readings_and_stand_before_the_first_and_after_the_last() -> None:
    motion = Motion.of(THERE_AND_BACK)
    assert motion.joints(0.123)[0] == pytest.approx(0.123)
    assert motion.joints(-1.0)[0] == 0.0
    assert motion.joints(99.0)[0] == pytest.approx(motion.end)


def test_ball_is_between_its_sightings_and_at_a_sighting_exactly_there() -> None:
    motion = Motion.of(THERE_AND_BACK)
    places = THERE_AND_BACK.ball_position
    between, at = motion.ball(10.5 * PERIOD), motion.ball(float(THERE_AND_BACK.ball_time[10]))
    assert between is not None
    assert at is not None
    assert between.seen
    np.testing.assert_allclose(between.place, (places[10] + places[11]) / 2.0)
    np.testing.assert_array_equal(at.place, places[10])


def test_ball_is_nowhere_before_its_first_sighting_and_unseen_after_its_last() -> None:
    motion = Motion.of(THERE_AND_BACK)
    assert motion.ball(-0.001) is None
    last, after = motion.ball(float(THERE_AND_BACK.ball_time[-1])), motion.ball(motion.end + 0.001)
    assert last is not None
    assert after is not None
    assert last.seen
    assert not after.seen
    np.testing.assert_array_equal(after.place, THERE_AND_BACK.ball_position[-1])


def test_ball_is_not_guessed_across_a_gap_in_the_sightings() -> None:
    motion = Motion.of(without(THERE_AND_BACK, 30, 40))  # 88 ms
    missing = motion.ball(35 * PERIOD)
    assert missing is not None
    assert not missing.seen
    np.testing.assert_array_equal(missing.place, THERE_AND_BACK.ball_position[29])
    assert [len(each) for each in motion.way(motion.meeting)[0]] == [30, 21]


def test_a_missing_frame_or_two_are_no_gap() -> None:
    motion = Motion.of(without(THERE_AND_BACK, 30, 32))
    over = motion.ball(30.5 * PERIOD)
    assert over is not None
    assert over.seen
    assert len(motion.way(motion.meeting)[0]) == 1


def test_way_turns_at_the_hit_and_goes_as_far_as_the_ball() -> None:
    motion = Motion.of(THERE_AND_BACK)
    assert motion.was_hit
    assert motion.meeting == pytest.approx(60 * PERIOD)
    (coming,), (returned,) = motion.way(70.5 * PERIOD)
    np.testing.assert_array_equal(coming[-1], THERE_AND_BACK.ball_position[60])
    np.testing.assert_array_equal(returned[0], coming[-1])
    ball = motion.ball(70.5 * PERIOD)
    assert ball is not None
    np.testing.assert_allclose(returned[-1], ball.place)


def test_ball_that_was_missed_meets_where_it_is_nearest_to_the_blade_and_returns_nowhere() -> None:
    motion = Motion.of(PAST)
    assert not motion.was_hit
    nearest = np.argmin(np.abs(PAST.ball_position[:, 1] + 1.3))
    assert motion.meeting == PAST.ball_time[nearest]
    (coming,), returned = motion.way(motion.end)
    assert len(coming) == len(PAST.ball_time)
    assert returned == ()


@pytest.mark.parametrize(
    ('samples', 'sentence'),
    [
        (TraceSamples(), 'it holds no sightings of the ball'),
        (
            replace(THERE_AND_BACK, joint_time=np.empty(0), joint_position=np.empty((0, 8))),
            'no joint positions',
        ),
        (replace(PAST, ball_time=PAST.ball_time[::-1]), 'not in the order of time'),
        (replace(PAST, joint_position=np.full((5, 8), np.nan)), 'values beyond 100 s, m or rad'),
        (replace(PAST, ball_position=PAST.ball_position * 1e6), 'values beyond 100 s, m or rad'),
        (
            replace(PAST, ball_time=np.linspace(0.0, 99.0, 91)),
            f'lasts 99 s, expected at most {LONGEST:.0f} s',
        ),
    ],
)
def test_samples_that_show_no_motion_of_the_arm_are_refused(samples: TraceSamples, sentence: str) -> None:
    with pytest.raises(MotionError, match=sentence):
        Motion.of(samples)
