"""A rope that hangs from a hand; the hand's swing throws its tip at a point.

The hand moves straight from one place to another, forwards and up or down, with the least jerk (Flash and Hogan
1985), and stays there. Everything is in the plane x (forwards), z (up); origin on the floor below the hand's start, m.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HAND_HEIGHT: Final = 1.0
"""m, of the hand at the start."""
LINKS: Final = 12
DURATION: Final = 0.8
"""s that the tip is watched: a swing forwards. When it comes back it may pass a point a second time, and the nearest
place would jump from one pass to the other."""

_TIMESTEP: Final = 0.002
_HAND_MASS: Final = 200.0
_GRAVITY: Final = 9.81


@dataclass(frozen=True, slots=True)
class RopePhysics:
    """Of one rope.

    Attributes:
        length: m.
        mass: kg, of the rope without its tip.
        tip_mass: kg.
        damping: N m s/rad, of each of its joints.
    """

    length: float = 0.6
    mass: float = 0.06
    tip_mass: float = 0.02
    damping: float = 2e-4


class Rope:
    """MuJoCo's model of the rope, a chain of links in the plane, and one swing after the other of it."""

    def __init__(self, physics: RopePhysics | None = None) -> None:
        import mujoco  # takes long to load

        self._step: Any = mujoco.mj_step
        self._reset: Any = mujoco.mj_resetData
        self.model: Any = mujoco.MjModel.from_xml_string(_scene(physics or RopePhysics()))
        self.data: Any = mujoco.MjData(self.model)
        self._tip = self.model.geom('tip').id

    @property
    def timestep(self) -> float:
        """s between two places of a path."""
        return float(self.model.opt.timestep)

    def path(self, forwards: float, time: float, up: float) -> Array:
        """(n, 2) places x, z of the tip in m, one a time step.

        Args:
            forwards, up: m, from the hand's start to its end.
            time: s, of its motion.
        """
        data, timestep = self.data, self.model.opt.timestep
        self._reset(self.model, data)
        stroke = np.array([forwards, up])
        weight = np.array([0.0, _GRAVITY])
        moved = self.model.body_subtreemass[self.model.body('hand').id]
        steps = round(DURATION / timestep)
        places = np.empty((steps, 2))
        for step in range(steps):
            position, speed, acceleration = _least_jerk(step * timestep, time)
            data.qpos[:2], data.qvel[:2] = position * stroke, speed * stroke
            # The chain must feel the hand's acceleration, not only where it is.
            data.qfrc_applied[:2] = moved * (acceleration * stroke + weight)
            self._step(self.model, data)
            tip = data.geom_xpos[self._tip]
            places[step] = tip[0], tip[2]
        return places


def nearest(path: Array, point: tuple[float, float]) -> tuple[float, float]:
    """The place on a path (n, 2), between its samples too, that comes nearest to a point."""
    begins, ways = path[:-1], np.diff(path, axis=0)
    lengths = np.maximum((ways**2).sum(axis=1), 1e-18)
    shares = np.clip(((np.asarray(point) - begins) * ways).sum(axis=1) / lengths, 0.0, 1.0)
    places = begins + shares[:, None] * ways
    best = places[int(np.argmin(np.linalg.norm(places - point, axis=1)))]
    return float(best[0]), float(best[1])


def _least_jerk(elapsed: float, time: float) -> tuple[float, float, float]:
    """Share of the way, its speed in 1/s and acceleration in 1/s^2."""
    if elapsed >= time:
        return 1.0, 0.0, 0.0
    u = elapsed / time
    return (
        u**3 * (10.0 - 15.0 * u + 6.0 * u**2),
        30.0 * u**2 * (1.0 - u) ** 2 / time,
        60.0 * u * (1.0 - 3.0 * u + 2.0 * u**2) / time**2,
    )


def _scene(physics: RopePhysics) -> str:
    link = physics.length / LINKS
    free = 'contype="0" conaffinity="0"'
    tip = f'<geom name="tip" type="sphere" size="0.012" mass="{physics.tip_mass}" {free}/>'
    chain = f'<body pos="0 0 {-link}">{tip}</body>'
    for index in reversed(range(LINKS)):
        chain = (
            f'<body pos="0 0 {-link if index else 0.0}">'
            f'<joint type="hinge" axis="0 1 0" damping="{physics.damping}"/>'
            f'<geom type="capsule" fromto="0 0 0 0 0 {-link}" size="0.004" mass="{physics.mass / LINKS}" {free}/>'
            f'{chain}</body>'
        )
    return (
        f'<mujoco model="rope"><option timestep="{_TIMESTEP}" integrator="implicitfast" gravity="0 0 -{_GRAVITY}"/>'
        f'<worldbody><body name="hand" pos="0 0 {HAND_HEIGHT}">'
        f'<joint type="slide" axis="1 0 0"/><joint type="slide" axis="0 0 1"/>'
        f'<geom type="box" size="0.02 0.02 0.02" mass="{_HAND_MASS}" {free}/>{chain}</body></worldbody></mujoco>'
    )


def chain_period(length: float) -> float:
    """s, of the slowest small swing of a hanging chain without a tip mass: Bernoulli 1733, the first zero of J0."""
    return 4.0 * math.pi / 2.404826 * math.sqrt(length / _GRAVITY)
