"""Sightings of the ball that are missing, wrong, late or not those of this moment."""

import math
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.ball.state import Vec
from llm_policy_improver.table_tennis.bench.attacks.attack import Attack
from llm_policy_improver.table_tennis.observation import BallObservation


class _NotFiniteBall(Attack):
    must_latch = True

    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        return [BallObservation(one.stamp, (math.nan, one.position[1], math.inf)) for one in balls]


class _BallJumps(Attack):
    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        x, y, z = self._rng.uniform((-1.0, -2.0, 0.0), (1.0, 1.0, 1.0)).tolist()
        return [BallObservation(one.stamp, (x, y, z)) for one in balls]


class _BallDrifts(Attack):
    """Too slowly to be impossible: the arm is led astray."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self._off = np.zeros(3)
        self._step = rng.normal(0.0, 0.03, 3)

    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        self._off = self._off + self._step
        shifted = [np.array(one.position) + self._off for one in balls]
        return [
            BallObservation(one.stamp, (float(at[0]), float(at[1]), float(at[2])))
            for one, at in zip(balls, shifted, strict=True)
        ]


class _NoBall(Attack):
    """The cameras fall silent, which is no fault: the ball is lost."""

    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        return []


class _FrozenBall(Attack):
    """The cameras show the same picture with ever new stamps."""

    _at: Vec | None = None

    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        if self._at is None and balls:
            self._at = balls[0].position
        return [one._replace(position=self._at or one.position) for one in balls]


class _LateBalls(Attack):
    """Sightings arrive in bursts, with their old stamps."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self._held: list[BallObservation] = []
        self._burst = int(rng.integers(2, 40))

    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        self._held += balls
        if len(self._held) < self._burst:
            return []
        arrived, self._held = self._held, []
        return arrived


class _OldBallStamps(Attack):
    """The cameras' clock stands still."""

    _stamp: int | None = None

    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        if self._stamp is None and balls:
            self._stamp = balls[0].stamp
        return [one._replace(stamp=self._stamp or one.stamp) for one in balls]


class _ReplayedBalls(Attack):
    """Each sighting comes again and again, in any order."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self._past: list[BallObservation] = []

    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        self._past = [*self._past, *balls][-30:]
        if not self._past:
            return balls
        return [*balls, *(self._past[int(i)] for i in self._rng.integers(0, len(self._past), 4))]


BALLS: Final[dict[str, type[Attack]]] = {
    'ball: NaN and inf': _NotFiniteBall,
    'ball: jumps': _BallJumps,
    'ball: drifts': _BallDrifts,
    'ball: dropout': _NoBall,
    'ball: frozen': _FrozenBall,
    'ball: latency spikes': _LateBalls,
    'ball: stale stamps': _OldBallStamps,
    'ball: replayed': _ReplayedBalls,
}
"""Attacks on the sightings."""
