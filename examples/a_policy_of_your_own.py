"""A policy of your own for a task of episodes: a class Policy with act(self, obs), run in the sandbox.

llm-policy-improver sandbox run examples/a_policy_of_your_own.py --task cart_pole
"""

from typing import Any


class Policy:
    """Pushes the cart to where the pole is going to fall, and so that the cart comes back to the middle."""

    def act(self, obs: Any) -> int:
        """0 or 1: push to the left or to the right. An object serves one episode."""
        position, velocity, angle, angular_velocity = obs
        return int(angle + 0.3 * angular_velocity + 0.03 * position + 0.06 * velocity > 0.0)
