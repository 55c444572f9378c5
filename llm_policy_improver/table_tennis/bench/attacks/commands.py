"""Velocities straight into the safety stage: too fast, too rough, or none at all."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from llm_policy_improver.table_tennis.bench.attacks.case import Array

Wanted = Callable[[int], Any]
"""The velocity wanted in a cycle, or what stands for one."""


def _constant(rng: np.random.Generator, speed: Array) -> Wanted:
    velocity = rng.choice([-1.0, 1.0], len(speed)) * speed * rng.choice([0.3, 1.0], len(speed))
    return lambda cycle: velocity


def _flips(rng: np.random.Generator, speed: Array) -> Wanted:
    velocity, every = _constant(rng, speed)(0), int(rng.integers(1, 4))
    return lambda cycle: np.asarray(velocity) * (-1.0) ** (cycle // every)


def _steps(rng: np.random.Generator, speed: Array) -> Wanted:
    state = {'velocity': rng.normal(0.0, 1.0, len(speed)) * speed}

    def wanted(cycle: int) -> Array:
        if rng.random() < 0.03:
            state['velocity'] = rng.normal(0.0, 2.0, len(speed)) * speed
        return state['velocity']

    return wanted


def _huge(rng: np.random.Generator, speed: Array) -> Wanted:
    return lambda cycle: rng.choice([-1e9, 1e-9, 1e9], len(speed)) if cycle % 20 < 10 else 1e300 * speed


def _not_finite(rng: np.random.Generator, speed: Array) -> Wanted:
    steps = _steps(rng, speed)

    def wanted(cycle: int) -> Array:
        velocity = np.array(steps(cycle))
        if cycle % 25 < rng.integers(1, 20):
            velocity[rng.integers(len(speed))] = rng.choice([math.nan, math.inf, -math.inf])
        return velocity

    return wanted


def _wrong_length(rng: np.random.Generator, speed: Array) -> Wanted:
    steps = _steps(rng, speed)
    wrong: tuple[Callable[[Array], Any], ...] = (
        lambda v: v[:-1],
        lambda v: np.append(v, 1.0),
        lambda v: v.reshape(2, 4),
        lambda v: [v, v],
        lambda v: [],
        lambda v: 1.0,
        lambda v: None,
        lambda v: 'fast',
    )
    return lambda cycle: (
        wrong[int(rng.integers(len(wrong)))](np.array(steps(cycle))) if rng.random() < 0.2 else steps(cycle)
    )


def _replays(rng: np.random.Generator, speed: Array) -> Wanted:
    steps = _steps(rng, speed)
    past: list[Array] = []

    def wanted(cycle: int) -> Array:
        past.append(steps(cycle))
        return past[int(rng.integers(len(past)))] if rng.random() < 0.5 else past[-1]

    return wanted


COMMANDS: Final[dict[str, Callable[[np.random.Generator, Array], Wanted]]] = {
    'full speed': _constant,
    'sign flips': _flips,
    'random steps': _steps,
    '1e9 and 1e300': _huge,
    'NaN and inf': _not_finite,
    'wrong length': _wrong_length,
    'replayed commands': _replays,
    'late cycles': _steps,
}
"""Velocities straight into the safety stage."""
