"""A cell whose ball, table, rubber, delays and drives are not as the simulator takes them."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Final

from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.latency import Latency
from llm_policy_improver.table_tennis.task import TableTennis

BALL: Final = (
    'drag_coefficient', 'lift_coefficient', 'table_restitution', 'table_friction', 'racket_restitution', 'racket_grip',
)  # fmt: skip
"""Coefficients of flight and bounces that differ from cell to cell."""
DELAYS: Final = tuple(entry.name for entry in fields(Latency) if not entry.name.endswith('_spread'))
"""Their means."""
COEFFICIENTS: Final = (*BALL, *DELAYS, *(f'gain of {joint}' for joint in JOINTS))
MOST_RESTITUTION: Final = 0.99
"""No ball leaves faster than it came."""


def other_cell(
    simulation: SimulationConfig, controller: ControllerConfig, factors: Sequence[float]
) -> TableTennis:
    """The task with each of `COEFFICIENTS` times its factor; the controller goes on believing what it does.

    Args:
        simulation: the cell.
        controller: of it.
        factors: one a coefficient; of a drive, on how strongly it follows a commanded velocity.
    """
    by_name = dict(zip(COEFFICIENTS, factors, strict=True))
    ball = {name: getattr(simulation.ball, name) * by_name[name] for name in BALL}
    for name in ('table_restitution', 'racket_restitution'):
        ball[name] = min(ball[name], MOST_RESTITUTION)
    delays = {name: getattr(simulation.latency, name) * by_name[name] for name in DELAYS}
    task = TableTennis(
        replace(
            simulation,
            ball=replace(simulation.ball, **ball),
            latency=replace(simulation.latency, **delays),
        ),
        controller,
    )
    model, gains = task.simulator.model, factors[-len(JOINTS) :]
    model.actuator_gainprm[:, 0] *= gains
    model.actuator_biasprm[:, 1] *= gains
    return task
