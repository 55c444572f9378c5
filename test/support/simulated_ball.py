"""A ball thrown into the simulation past an arm that stands still, and what the simulation knows of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.launcher import Launcher
from llm_policy_improver.table_tennis.simulation.simulator import Contact, Simulator
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.observed import Outcome

Array = NDArray[np.float64]

STILL = np.zeros(len(arm.ARM))
AIRLESS = BallModel(gravity=0.0, air_density=0.0)
"""Between bounces the ball keeps its velocity: what a bounce does shows exactly."""


def thrown(
    position: Sequence[float] | Array, velocity: Sequence[float] | Array, spin: Sequence[float] | Array = (0, 0, 0),
    *, seed: int = 0, **settings: Any,
) -> Simulator:  # fmt: skip
    """A simulator with this ball just launched."""
    vectors = [(float(x), float(y), float(z)) for x, y, z in (position, velocity, spin)]
    simulator = Simulator(SimulationConfig(launcher=Launcher(*vectors), **settings))
    simulator.launch(seed)
    return simulator


def ball_position(simulator: Simulator) -> Array:
    return np.array(simulator.data.joint('ball').qpos[:3])


def ball_velocity(simulator: Simulator) -> Array:
    return np.array(simulator.data.joint('ball').qvel[:3])


def ball_spin(simulator: Simulator) -> Array:
    """rad/s in frame ``table``, from MuJoCo's own state."""
    w, x, y, z = simulator.data.joint('ball').qpos[3:]
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    return np.asarray(turn @ simulator.data.joint('ball').qvel[3:])


def watched(simulator: Simulator, seconds: float) -> tuple[Array, Array]:
    """Times (n,) and positions (n, 3) that the cameras see while the arm stands still."""
    sightings = list(simulator.observe()[1])
    while simulator.stamp < seconds * 1e9 - 1:
        simulator.step(STILL)
        sightings += simulator.observe()[1]
    return np.array([s.stamp * 1e-9 for s in sightings]), np.array([s.position for s in sightings])


def touches(task: TableTennis) -> list[Contact]:
    """What the ball really touched in the task's last trial; the trace does not tell."""
    return task.simulator.contacts


def true_outcome(contacts: Sequence[Contact]) -> Outcome:
    """What became of the ball, from what it really touched."""
    struck = next((n for n, c in enumerate(contacts) if c.what not in ('table', 'net')), None)
    own = [c for c in contacts[:struck] if c.what == 'table' and c.position[1] < 0.0]
    if len(own) != 1:
        return Outcome.DOUBLE_BOUNCE if own else Outcome.BAD_FEED
    if struck is None:
        return Outcome.MISSED
    first = next((c for c in contacts[struck:] if c.what in ('table', 'net')), None)
    if first is None:
        return Outcome.OUT
    if first.what == 'net':
        return Outcome.NET
    return Outcome.OWN_SIDE if first.position[1] < 0.0 else Outcome.LANDED


def true_landing(contacts: Sequence[Contact]) -> tuple[float, float]:
    """x and y, m, of the first bounce after the blade's hit."""
    struck = next(n for n, c in enumerate(contacts) if c.what == 'blade')
    x, y, _ = next(c for c in contacts[struck:] if c.what == 'table').position
    return x, y
