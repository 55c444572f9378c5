"""New policy parameters on the physical arm: only between balls, while the arm is slow, and never all at once."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm.modulation import CHOSEN, Modulation
from llm_policy_improver.table_tennis.control.controller import ControllerState, LowLevelController
from llm_policy_improver.table_tennis.observation import NANOSECONDS


@dataclass(frozen=True, slots=True)
class HandoverSettings:
    """How new parameters are taken up.

    Attributes:
        slow: m/s and rad/s that no joint may reach meanwhile.
        ramp: s that it takes from the old parameters to the new ones.
    """

    slow: float = 0.1
    ramp: float = 0.3

    def __post_init__(self) -> None:
        if not 0.001 <= self.slow <= 0.5 or not 0.0 <= self.ramp <= 5.0:
            raise ValueError(
                'handover: slow must be between 0.001 and 0.5 m/s or rad/s and ramp between 0 and 5 s; '
                f'got {self.slow:g} and {self.ramp:g}'
            )


class Handover:
    """Between whoever offers parameters and a controller that would take them up at once.

    A ball belongs to the parameters of one version: where one comes before the ramp has ended, the old parameters
    are back before the controller sees it, and the ramp starts again after it.
    """

    def __init__(self, settings: HandoverSettings, controller: LowLevelController) -> None:
        self._settings = settings
        self._controller = controller
        self._offered: Modulation | None = None
        self._old = controller.parameters
        self._since: int | None = None

    @property
    def version(self) -> int:
        """Of the parameters that a ball would meet now."""
        return self._old.version

    def offer(self, parameters: Modulation) -> None:
        """Take these up as soon as it may be; they replace those that still wait."""
        self.hold()
        self._offered = parameters

    def hold(self) -> None:
        """A ball comes, or the arm moves: back to the old parameters while the new ones are not wholly in use."""
        if self._since is not None:
            self._since = None
            self._controller.offer(self._old)

    def advance(self, velocity: NDArray[np.float64] | None, steady: int) -> None:
        """Once a control tick, before its command.

        Args:
            velocity: (8,) m/s and rad/s, of the joints; None where they are not known.
            steady: ns, of a clock that nobody sets.
        """
        new = self._offered
        if new is None:
            return
        ready = self._controller.state is ControllerState.READY
        if not ready or velocity is None or not float(np.abs(velocity).max()) < self._settings.slow:
            self.hold()
            return
        if self._since is None:
            self._since = steady
        time = (steady - self._since) / NANOSECONDS
        if time < self._settings.ramp:
            self._controller.offer(_between(self._old, new, time / self._settings.ramp))
        else:
            self._controller.offer(new)
            self._old, self._offered, self._since = new, None, None


def _between(old: Modulation, new: Modulation, share: float) -> Modulation:
    """Still of the old version; what is not neutral may be a parameter of either."""

    def mixed(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, ...]:
        return tuple((1.0 - share) * x + share * y for x, y in zip(a, b, strict=True))

    return replace(
        old, attenuation=mixed(old.attenuation, new.attenuation), residual=mixed(old.residual, new.residual),
        names=CHOSEN,
    )  # fmt: skip
