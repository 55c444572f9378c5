"""Where the joints are when the next command takes effect: a model of the drives, corrected by the encoders."""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm

Array = NDArray[np.float64]

LAG: Array = np.array([joint.lag for joint in arm.ARM])
"""(8,) s, time constants of the drives."""


@dataclass(frozen=True, slots=True)
class LatencyModel:
    """What the controller knows of delays, in seconds; means, as single trials differ.

    Attributes:
        arm_action, slide_x_action, slide_y_action: from sending a command to its effect.
        arm_state, slide_state: from measuring a joint to seeing it.
        trust: share of the encoders' disagreement with the model that is corrected in each period; 1 takes
            the encoders as they are.
    """

    arm_action: float = 0.0
    slide_x_action: float = 0.0
    slide_y_action: float = 0.0
    arm_state: float = 0.0
    slide_state: float = 0.0
    trust: float = 1.0

    def __post_init__(self) -> None:
        delays = (self.arm_action, self.slide_x_action, self.slide_y_action, self.arm_state, self.slide_state)
        if min(delays) < 0.0 or max(delays) > 0.3:
            raise ValueError(f'latency: every delay must be between 0 and 0.3 s; got {delays}')
        if not 0.0 < self.trust <= 1.0:
            raise ValueError(f'latency: trust must be above 0 and at most 1; got {self.trust:g}')

    @property
    def action(self) -> Array:
        """(8,) s."""
        return arm.per_joint(self.slide_y_action, self.slide_x_action, self.arm_action)

    @property
    def state(self) -> Array:
        """(8,) s."""
        return arm.per_joint(self.slide_state, self.slide_state, self.arm_state)


class JointModel:
    """Positions and velocities (8,) at the moment when the next command takes effect.

    A drive follows the integral of its commands with its time constant; so for a constant command u over T,
    v(T) = u + (v - u) exp(-T / lag).
    """

    def __init__(self, latency: LatencyModel, period: float) -> None:
        self._trust = latency.trust
        self._period = period
        self._decay = np.exp(-period / LAG)
        periods = (latency.action + latency.state) / period
        self._back = np.floor(periods).astype(int)
        self._share = periods - self._back
        self._as_seen = latency.trust == 1.0 and not periods.any()
        self._past: deque[tuple[Array, Array]] = deque(maxlen=int(self._back.max()) + 2)
        self._position: Array = np.zeros(len(arm.ARM))
        self._velocity: Array = np.zeros(len(arm.ARM))

    def forget(self) -> None:
        """Start anew from the next measurement."""
        self._past.clear()

    def correct(self, position: Array, velocity: Array) -> tuple[Array, Array]:
        """Take what the encoders show now; returns positions and velocities when the next command takes effect."""
        if self._as_seen:
            return position, velocity
        if not self._past:
            self._position, self._velocity = position.copy(), velocity.copy()
        else:
            then_position, then_velocity = self._then()
            self._position = self._position + self._trust * (position - then_position)
            self._velocity = self._velocity + self._trust * (velocity - then_velocity)
        self._past.append((self._position, self._velocity))
        return self._position, self._velocity

    def send(self, command: Array) -> None:
        """A command (8,) goes out for one period."""
        if self._as_seen:
            return
        excess = self._velocity - command
        self._position = self._position + command * self._period + excess * LAG * (1.0 - self._decay)
        self._velocity = command + excess * self._decay

    def _then(self) -> tuple[Array, Array]:
        """The model's state at the time the encoders speak of."""
        states = [*self._past, (self._position, self._velocity)]
        newest = len(states) - 1
        after = np.clip(newest - self._back, 0, newest)
        before = np.clip(newest - self._back - 1, 0, newest)
        joints = np.arange(len(arm.ARM))
        positions, velocities = (np.array([state[part] for state in states]) for part in (0, 1))
        share = self._share
        return (
            (1.0 - share) * positions[after, joints] + share * positions[before, joints],
            (1.0 - share) * velocities[after, joints] + share * velocities[before, joints],
        )
