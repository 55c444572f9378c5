"""Meta-World's simulators, made to run with MuJoCo 4 and to draw everything from a seed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class SeededArm:
    """One of Meta-World's environments whose episodes are drawn from their seed: object and goal, anew in each.

    Meta-World itself draws from 50 places that are fixed when the environment is made. The goal is observed.
    """

    def __init__(self, id: str) -> None:
        """``id``: in Meta-World's list of environments, e.g. ``'door-open-v3'``."""
        from metaworld.env_dict import ALL_V3_ENVIRONMENTS

        arm = _for_any_mujoco(ALL_V3_ENVIRONMENTS[id])()
        # As Meta-World sets up the environments of its benchmarks; there is no public way to a goal for each seed.
        arm._partially_observable = False
        del arm.sawyer_observation_space  # it was computed with the goal hidden
        arm._freeze_rand_vec = False
        arm.seeded_rand_vec = True
        arm._set_task_called = True
        self.arm = arm

    def reset(self, seed: int) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Begin an episode."""
        self.arm.seed(seed)
        observation, info = self.arm.reset()
        return observation, info

    def step(
        self, action: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float, bool, bool, dict[str, Any]]:
        """Act once."""
        observation, reward, terminated, truncated, info = self.arm.step(action)
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        """Let go of the simulator."""
        self.arm.close()


def _for_any_mujoco(arm: type[Any]) -> type[Any]:
    """The class with welds that fit: Meta-World 3.0 writes 11 numbers to each, and MuJoCo 4 has a twelfth."""
    import mujoco

    class Welded(arm):
        def reset_mocap_welds(self) -> None:
            """Tie the hand to the body that is moved: no anchor, no offset, no turn, and torque counts five times."""
            for index in range(self.model.neq):
                if self.model.eq_type[index] == mujoco.mjtEq.mjEQ_WELD:
                    self.model.eq_data[index, :11] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 5.0)

    return Welded
