"""How the arm gets from where it stands to its ready pose: tried out before it is armed.

Found outside of its box, the arm may come back on ways that lead further out at no time. The simple way home, all
joints at once, may be held up there by the safety stage for ever; then the slides go first, or the axes, but not where
the arm may lean on the table. Where none of these leads home a person has to move the arm.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.joint_model import LAG
from llm_policy_improver.table_tennis.ball.state import Vec
from llm_policy_improver.table_tennis.guard.inner_loop import InnerLoop, InnerLoopSettings
from llm_policy_improver.table_tennis.guard.safety import SafetyStage
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.guard.workspace import inner_limits, outside
from llm_policy_improver.table_tennis.observation import NANOSECONDS

Array = NDArray[np.float64]

NO_WAY_HOME = 'from here the arm cannot get to its ready pose'
_HOME: Array = np.array(arm.HOME)
_SOFT_START = 1.0
"""s from the arming to full speed."""
_LONGEST = 20.0
"""s."""
_NEAR = 0.1
"""m and rad, from where on nothing holds it up."""
_PROGRESS = 1e-3
"""m and rad that the joints together must have come nearer within ``_HELD_UP``."""
_HELD_UP = 0.5
"""s."""


_ORDERS: Final = (slice(0, 0), slice(0, 2), slice(2, None))
"""Joints that go home before the others do: none, the slides, the axes; tried in this order."""
_TOUCHED: Final = 0.015
"""m from the table, within which the arm may lean on it: parts of it alone would drag it along."""
_ANYWHERE: Final[tuple[Vec, Vec]] = (-math.inf,) * 3, (math.inf,) * 3


def soft_start(velocity: Array, since: float) -> Array:
    """The way home begins slowly: joints that all start at once shake each other, and who stands beside the arm.

    Args:
        velocity: (8,) m/s and rad/s, the controller's.
        since: s since the arming.
    """
    return velocity if since >= _SOFT_START else np.asarray(since / _SOFT_START * velocity)


class WayHome:
    """The arm's own inner loop and safety stage, with a model of its drives.

    Args:
        gain: 1/s, velocity over distance, of the way home.
        period: s between the controller's commands.
    """

    def __init__(self, settings: InnerLoopSettings, limits: SafetyLimits, gain: float, period: float) -> None:
        self._stage = SafetyStage(limits)
        self._loop = InnerLoop(settings, period, self._stage)
        self._gain = gain
        self._cycle = settings.period
        self._cycles_per_tick = max(round(period / settings.period), 1)
        self._follows = 1.0 - np.exp(-settings.period / LAG)
        self._table = inner_limits(limits)._replace(
            clearance=_TOUCHED, margin=_TOUCHED,
            blade_low=_ANYWHERE[0], blade_high=_ANYWHERE[1], forearm_low=_ANYWHERE[0], forearm_high=_ANYWHERE[1],
        )  # fmt: skip
        self._first = _ORDERS[0]

    def why_infeasible(self, position: Array) -> str:
        """Why the arm cannot get home from ``position`` (8,), m and rad, in words; empty where it can, by `moving`."""
        orders = _ORDERS[:1] if outside(self._table, position) > 0.0 else _ORDERS
        ends = []
        for order in orders:
            self._first = order
            end = self._end(position)
            if _away(end).max() < _NEAR:
                return ''
            ends.append(end)
        self._first = _ORDERS[0]
        farthest = int(np.argmax(_away(ends[0])))
        return (
            f'{NO_WAY_HOME} within the limits: {arm.ARM[farthest].name} would come to {ends[0][farthest]:.2f} instead '
            f'of {_HOME[farthest]:.2f}; move the arm near its ready pose by other means first'
        )

    def moving(self, position: Array) -> Array:
        """(8,) 1 for each joint that goes home now, 0 for those that wait for others; at home none waits any more.

        Args:
            position: (8,) m and rad.
        """
        share = np.ones(len(arm.ARM))
        away = _away(position)
        if np.any(away[self._first] >= _NEAR):
            share[:] = 0.0
            share[self._first] = 1.0
        elif away.max() < _NEAR:
            self._first = _ORDERS[0]
        return share

    def _end(self, position: Array) -> Array:
        """(8,) m and rad, where the arm would come to from there."""
        here = position.copy()
        self._loop.start_anew(here)
        marked, left = np.inf, 0.0
        for cycle in range(round(_LONGEST / self._cycle)):
            away = _HOME - here
            if np.abs(away).max() < _NEAR:
                break
            left -= self._cycle
            if left <= 0.0:
                now = float(np.abs(away).sum())
                if marked - now < _PROGRESS:
                    break
                marked, left = now, _HELD_UP
            steady = round(cycle * self._cycle * NANOSECONDS)
            if cycle % self._cycles_per_tick == 0:
                # At full speed at once: the harder way.
                self._loop.aim(self._gain * away * self.moving(here), steady)
            velocity = self._loop.cycle(here, steady).velocity
            here = here + self._follows * (self._stage.position + velocity * self._cycle - here)
        return here


def _away(position: Array) -> Array:
    return np.abs(_HOME - position)
