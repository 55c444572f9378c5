"""The motion of a recorded trial: where arm and ball were at any moment of it, as far as that was seen."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.tracing.flight import find_hit
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples

Array = NDArray[np.float64]

LONGEST: Final = 30.0
"""s of a trial; a ball is in play for 2."""
_LONGEST_GAP: Final = 0.05
"""s between two sightings across which the ball's way is taken to be known: six frames of the cameras."""
_FARTHEST: Final = 100.0
"""m or rad; nothing in a hall is beyond."""


class MotionError(ValueError):
    """The samples of a trial show no motion of this arm; the message says why, without the trial."""


@dataclass(frozen=True, slots=True)
class Ball:
    """The ball at one moment.

    Attributes:
        place: (3,) m, frame ``table``: where it was, or where it was seen last.
        seen: whether there are sightings around this moment.
    """

    place: Array
    seen: bool


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Of one trial. Times are those of its samples: seconds since its first sighting of the ball.

    Attributes:
        samples: as recorded.
        begin, end: s, of the first and of the last sample.
        was_hit: whether the ball was.
        meeting: s, the sighting nearest to the hit; without a hit, that nearest to the middle of the blade.
    """

    samples: TraceSamples
    begin: float
    end: float
    was_hit: bool
    meeting: float

    @classmethod
    def of(cls, samples: TraceSamples) -> 'Motion':
        """The motion in these samples.

        Raises:
            MotionError: there is none.
        """
        ball, joint = samples.ball_time, samples.joint_time
        if not (len(ball) and len(joint)):
            missing = 'sightings of the ball' if not len(ball) else 'joint positions'
            raise MotionError(f'it holds no {missing}')
        for times in (ball, joint):
            if np.any(np.diff(times) < 0.0):
                raise MotionError('its samples are not in the order of time')
        for values in (ball, joint, samples.ball_position, samples.joint_position, samples.racket_position):
            if not np.all(np.abs(values) < _FARTHEST):  # false of NaN, too
                raise MotionError(f'its samples hold values beyond {_FARTHEST:g} s, m or rad')
        begin, end = float(min(ball[0], joint[0])), float(max(ball[-1], joint[-1]))
        if end - begin > LONGEST:
            raise MotionError(f'it lasts {end - begin:.0f} s, expected at most {LONGEST:.0f} s')
        hit = find_hit(ball, samples.ball_position)
        meeting = _nearest_to_blade(samples) if hit is None else hit
        return cls(samples, begin, end, hit is not None, float(ball[meeting]))

    def joints(self, time: float) -> Array:
        """(8,) m and rad, between the encoders' readings before and after; beyond them the first or the last."""
        return np.array(
            [np.interp(time, self.samples.joint_time, each) for each in self.samples.joint_position.T]
        )

    def ball(self, time: float) -> Ball | None:
        """Between the sightings before and after; None before the first one."""
        times, places = self.samples.ball_time, self.samples.ball_position
        after = int(np.searchsorted(times, time, 'right'))
        if after == 0:
            return None
        last = places[after - 1]
        if time == times[after - 1]:
            return Ball(last, seen=True)
        if after == len(times) or times[after] - times[after - 1] > _LONGEST_GAP:
            return Ball(last, seen=False)
        share = (time - times[after - 1]) / (times[after] - times[after - 1])
        return Ball(last + share * (places[after] - last), seen=True)

    def way(self, time: float) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """The ball's way until a time, before the hit and from it on.

        Each in stretches (k, 3), m, of sightings without a gap.
        """
        now, end = self.ball(time), int(np.searchsorted(self.samples.ball_time, time, 'right'))
        times, places = self.samples.ball_time[:end], self.samples.ball_position[:end]
        if now is not None and now.seen and time > times[-1]:
            times, places = np.append(times, time), np.vstack([places, now.place])
        gaps = np.flatnonzero(np.diff(times) > _LONGEST_GAP) + 1
        hit = int(np.searchsorted(times, self.meeting, 'left')) if self.was_hit else end
        return _stretches(places, 0, hit + 1, gaps), _stretches(places, hit, len(places), gaps)


def _stretches(places: Array, first: int, end: int, gaps: NDArray[np.intp]) -> tuple[Array, ...]:
    """The rows from one index to another, cut where there are gaps; without single ones."""
    cuts = gaps[(gaps > first) & (gaps < end)] - first
    return tuple(each for each in np.split(places[first:end], cuts) if len(each) > 1)


def _nearest_to_blade(samples: TraceSamples) -> int:
    """Index of the sighting nearest to the blade's middle."""
    blade = np.stack(
        [np.interp(samples.ball_time, samples.joint_time, each) for each in samples.racket_position.T], axis=1
    )
    return int(np.argmin(np.linalg.norm(samples.ball_position - blade, axis=1)))
