"""A point on a line that is pushed to a mark and stopped there: an episodic task that needs no suite."""

import random

from llm_policy_improver.core.environment import Action, Observation, Quantity, Transition
from llm_policy_improver.tasks.actions import values
from llm_policy_improver.tasks.describing import described


class DoubleIntegrator:
    """40 steps of 0.1 s; a step costs the squared distance from the mark."""

    brief = described(
        'A point of 1 kg on a line begins up to 1 m from a mark, at rest. The aim is to bring it there.',
        (
            Quantity('position', 'position of the point, the mark is at 0', -float('inf'), float('inf'), 'm'),
            Quantity('velocity', 'its velocity', -float('inf'), float('inf'), 'm/s'),
        ),
        'def reward(obs, action, next_obs):\n    return -next_obs[0] ** 2\n',
        40,
        action=(Quantity('force', 'what pushes it', -2.0, 2.0, 'N'),),
    )

    def __init__(self) -> None:
        self._position, self._velocity, self._left = 0.0, 0.0, 0

    def reset(self, seed: int) -> Observation:
        self._position, self._velocity, self._left = random.Random(seed).uniform(-1.0, 1.0), 0.0, 40
        return self._position, self._velocity

    def step(self, action: Action) -> Transition:
        (force,) = values(action, self.brief.action)
        self._velocity += 0.1 * force
        self._position += 0.1 * self._velocity
        self._left -= 1
        return Transition((self._position, self._velocity), -(self._position**2), truncated=self._left == 0)

    def close(self) -> None:
        """It holds nothing."""
