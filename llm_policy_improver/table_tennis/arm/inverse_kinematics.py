"""Joint positions and velocities for a wanted pose and velocity of the blade."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.core.linear import product, solve_positive
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.kinematics import Kinematics
from llm_policy_improver.table_tennis.ball.state import Vec

Array = NDArray[np.float64]

JOINT_LOW: Array = np.array([joint.low for joint in arm.ARM])
"""(8,) m and rad."""
JOINT_HIGH: Array = np.array([joint.high for joint in arm.ARM])
"""(8,) m and rad."""
_WILLINGNESS: Array = np.array([(joint.speed / arm.ARM[2].speed) ** 2 for joint in arm.ARM])
"""How far a joint goes from its home rather than others: ways count by the time they take."""
_MARGIN: Array = 0.03 * (JOINT_HIGH - JOINT_LOW)
_LOW: Array = JOINT_LOW + _MARGIN
_HIGH: Array = JOINT_HIGH - _MARGIN


@dataclass(frozen=True, slots=True, eq=False)
class PoseSolution:
    """Joint positions (8,), and how far the blade is still from the wanted pose (m, and 1 for the normal)."""

    q: Array
    error: float
    jacobian: Array
    """(3, 8) of the blade's centre, at ``q``."""


def solve_pose(
    kinematics: Kinematics, centre: Vec, normal: Vec, start: Array, home: Array,
    *, rounds: int = 12, damping: float = 1e-4,
) -> PoseSolution:  # fmt: skip
    """Damped least squares for the blade's centre and normal, warm-started, as near to ``home`` as they allow.

    Five numbers are wanted of eight joints; of the many solutions each round takes the one nearest to ``home``, each
    joint's way divided by its speed. Joint ranges are respected with an inner margin.

    Args:
        start: (8,) m and rad, where the search begins.
        home: (8,) m and rad.
        damping: of the squared step.
    """
    q = np.clip(start, _LOW, _HIGH)
    wanted = np.array((centre, normal))
    pose, by_centre, by_normal = kinematics.blade_with_jacobian(q)
    for _ in range(rounds):
        error = wanted - (pose.centre, pose.normal)
        q, change = _stepped(q, home, error, by_centre, by_normal, damping)
        pose, by_centre, by_normal = kinematics.blade_with_jacobian(q)
        if change < 1e-4:
            break
    miss = wanted - (pose.centre, pose.normal)
    return PoseSolution(q, float(np.sqrt(np.sum(miss * miss))), by_centre)


@compiled
def _stepped(
    q: Array, home: Array, error: Array, by_centre: Array, by_normal: Array, damping: float
) -> tuple[Array, float]:
    """The joints (8,) after one round, and the largest change.

    Args:
        error: (2, 3), what centre and normal miss.
    """
    jacobian = np.concatenate((by_centre, by_normal))
    willing = jacobian * _WILLINGNESS
    way = home - q
    held = np.zeros(len(q), dtype=np.bool_)
    for _ in range(len(q)):
        # J+ (error - J way) + way: the way home acts only where the task leaves freedom.
        gram = product(willing, jacobian.T) + damping * np.eye(6)
        rest = error.reshape((6, 1)) - product(jacobian, way.reshape((-1, 1)))
        moved = q + way + product(willing.T, solve_positive(gram, rest))[:, 0]
        outside = ((moved < _LOW) | (moved > _HIGH)) & ~held
        if not np.any(outside):
            break
        # A joint at the end of its range stays there, and the others do its part.
        held |= outside
        for joint in range(len(q)):
            if outside[joint]:
                way[joint] = (_LOW[joint] if moved[joint] < _LOW[joint] else _HIGH[joint]) - q[joint]
                willing[:, joint] = 0.0
    moved = np.minimum(np.maximum(moved, _LOW), _HIGH)
    return moved, np.max(np.abs(moved - q))


@compiled
def joint_velocity(jacobian: Array, velocity: Vec, free_motion: Array, effort: Array) -> Array:
    """Joint velocities (8,) that move the blade's centre with ``velocity`` (m/s).

    Of all that do, the one nearest to ``free_motion`` (8,), each joint weighted by its ``effort`` (8,).
    """
    weighted = jacobian / effort
    gram = product(weighted, jacobian.T) + 1e-9 * np.eye(3)
    rest = np.array(velocity).reshape((3, 1)) - product(jacobian, free_motion.reshape((-1, 1)))
    return free_motion + product(weighted.T, solve_positive(gram, rest))[:, 0]
