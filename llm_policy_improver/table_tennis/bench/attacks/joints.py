"""Joint states that are missing, wrong, late or not those of this moment."""

import math
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.bench.attacks.attack import Attack
from llm_policy_improver.table_tennis.bench.attacks.case import Array
from llm_policy_improver.table_tennis.observation import ArmObservation


def shown(
    one: ArmObservation,
    stamp: int | None = None,
    position: Array | None = None,
    velocity: Array | None = None,
) -> ArmObservation:
    """The same joint state with something else in it."""
    return ArmObservation(
        one.stamp if stamp is None else stamp,
        one.position if position is None else position,
        one.velocity if velocity is None else velocity,
    )


class _Dropout(Attack):
    must_latch = True

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        return []


class _Frozen(Attack):
    """The encoders show the same with ever new stamps."""

    _shown: Array | None = None

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        if self._shown is None:
            self._shown = arms[0].position
        return [ArmObservation(arms[0].stamp, self._shown, np.zeros(len(arm.ARM)))]


class _Jump(Attack):
    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        off = np.zeros(len(arm.ARM))
        off[self._choice[0]] = (-1.0) ** self._choice[1] * (0.05 + 0.1 * self._choice[2])
        return [shown(one, position=one.position + off) for one in arms]


class _Swapped(Attack):
    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        rows = np.arange(len(arm.ARM))
        first, second = self._choice[:2]
        rows[first], rows[second] = second, first
        return [shown(one, one.stamp, one.position[rows], one.velocity[rows]) for one in arms]


class _NotFiniteJoints(Attack):
    must_latch = True

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        broken = arms[0].position.copy()
        broken[self._choice[0]] = math.nan if self._choice[1] % 2 else math.inf
        return [shown(arms[0], position=broken)]


class _LateJoints(Attack):
    """Joint states arrive late for a while, in bursts and with their old stamps."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self._held: list[ArmObservation] = []
        self._burst = int(rng.integers(5, 60))

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        self._held += arms
        if len(self._held) < self._burst:
            return []
        arrived, self._held = self._held, []
        return arrived


class _OldStamps(Attack):
    """The driver's clock stands still."""

    must_latch = True
    _stamp: int | None = None

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        if self._stamp is None:
            self._stamp = arms[0].stamp
        return [shown(one, stamp=self._stamp) for one in arms]


class _Replay(Attack):
    """Each joint state comes again and again, in any order."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self._past: list[ArmObservation] = []

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        self._past = [*self._past, *arms][-30:]
        return [*arms, *(self._past[int(i)] for i in self._rng.integers(0, len(self._past), 4))]


JOINTS: Final[dict[str, type[Attack]]] = {
    'joints: dropout': _Dropout,
    'joints: frozen': _Frozen,
    'joints: jump': _Jump,
    'joints: swapped': _Swapped,
    'joints: NaN and inf': _NotFiniteJoints,
    'joints: latency spikes': _LateJoints,
    'joints: stale stamps': _OldStamps,
    'joints: replayed': _Replay,
}
"""Attacks on the joint states."""
