"""The ball's flight and bounces, written anew from the formulas: what the package's model is checked against."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

from llm_policy_improver.table_tennis.ball.state import BallModel

Array = NDArray[np.float64]

RADIUS = 0.02
MASS = 0.0027
UP = np.array([0.0, 0.0, 1.0])


def pull(model: BallModel, velocity: Array, spin: Array) -> Array:
    """m/s^2: gravity, 1/2 rho Cd A v^2 against the velocity, and C(S) rho V (spin x velocity)."""
    area, volume = np.pi * RADIUS**2, 4.0 / 3.0 * np.pi * RADIUS**3
    drag = -0.5 * model.air_density * model.drag_coefficient * area * np.linalg.norm(velocity) * velocity
    speed = np.linalg.norm(velocity)
    saturated = 1.0 + RADIUS * np.linalg.norm(spin) / speed / model.lift_saturation if speed else np.inf
    magnus = model.lift_coefficient / saturated * model.air_density * volume * np.cross(spin, velocity)
    return np.asarray((drag + magnus) / MASS - model.gravity * UP)


def flight(
    model: BallModel, position: ArrayLike, velocity: ArrayLike, spin: ArrayLike, times: ArrayLike
) -> tuple[Array, Array]:
    """Positions and velocities (n, 3) at ``times`` of a ball that bounces on an endless table."""
    at, spinning = 0.0, np.array(spin, dtype=float)
    state = np.concatenate((np.array(position, dtype=float), np.array(velocity, dtype=float)))
    wanted = np.array(times, dtype=float)
    out = np.empty((len(wanted), 6))
    done = 0

    def rate(_: float, state: Array) -> Array:
        return np.concatenate((state[3:], pull(model, state[3:], spinning)))

    def height(_: float, state: Array) -> float:
        return float(state[2] - RADIUS)

    height.terminal, height.direction = True, -1.0  # type: ignore[attr-defined]
    while done < len(wanted):
        leg = solve_ivp(
            rate, (at, wanted[-1] + 1e-9), state, events=height, dense_output=True, rtol=1e-10, atol=1e-12
        )
        reached = int(np.searchsorted(wanted, leg.t[-1], side='right'))
        if reached > done:
            out[done:reached] = leg.sol(wanted[done:reached]).T
        done, at, state = reached, leg.t[-1], leg.y[:, -1].copy()
        state[3:], spinning = table_bounce(model, state[3:], spinning)
        state[2] = RADIUS
    return out[:, :3], out[:, 3:]


def landing(
    model: BallModel, position: ArrayLike, velocity: ArrayLike, spin: ArrayLike
) -> tuple[float, float, float]:
    """x and y (m) of the first bounce on an endless table, and its time (s)."""
    times = np.arange(1, 1500) * 0.001
    _, flown = flight(model, position, velocity, spin, times)
    rising = int(np.flatnonzero((flown[1:, 2] > 0.0) & (flown[:-1, 2] < 0.0))[0])
    at, speed = flight(model, position, velocity, spin, times[rising : rising + 1])
    left = (at[0, 2] - RADIUS) / -speed[0, 2]
    x, y, _ = at[0] + left * speed[0]
    return float(x), float(y), float(times[rising] + left)


def slip(velocity: Array, spin: Array, normal: Array) -> Array:
    """Velocity of the ball's point of contact along a resting surface."""
    return np.asarray(velocity - (velocity @ normal) * normal + np.cross(spin, -RADIUS * normal))


def _kicked(velocity: Array, spin: Array, normal: Array, impulse: Array) -> tuple[Array, Array]:
    """After an impulse per mass at the point of contact; the moment of inertia of a shell is 2/3 m r^2."""
    return velocity + impulse, spin + np.cross(-RADIUS * normal, impulse) / (2.0 / 3.0 * RADIUS**2)


def table_bounce(model: BallModel, velocity: Array, spin: Array) -> tuple[Array, Array]:
    """Restitution along the normal, Coulomb friction that ends where the shell rolls."""
    normal_impulse = (1.0 + model.table_restitution) * -velocity[2]
    sliding = slip(velocity, spin, UP)
    speed = float(np.linalg.norm(sliding))
    share = min(0.4, model.table_friction * normal_impulse / speed) if speed else 0.0
    return _kicked(velocity, spin, UP, normal_impulse * UP - share * sliding)


def racket_bounce(
    model: BallModel, velocity: Array, spin: Array, normal: Array, racket_velocity: Array
) -> tuple[Array, Array]:
    """Restitution along the normal; the grip turns the slip round: slip' = -e_t slip."""
    relative = velocity - racket_velocity
    impulse = -(1.0 + model.racket_restitution) * (relative @ normal) * normal
    impulse = impulse - 0.4 * (1.0 + model.racket_grip) * slip(relative, spin, normal)
    return _kicked(velocity, spin, normal, impulse)


def energy(model: BallModel, position: Array, velocity: Array, spin: Array) -> float:
    """J: height above the table, motion, rotation."""
    turning = 0.5 * (2.0 / 3.0 * MASS * RADIUS**2) * (spin @ spin)
    return float(MASS * model.gravity * position[2] + 0.5 * MASS * (velocity @ velocity) + turning)
