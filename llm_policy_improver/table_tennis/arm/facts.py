"""The arm's geometry and limits: two linear axes carrying an ABB IRB 1100-4/0.58 class arm with a paddle.

The one place of these numbers: the kinematics and the MuJoCo model are both built from them.

Sources: joint ranges and velocity limits, D'Ambrosio et al. 2024 (arXiv 2408.03906), Tables V and VI; link
lengths, the public URDF of the IRB 1100. At zero the arm stands upright with its x axis towards the opponent.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm.joints import JOINTS

Vec = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Joint:
    """One joint, in the frame of the link that carries it (x forward, y left, z up).

    Attributes:
        kind: ``'slide'`` or ``'hinge'``.
        axis: unit vector along one axis of the frame.
        offset: m, from the previous joint's frame to this one's.
        low, high: m or rad, position range.
        speed: m/s or rad/s, velocity limit.
        lag: s, time constant with which the drive follows its set point, (kv + damping) / kp of the
            identified drive (docs/simulation.md).
    """

    name: str
    kind: str
    axis: Vec
    offset: Vec
    low: float
    high: float
    speed: float
    lag: float


BASE: Final[Vec] = (0.0, -1.64, 0.0)
"""m, frame ``table``: foot of the arm with both slides at zero."""

# Frame `table` has x to the right and y towards the opponent, the arm's own frame x towards the opponent and
# y to the left: it is turned by 90 degrees about z. The slides act before that turn.
ARM: Final[tuple[Joint, ...]] = (
    Joint('slide_y', 'slide', (0.0, 1.0, 0.0), (0.0, 0.0, 0.0), -1.8861, 0.174, 2.0, 0.1287),
    Joint('slide_x', 'slide', (1.0, 0.0, 0.0), (0.0, 0.0, 0.0), -1.8937, 1.88, 2.0, 0.0539),
    Joint('axis_1', 'hinge', (0.0, 0.0, 1.0), (0.0, 0.0, 0.146), -2.0, 2.0, 4.36, 0.0189),
    Joint('axis_2', 'hinge', (0.0, 1.0, 0.0), (0.0, 0.0, 0.181), 0.2, 1.22, 4.36, 0.0272),
    Joint('axis_3', 'hinge', (0.0, 1.0, 0.0), (0.0, 0.0, 0.280), 0.0, 0.9, 4.36, 0.0153),
    Joint('axis_4', 'hinge', (1.0, 0.0, 0.0), (0.0, 0.0, 0.010), -1.5708, 1.5708, 5.585, 0.0153),
    Joint('axis_5', 'hinge', (0.0, 1.0, 0.0), (0.300, 0.0, 0.0), -1.75, -0.65, 5.585, 0.0238),
    Joint('axis_6', 'hinge', (1.0, 0.0, 0.0), (0.0634, 0.0, 0.0), -0.7, 2.3, 7.33, 0.0135),
)
assert tuple(joint.name for joint in ARM) == JOINTS

BLADE_OFFSET: Final[Vec] = (0.17, 0.0, 0.0)
"""m, centre of the blade in the frame of axis_6."""
BLADE_TILT: Final = 3.46
"""rad about the x axis of axis_6: the blade's normal is the z axis turned by this, so that axis_6 near 0.8
stands in the middle of its range when the blade faces the opponent."""
BLADE_RADIUS: Final = 0.08
"""m; a disc for a blade of 0.17 x 0.15 m."""
BLADE_THICKNESS: Final = 0.012
"""m, wood and rubber."""

HOME: Final = (-0.30, -0.55, -0.92, 0.66, 0.28, 0.80, -1.0, 0.80)
"""m and rad: the ready pose; the blade stands near the middle, facing the opponent."""


def per_joint(slide_y: float, slide_x: float, axes: float) -> NDArray[np.float64]:
    """(8,) one number for each slide, and the same for every axis of the arm."""
    return np.array([slide_y, slide_x, *[axes] * (len(ARM) - 2)])
