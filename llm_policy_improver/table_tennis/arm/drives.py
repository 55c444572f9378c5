"""The drives of the joints, as identified on the physical arm."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Drive:
    """A velocity-commanded drive: an inner position loop around the integral of the command.

    Attributes:
        force: N or N m, limit.
        kp, kv: gains of the position loop.
        damping, armature: of the joint.
    """

    force: float
    kp: float
    kv: float
    damping: float
    armature: float


DRIVES: Final[dict[str, Drive]] = {
    'slide_y': Drive(4102, 1279178, 164636, 30.924, 0.002),
    'slide_x': Drive(1499, 248791, 13157, 255.683, 27.097),
    'axis_1': Drive(100, 85874, 1599, 25, 0.01),
    'axis_2': Drive(100, 10669, 265, 25, 0.01),
    'axis_3': Drive(60, 180694, 2735, 25, 0.01),
    'axis_4': Drive(20, 21905, 331, 5, 0.01),
    'axis_5': Drive(25, 9000, 211, 3, 0.01),
    'axis_6': Drive(100, 5101, 66, 3, 0.01),
}
"""D'Ambrosio et al. 2024 (arXiv 2408.03906), Table V."""
