"""Policy parameters far outside of their bounds, at the wrong time, or none at all."""

import math
from contextlib import suppress
from typing import Final

from llm_policy_improver.core.policy import ParameterError
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.bench.attacks.attack import Attack, Clock
from llm_policy_improver.table_tennis.bench.attacks.case import CYCLES_PER_TICK
from llm_policy_improver.table_tennis.guard.guarded import GuardedController


class _Parameters(Attack):
    """Random ones, far outside of the bounds."""

    size = 3.0

    def begin(self, controller: GuardedController) -> None:
        controller.handover.offer(self._drawn(1))

    def _drawn(self, version: int) -> Modulation:
        attenuation, residual = self._rng.normal(0.0, self.size, (2, len(arm.ARM)))
        return Modulation(tuple(attenuation), tuple(residual), version)


class _HugeParameters(_Parameters):
    size = 1e9


class _ShuffledVersions(_Parameters):
    """New ones all the time, also in the swing, with versions that go up and down."""

    def step(self, cycle: int, controller: GuardedController, clock: Clock) -> None:
        if cycle % 3 == 0:
            controller.handover.offer(self._drawn(int(self._rng.integers(0, 5))))


class _Flipped(_Parameters):
    """As large as they may be, with another sign in every control tick."""

    def step(self, cycle: int, controller: GuardedController, clock: Clock) -> None:
        if cycle % CYCLES_PER_TICK == 0:
            sign = (-1.0) ** (cycle // CYCLES_PER_TICK) * (-1.0) ** self._choice
            parameters = Modulation(tuple(1.4 * sign), tuple(0.5 * sign), 1 + cycle)
            controller.handover.offer(parameters)


class _NoParameters(Attack):
    """What is no set of parameters: not finite, too few, none. It must not even come to be."""

    def begin(self, controller: GuardedController) -> None:
        count = len(arm.ARM)
        wrong: tuple[tuple[float, ...], ...] = (
            (math.nan,) * count, (math.inf,) * count, (1.0,) * (count - 1), (1.0,) * (count + 1), (),
        )  # fmt: skip
        for values in wrong:
            for attenuation, residual in ((values, (0.0,) * count), ((1.0,) * count, values)):
                with suppress(ParameterError):
                    controller.handover.offer(Modulation(attenuation, residual, 1))
                    raise RuntimeError(f'parameters of {values} were accepted')


PARAMETERS: Final[dict[str, type[Attack]]] = {
    'random parameters': _Parameters,
    'parameters of 1e9': _HugeParameters,
    'versions out of order': _ShuffledVersions,
    'parameters with flipped signs': _Flipped,
    'parameters of NaN and wrong length': _NoParameters,
}
"""Attacks by the parameters."""
