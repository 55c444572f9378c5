"""Joint positions and velocities for a wanted pose and velocity of the blade."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver import arm
from llm_policy_improver.ball import Vec
from llm_policy_improver.control.kinematics import Kinematics

Array = NDArray[np.float64]

JOINT_LOW: Array = np.array([joint.low for joint in arm.ARM])
"""(8,) m and rad."""
JOINT_HIGH: Array = np.array([joint.high for joint in arm.ARM])
"""(8,) m and rad."""
_MARGIN = 0.03 * (JOINT_HIGH - JOINT_LOW)


@dataclass(frozen=True, slots=True, eq=False)
class PoseSolution:
    """Joint positions (8,), and how far the blade is still from the wanted pose (m, and 1 for the normal)."""

    q: Array
    error: float
    jacobian: Array
    """(3, 8) of the blade's centre, at ``q``."""


def solve_pose(
    kinematics: Kinematics, centre: Vec, normal: Vec, start: Array, home: Array,
    *, rounds: int = 12, damping: float = 1e-4, pull: float = 0.02,
) -> PoseSolution:  # fmt: skip
    """Damped least squares for the blade's centre and normal, warm-started, with a weak pull to ``home``.

    Five numbers are wanted of eight joints; the pull acts in the null space and chooses among the many
    solutions. Joint ranges are respected with an inner margin.

    Args:
        start: (8,) m and rad, where the search begins.
        home: (8,) m and rad, the pose the free motion is drawn to.
        damping: of the squared step.
        pull: share of the way home taken in the null space, each round.
    """
    low, high = JOINT_LOW + _MARGIN, JOINT_HIGH - _MARGIN
    q = np.clip(start, low, high)
    wanted = np.array([*centre, *normal])
    eye = damping * np.eye(6)
    for _ in range(rounds):
        pose, by_centre, by_normal = kinematics.blade_with_jacobian(q)
        error = wanted - np.array([*pose.centre, *pose.normal])
        jacobian = np.vstack((by_centre, by_normal))
        toward_home = pull * (home - q)
        # J+ (error - J home) + home: the pull acts only where the task leaves freedom.
        step = jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + eye, error - jacobian @ toward_home)
        moved = np.clip(q + step + toward_home, low, high)
        change = float(np.max(np.abs(moved - q)))
        q = moved
        if change < 1e-4:
            break
    pose, by_centre, _ = kinematics.blade_with_jacobian(q)
    miss = wanted - np.array([*pose.centre, *pose.normal])
    return PoseSolution(q, float(np.sqrt(miss @ miss)), by_centre)


def joint_velocity(jacobian: Array, velocity: Vec, free_motion: Array, effort: Array) -> Array:
    """Joint velocities (8,) that move the blade's centre with ``velocity`` (m/s).

    Of all that do, the one nearest to ``free_motion`` (8,), each joint weighted by its ``effort`` (8,).
    """
    weighted = jacobian / effort
    gram = weighted @ jacobian.T + 1e-9 * np.eye(3)
    return free_motion + weighted.T @ np.linalg.solve(gram, np.array(velocity) - jacobian @ free_motion)
