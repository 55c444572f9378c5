"""A puck that a hand pushes over a table; it slides to rest by dry friction."""

from typing import Final

from llm_policy_improver.tasks.dynamic_manipulation.push import GRAVITY, PushScene, release_speed

FRICTION: Final = 0.2
_HALF_HEIGHT: Final = 0.01
_TIMESTEP: Final = 0.001
_STILL: Final = 1e-3


class Slide(PushScene):
    """A puck 6 cm wide, 2 cm high, of 0.2 kg.

    Args:
        friction: coefficient between puck and table.
    """

    def __init__(self, friction: float = FRICTION) -> None:
        self.friction = friction
        super().__init__(
            f'type="cylinder" size="0.03 {_HALF_HEIGHT}" mass="0.2"', _HALF_HEIGHT, 'weld', friction, _TIMESTEP, _STILL
        )  # fmt: skip


def sliding_distance(distance: float, time: float, friction: float) -> float:
    """m from where the puck lay to where it rests: the push, and ``v^2 / (2 mu g)`` of Coulomb friction."""
    return distance + release_speed(distance, time) ** 2 / (2.0 * friction * GRAVITY)
