"""Delays of cameras, encoders and drives, drawn anew for every trial."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm import facts as arm


@dataclass(frozen=True, slots=True)
class Delays:
    """The delays of one trial, s: of a sighting, and (8,) of the encoders and of the commands."""

    ball: float
    state: NDArray[np.float64]
    action: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Latency:
    """Means and standard deviations of the delays, s; all zero by default.

    Attributes:
        ball: from a picture to its sighting.
        arm_state, slide_state: from a joint's position to its message.
        arm_action, slide_x_action, slide_y_action: from a command to its effect.
    """

    ball: float = 0.0
    ball_spread: float = 0.0
    arm_state: float = 0.0
    arm_state_spread: float = 0.0
    slide_state: float = 0.0
    slide_state_spread: float = 0.0
    arm_action: float = 0.0
    arm_action_spread: float = 0.0
    slide_x_action: float = 0.0
    slide_x_action_spread: float = 0.0
    slide_y_action: float = 0.0
    slide_y_action_spread: float = 0.0

    def __post_init__(self) -> None:
        for entry in fields(self):
            if not 0.0 <= getattr(self, entry.name) <= 0.3:
                raise ValueError(
                    f'latency: {entry.name} must be between 0 and 0.3 s; got {getattr(self, entry.name)}'
                )

    @classmethod
    def published(cls) -> Self:
        """As measured on the physical arm: D'Ambrosio et al. 2024 (arXiv 2408.03906), Table VI."""
        return cls(
            ball=0.040, ball_spread=0.0082, arm_state=0.029, arm_state_spread=0.0082,
            slide_state=0.033, slide_state_spread=0.009, arm_action=0.071, arm_action_spread=0.0057,
            slide_x_action=0.0561, slide_x_action_spread=0.0123, slide_y_action=0.084, slide_y_action_spread=0.0123,
        )  # fmt: skip

    @property
    def means(self) -> 'Latency':
        """The same without the spreads."""
        return replace(
            self, **{entry.name: 0.0 for entry in fields(self) if entry.name.endswith('_spread')}
        )

    @property
    def present(self) -> bool:
        """Whether there is any delay at all."""
        return any(getattr(self, entry.name) > 0.0 for entry in fields(self))

    def draw(self, generator: np.random.Generator) -> Delays:
        """The delays of one trial."""

        def one(mean: float, spread: float) -> float:
            return max(0.0, mean + spread * float(generator.standard_normal()))

        ball = one(self.ball, self.ball_spread)
        arm_state = one(self.arm_state, self.arm_state_spread)
        slide_state = one(self.slide_state, self.slide_state_spread)
        arm_action = one(self.arm_action, self.arm_action_spread)
        x = one(self.slide_x_action, self.slide_x_action_spread)
        y = one(self.slide_y_action, self.slide_y_action_spread)
        state = arm.per_joint(slide_state, slide_state, arm_state)
        return Delays(ball, state, arm.per_joint(y, x, arm_action))
