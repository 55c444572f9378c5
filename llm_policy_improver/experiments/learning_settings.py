"""Settings of the learners of stable-baselines3, as RL Baselines3 Zoo tuned them for tasks of Gymnasium.

Numbers from ``hyperparams/ppo.yml``, ``sac.yml`` and ``dqn.yml`` of DLR-RM/rl-baselines3-zoo (commit 22e3ff2, April
2026). Where it has none, or normalizes observations, which is not done here, those of stable-baselines3 stay. The
steps that it tuned them for are told where they are more than `learning_cells.STEPS`.
"""

from collections.abc import Mapping
from typing import Any, Final

ENVIRONMENTS: Final = 'n_envs'
"""Name of the setting that says how many environments are played at a time; 1 where it is not there."""


class Falling:
    """A setting that falls from ``start`` to 0 over the training.

    Args:
        start: at first.
    """

    def __init__(self, start: float) -> None:
        self._start = start

    def __call__(self, left: float) -> float:
        """With this share of the training left."""
        return self._start * left


Settings = Mapping[str, Any]

_WIDE: Final = {'net_arch': [256, 256]}

TUNED: Final[Mapping[tuple[str, str], Settings]] = {
    ('dqn', 'cart_pole'): {
        'learning_rate': 2.3e-3, 'batch_size': 64, 'buffer_size': 100_000, 'learning_starts': 1000, 'gamma': 0.99,
        'target_update_interval': 10, 'train_freq': 256, 'gradient_steps': 128, 'exploration_fraction': 0.16,
        'exploration_final_eps': 0.04, 'policy_kwargs': _WIDE,
    },
    # For 100,000 steps.
    ('dqn', 'acrobot'): {
        'learning_rate': 6.3e-4, 'batch_size': 128, 'buffer_size': 50_000, 'learning_starts': 0, 'gamma': 0.99,
        'target_update_interval': 250, 'train_freq': 4, 'gradient_steps': -1, 'exploration_fraction': 0.12,
        'exploration_final_eps': 0.1, 'policy_kwargs': _WIDE,
    },
    # For 120,000 steps.
    ('dqn', 'mountain_car'): {
        'learning_rate': 4e-3, 'batch_size': 128, 'buffer_size': 10_000, 'learning_starts': 1000, 'gamma': 0.98,
        'target_update_interval': 600, 'train_freq': 16, 'gradient_steps': 8, 'exploration_fraction': 0.2,
        'exploration_final_eps': 0.07, 'policy_kwargs': _WIDE,
    },
    # For 100,000 steps.
    ('ppo', 'cart_pole'): {
        'n_envs': 8, 'n_steps': 32, 'batch_size': 256, 'gae_lambda': 0.8, 'gamma': 0.98, 'n_epochs': 20,
        'ent_coef': 0.0, 'learning_rate': Falling(0.001), 'clip_range': Falling(0.2),
    },
    # For 100,000 steps.
    ('ppo', 'pendulum'): {
        'n_envs': 4, 'n_steps': 1024, 'gae_lambda': 0.95, 'gamma': 0.9, 'n_epochs': 10, 'ent_coef': 0.0,
        'learning_rate': 1e-3, 'clip_range': 0.2, 'use_sde': True, 'sde_sample_freq': 4,
    },
    ('sac', 'mountain_car_continuous'): {
        'learning_rate': 3e-4, 'buffer_size': 50_000, 'batch_size': 512, 'ent_coef': 0.1, 'train_freq': 32,
        'gradient_steps': 32, 'gamma': 0.9999, 'tau': 0.01, 'learning_starts': 0, 'use_sde': True,
        'policy_kwargs': {'log_std_init': -3.67, 'net_arch': [64, 64]},
    },
    ('sac', 'pendulum'): {'learning_rate': 1e-3},
}  # fmt: skip
"""By learner and task."""
