"""Observations and actions of MuJoCo's jointed bodies, joint by joint."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from llm_policy_improver.core.environment import Quantity


@dataclass(frozen=True, slots=True)
class Joint:
    """One coordinate of a body.

    Attributes:
        name: of its position, e.g. ``'thigh_angle'``.
        meaning: what the position is.
        unit: ``'rad'`` or ``'m'``.
    """

    name: str
    meaning: str
    unit: str = 'rad'


def positions(joints: Sequence[Joint]) -> tuple[Quantity, ...]:
    """Where the joints are."""
    return tuple(Quantity(joint.name, joint.meaning, -math.inf, math.inf, joint.unit) for joint in joints)


def velocities(joints: Sequence[Joint], limit: float = math.inf) -> tuple[Quantity, ...]:
    """How fast they change; what is beyond ``limit`` is seen as the limit."""
    clipped = '' if math.isinf(limit) else ', clipped'
    return tuple(
        Quantity(
            f'{joint.name}_velocity',
            f'rate of change of {joint.name}{clipped}',
            -limit,
            limit,
            f'{joint.unit}/s',
        )
        for joint in joints
    )


def torques(names: Sequence[str], newton_metres: Sequence[float]) -> tuple[Quantity, ...]:
    """Actions: torques as shares of the largest one, which the model's gear tells."""
    return tuple(
        Quantity(
            f'{name}_torque',
            f'torque on the {name.replace("_", " ")}, as a share of {largest:g} N m',
            -1.0,
            1.0,
        )
        for name, largest in zip(names, newton_metres, strict=True)
    )
