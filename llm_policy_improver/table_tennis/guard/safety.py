"""The last stage before the drives: whatever is asked for, only what can be stopped in time is sent.

The one idea: a velocity is sent only if braking from it, tick by tick and within the acceleration and jerk limits,
comes to rest inside all limits. Where that is not so the next step of the braking is sent, which was found good one
tick before. So from every state that the stage has reached there is a way to stand still: the one it just checked.
An arm that others have set in motion need not have such a way: from there on, braking is the best there is.

The same where nothing more is sent: whoever calls the stage may be stopped at any moment, for a moment or for good. So
what is sent holds until the drives' own time-out without leaving any limit, and whoever comes back goes on from where
the drives are by then (`silence`).

Nothing here knows ROS, time or files; the numbers come from `safety_limits`.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.joint_model import LAG
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.guard.silence import after_silence
from llm_policy_improver.table_tennis.guard.stopping import (
    arm_stops,
    braking_step,
    joint_stops,
    next_velocity,
)
from llm_policy_improver.table_tennis.guard.workspace import InnerLimits, inner_limits, outside

Array = NDArray[np.float64]

STILL: Final[Array] = np.zeros(len(arm.ARM))
"""(8,) m/s and rad/s."""


class Rule(StrEnum):
    """What changed a command."""

    INVALID = 'invalid'
    FOLLOWING = 'following'
    SPEED = 'speed'
    SOFT_ZONE = 'soft_zone'
    ACCELERATION = 'acceleration'
    JERK = 'jerk'
    POSITION = 'position'
    WORKSPACE = 'workspace'


@dataclass(frozen=True, slots=True, eq=False)
class SafeCommand:
    """What may be sent.

    Attributes:
        velocity: (8,) m/s and rad/s.
        rules: those that changed the command, in their order; empty where it came back bit for bit.
    """

    velocity: Array
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class StageState:
    """Of a `SafetyStage` between two commands.

    Attributes:
        position, velocity, acceleration: (8,) m and rad, and their derivatives, of the drives by what was sent.
        at_rest: s of rest.
        tick: s of the last step.
    """

    position: Array
    velocity: Array
    acceleration: Array
    at_rest: float
    tick: float


class SafetyStage:
    """Keeps what is sent to the drives within the limits. Not thread-safe.

    The stage adds up what it has sent, to where the drives are told to be. A drive follows that with its lag and
    without overshoot, so that ranges kept by the sum are kept by the joint. The workspace is checked for both: for
    the sum, and for joints that follow it from where the encoders show them.

    Example:
        >>> stage = SafetyStage()
        >>> command = stage.filter(np.full(8, 1e9), stage.position, 0.004)
        >>> [str(rule) for rule in command.rules]
        ['speed', 'acceleration']

    Attributes:
        position: (8,) m and rad, where the drives have been told to be.
        velocity: (8,) m/s and rad/s, sent last; after a pause, what the drives were left with by themselves.
        acceleration: (8,) m/s^2 and rad/s^2, that with which ``velocity`` was reached.

    Raises:
        ValueError: the arm in its ready pose is outside of the workspace.
    """

    def __init__(self, limits: SafetyLimits | None = None, position: ArrayLike = arm.HOME) -> None:
        self.limits = limits or SafetyLimits()
        self._inner = inner_limits(self.limits)
        self._following = np.array(self.limits.following_error)
        beyond = outside(self._inner, np.array(arm.HOME))
        if beyond > 0.0:
            raise ValueError(
                f'safety: the arm in its ready pose is {beyond:.3f} m outside of the workspace less its margin; '
                'widen the boxes of blade and forearm, or lower table_clearance or workspace_margin'
            )
        self.reset(position)

    def reset(self, position: ArrayLike, velocity: ArrayLike = STILL) -> None:
        """Begin from here: from an arm that stands, or from one that moves and has to be taken over.

        Whoever has set a moving arm in motion did not ask this stage. What is sent keeps the limits of velocity,
        acceleration and jerk from here on; ranges and workspace are kept where braking at once is enough for that,
        and are left by no more than braking takes where it is not.

        Args:
            position: (8,) m and rad, as the encoders show it.
            velocity: (8,) m/s and rad/s, likewise; one beyond the speed limit counts as that limit.

        Raises:
            ValueError: these are not eight finite numbers each.
        """
        here, speed = _given('position', position), _given('velocity', velocity)
        # A drive of first order moves by what its set point is ahead, each time constant.
        self.position = here + LAG * speed
        self.velocity = np.clip(speed, -self._inner.velocity, self._inner.velocity)
        self.acceleration = np.zeros(len(here))
        self._at_rest = 0.0
        self._tick = _SHORTEST_TIME

    @property
    def state(self) -> 'StageState':
        """What `filter` goes on from."""
        return StageState(self.position, self.velocity, self.acceleration, self._at_rest, self._tick)

    def restore(self, state: 'StageState') -> None:
        """Go on from an earlier `state`, as what was allowed since was not sent."""
        self.position, self.velocity, self.acceleration = state.position, state.velocity, state.acceleration
        self._at_rest, self._tick = state.at_rest, state.tick

    def filter(self, velocity: ArrayLike, position: ArrayLike, dt: float) -> SafeCommand:
        """What may be sent instead of ``velocity``.

        What is no velocity, no position or no time brakes the arm; so does an arm that does not follow.

        Args:
            velocity: (8,) m/s and rad/s, wanted.
            position: (8,) m and rad, as the encoders show it.
            dt: s since the last call, during which the last velocity was at work.
        """
        if not _is_time(dt):
            return self._braked(dt, (Rule.INVALID,))
        wanted, measured = _vector(velocity), _vector(position)
        if wanted is None or measured is None:
            return self._braked(dt, (Rule.INVALID,))
        tick = self._go_on(dt)
        if np.any(np.abs(measured - self.position) > self._following):
            return self._send(self._braking(tick), tick, (Rule.FOLLOWING,))
        self._take_out_drift(measured, tick)
        allowed, acted = _filtered(
            self._inner, wanted, self.position, self.velocity, self.acceleration, measured, tick
        )
        return self._send(allowed, tick, tuple(rule for rule, bit in _BITS.items() if acted & bit))

    def brake(self, dt: float) -> SafeCommand:
        """The next velocity on the way to standstill; ``dt`` as in `filter`."""
        return self._braked(dt, () if _is_time(dt) else (Rule.INVALID,))

    @property
    def standing(self) -> bool:
        """Whether the arm is sent standstill, and was before."""
        return not (self.velocity.any() or self.acceleration.any())

    def _braked(self, dt: float, rules: tuple[str, ...]) -> SafeCommand:
        tick = self._go_on(dt if _is_time(dt) else _SHORTEST_TIME)
        return self._send(self._braking(tick), tick, rules)

    def _braking(self, tick: float) -> Array:
        return braking_step(self._inner, self.velocity, self.acceleration, tick)

    def _go_on(self, dt: float) -> float:
        """The last velocity was at work for ``dt``, or until the drives' time-out; returns the s of the next step.

        After a pause that is the tick of before: what is sent now is a step to the drives, however long nothing was.
        """
        self.position, self.velocity, self.acceleration = after_silence(
            self._inner, self.position, self.velocity, self.acceleration, dt
        )
        if dt <= self.limits.longest_tick:
            self._tick = dt
        return self._tick

    def _send(self, velocity: Array, tick: float, rules: tuple[str, ...]) -> SafeCommand:
        self.acceleration = (velocity - self.velocity) / tick
        self.velocity = velocity
        return SafeCommand(velocity.copy(), rules)

    def _take_out_drift(self, measured: Array, dt: float) -> None:
        """Drives drift from the sum of their velocities: an arm at rest is, slowly, where its encoders show it."""
        slow = _AT_REST * self._inner.velocity
        self._at_rest = self._at_rest + dt if np.all(np.abs(self.velocity) <= slow) else 0.0
        if self._at_rest > _SETTLED:
            self.position = self.position + np.clip(measured - self.position, -slow * dt, slow * dt)


_AT_REST = 0.01
"""Of the speed limit, below which a joint counts as resting."""
_SETTLED = 1.0
"""s of rest after which every drive has caught up."""
_SHORTEST_TIME = 0.001
"""s, taken for the time since the last call where that is none."""


def _is_time(dt: float) -> bool:
    return math.isfinite(dt) and dt > 0.0


def _vector(values: ArrayLike) -> Array | None:
    """A copy (8,), or None if these are no eight finite numbers."""
    try:
        vector = np.array(values, dtype=float)
    except (TypeError, ValueError):
        return None
    return vector if vector.shape == (len(arm.ARM),) and np.isfinite(vector).all() else None


def _given(name: str, values: ArrayLike) -> Array:
    """The same, refusing what is no vector."""
    vector = _vector(values)
    if vector is None:
        raise ValueError(f'reset: the {name} must be {len(arm.ARM)} finite numbers; got {values!r}')
    return vector


# The rules of `_filtered`, in their order.
_SPEED, _SOFT_ZONE, _ACCELERATION, _JERK, _POSITION, _WORKSPACE = 1, 2, 4, 8, 16, 32
_BITS: Final = {
    Rule.SPEED: _SPEED,
    Rule.SOFT_ZONE: _SOFT_ZONE,
    Rule.ACCELERATION: _ACCELERATION,
    Rule.JERK: _JERK,
    Rule.POSITION: _POSITION,
    Rule.WORKSPACE: _WORKSPACE,
}
_HALVINGS = 7
"""Of the search between the wanted step and braking."""


@compiled
def _filtered(
    limits: InnerLimits, wanted: Array, position: Array, velocity: Array, acceleration: Array,
    measured: Array, dt: float,
) -> tuple[Array, int]:  # fmt: skip
    """What may be sent (8,), and which rules acted."""
    acted = 0
    # Speed: the whole vector is scaled, so that the blade keeps its direction.
    excess = np.max(np.abs(wanted) / limits.velocity)
    if excess > 1.0:
        acted |= _SPEED
        # Clipped too: the quotient may round up by its last bit.
        wanted = np.minimum(np.maximum(wanted / excess, -limits.velocity), limits.velocity)
    chosen = np.empty(len(wanted))
    braking = braking_step(limits, velocity, acceleration, dt)
    for joint in range(len(wanted)):
        # Soft zone: the nearer the end of the inner range, the slower towards it.
        rate = limits.velocity[joint] / limits.soft_zone[joint]
        up = max(rate * (limits.high[joint] - position[joint]), 0.0)
        down = min(rate * (limits.low[joint] - position[joint]), 0.0)
        goal = min(max(wanted[joint], down), up)
        if goal != wanted[joint]:
            acted |= _SOFT_ZONE
        # Acceleration and jerk: what follows chooses between this step and braking, and both keep them.
        most, jerk = limits.acceleration[joint], limits.jerk[joint]
        step, pull = goal, (goal - velocity[joint]) / dt
        if abs(pull) > most or abs(pull - acceleration[joint]) > jerk * dt:
            acted |= _ACCELERATION if abs(pull) > most else _JERK
            step = next_velocity(goal, velocity[joint], acceleration[joint], most, jerk, dt)
        # Position: as much of the step as still lets the joint brake inside its inner range.
        if not joint_stops(limits, joint, position[joint], velocity[joint], step, dt):
            acted |= _POSITION
            good, bad = 0.0, 1.0
            for _ in range(_HALVINGS):
                share = 0.5 * (good + bad)
                between = braking[joint] + share * (step - braking[joint])
                if joint_stops(limits, joint, position[joint], velocity[joint], between, dt):
                    good = share
                else:
                    bad = share
            step = braking[joint] + good * (step - braking[joint])
        chosen[joint] = step
    # Workspace: as much of all steps, one share for the whole arm, as still lets the arm brake inside it.
    if not arm_stops(limits, position, velocity, measured, chosen, dt):
        acted |= _WORKSPACE
        good, bad = 0.0, 1.0
        for _ in range(_HALVINGS):
            share = 0.5 * (good + bad)
            between_all = braking + share * (chosen - braking)
            if arm_stops(limits, position, velocity, measured, between_all, dt):
                good = share
            else:
                bad = share
        chosen = braking + good * (chosen - braking)
    return chosen, acted
