"""The tree-structured Parzen estimator (Bergstra et al. 2011), in Optuna's implementation."""

import warnings
from typing import Final

import numpy as np

from llm_policy_improver.methods.numeric.minimizers.packages import require_package
from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations

STARTUP: Final = 10
"""Observations below which the sampler draws uniformly; Optuna's default."""


class Tpe:
    """A fresh sampler a proposal, told all that was observed.

    Raises:
        MissingPackageError: Optuna is not installed.
    """

    name: Final = 'tpe'
    step: Final = 'the point most typical of the better trials and least of the others, by Parzen estimators'

    def __init__(self, seed: int = 0) -> None:
        require_package('optuna', 'optuna', self.name)
        self.seed = seed

    def ask(self, seen: Observations) -> Array:
        """The next point (d,)."""
        import optuna

        names = [f'u{axis}' for axis in range(seen.dimension)]
        space: dict[str, optuna.distributions.BaseDistribution] = {
            name: optuna.distributions.FloatDistribution(-1.0, 1.0) for name in names
        }
        seed = int(np.random.SeedSequence((self.seed, len(seen.points))).generate_state(1)[0])
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        try:
            with warnings.catch_warnings():
                # Joint estimators over all coordinates are called experimental.
                warnings.simplefilter('ignore', optuna.exceptions.ExperimentalWarning)
                sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True)
            study = optuna.create_study(sampler=sampler)
            study.add_trials(
                optuna.trial.create_trial(
                    params=dict(zip(names, point.tolist(), strict=True)),
                    distributions=space,
                    value=float(loss),
                )
                for point, loss in zip(np.clip(seen.points, -1.0, 1.0), seen.losses, strict=True)
            )
            asked = study.ask(space)
        finally:
            optuna.logging.set_verbosity(verbosity)
        return np.array([asked.params[name] for name in names])
