"""Which of several proposals of one reply is tried first: judged by a fitted model, or by a simulator."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.parameters import ParameterSpace, PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.methods.numeric.landing_model import LandingModel, TooFewTrialsError
from llm_policy_improver.methods.numeric.landing_search import LandingSearch

Candidates = Sequence[tuple[float, ...]]
"""Attenuations (8,), within the bounds, the proposer's favourite first."""

NOT_LANDED: Final = 10.0
"""m, counted for a simulated trial without a good return."""


class Screen(Protocol):
    """Chooses among candidates."""

    def choose(
        self, candidates: Candidates, history: Sequence[ExecutionTrace], objective: Objective
    ) -> tuple[int, str]:
        """Index of the candidate to try, and why it, in one clause."""


class ModelScreen:
    """Chooses what a regression on the trials so far predicts nearest to the objective, and safely on the table.

    The proposer's favourite stays where there is no measure, or too few trials landed for a regression.
    """

    def __init__(self, space: ParameterSpace) -> None:
        self._space = space

    def choose(
        self, candidates: Candidates, history: Sequence[ExecutionTrace], objective: Objective
    ) -> tuple[int, str]:
        best = objective.best(history)
        if objective.goal is None or best is None:
            return 0, 'the first, as nothing measures them'
        try:
            model = LandingModel.fit(history, self._space, best.parameters.attenuation)
        except TooFewTrialsError:
            return 0, 'the first, as too few trials landed to compare them'
        search = LandingSearch.near(best, history, model, objective.goal)
        costs = [search.cost(self._space.unit(candidate))[0] for candidate in candidates]
        chosen = int(np.argmin(costs))
        predicted = model.predict(candidates[chosen])
        return chosen, f'a regression predicts its landing at ({predicted["x"]:+.3f}, {predicted["y"]:.3f}) m'


class Rehearsal(Protocol):
    """Something that runs a trial, e.g. `table_tennis.task.TableTennis`."""

    def run(self, parameters: PolicyParameters, seed: int) -> ExecutionTrace:
        """Run one trial."""


class SimulatorScreen:
    """Chooses what lands nearest to the objective in simulation; for runs on the physical arm.

    Args:
        task: the simulated arm.
        seed: of its incoming ball.
    """

    def __init__(self, task: Rehearsal, seed: int = 0) -> None:
        self._task = task
        self._seed = seed

    def choose(
        self, candidates: Candidates, history: Sequence[ExecutionTrace], objective: Objective
    ) -> tuple[int, str]:
        traces = [self._task.run(PolicyParameters(candidate), self._seed) for candidate in candidates]
        distances = [objective.distance(trace) for trace in traces]
        costs = [
            (0.0 if trace.landed and objective.goal is None else NOT_LANDED) if distance is None else distance
            for trace, distance in zip(traces, distances, strict=True)
        ]
        chosen = int(np.argmin(costs))
        landing = traces[chosen].landing
        where = '' if landing is None else f' at ({landing.x:+.3f}, {landing.y:.3f}) m'
        return chosen, f'in simulation its outcome is {traces[chosen].outcome}{where}'
