"""A method is an object with a name and `propose`: it keeps no state, the same history gives the same answer.

This one draws around the best trial, narrower with every trial.

    python examples/a_method_of_your_own.py
"""

from collections.abc import Sequence

import numpy as np

from llm_policy_improver import Objective, ParameterSpace, Proposal, Trial, improve, parameter_space


class NarrowingSearch:
    """Random steps from the best trial so far."""

    name = 'narrowing_search'

    def __init__(self, space: ParameterSpace, seed: int = 0) -> None:
        self.space = space
        self.seed = seed

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The policy to try next."""
        generator = np.random.default_rng((self.seed, len(history)))
        best = objective.best(history)
        start = self.space.unit(self.space.neutral if best is None else best.policy)
        step = generator.normal(scale=1.0 / np.sqrt(1.0 + len(history)), size=self.space.dimension)
        values = self.space.rounded(self.space.from_unit(np.clip(start + step, -1.0, 1.0)))
        return Proposal(self.space.at(values), self.name, reason='A random step from the best trial.')


def main(trials: int = 39) -> None:
    result = improve(
        'hit the ball as far right as possible',
        method=NarrowingSearch(parameter_space()),
        trials=trials,
        first_trials=min(12, trials),
    )
    print(
        f'{result.method}: {result.initial_distance_m:.3f} m at first, {result.best_distance_m:.3f} m at best'
    )


if __name__ == '__main__':
    main()
