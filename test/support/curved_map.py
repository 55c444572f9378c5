"""A made-up table for fast tests: a smooth, curved map from parameters to landing, with net and edges."""

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.measures.height import NET_CLEARANCE, PEAK_HEIGHT
from llm_policy_improver.table_tennis.measures.landing import LANDING_X, LANDING_Y
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.tracing.observed import Outcome, trial_of

Array = NDArray[np.float64]

FLIGHT = tuple(measure.name for measure in (LANDING_X, LANDING_Y, PEAK_HEIGHT, NET_CLEARANCE))
"""The columns of `CurvedMap.flights`."""


class CurvedMap:
    """A task without physics, a `core.task.Task`.

    Args:
        seed: draws the map.
        noise: m, standard deviation of the landing, drawn per trial from the trial's seed.
        space: the bounds that scale the attenuations.
    """

    def __init__(self, seed: int = 0, noise: float = 0.0, space: ParameterSpace | None = None) -> None:
        generator = np.random.default_rng(seed)
        self.space = space or parameter_space()
        self.noise = noise
        self._linear = generator.normal(size=(4, 8)) * np.array([0.20, 0.16, 0.05, 0.04])[:, None]
        # A longer ball usually is a higher and clearer one.
        self._linear[2:] += 0.3 * self._linear[1]
        curved = generator.normal(size=(4, 8, 8)) * np.array([0.03, 0.04, 0.01, 0.01])[:, None, None]
        self._curved = (curved + curved.transpose(0, 2, 1)) / 2
        self._offset = np.array([-0.05, 0.65, 0.45, 0.14])

    def flights(self, unit: Array) -> Array:
        """Noise-free x, y, peak height and net clearance, m, (n, 4), of points (n, 8) of the unit cube."""
        bent = np.stack([((unit @ curved) * unit).sum(axis=1) for curved in self._curved], axis=1)
        values: Array = self._offset + unit @ self._linear.T + bent
        values[:, 0] = 0.75 * np.tanh(values[:, 0] / 0.75)
        return values

    def run(self, policy: Parameters, seed: int) -> Trial:
        """One trial; the seed draws the noise."""
        modulation = Modulation.of(policy)
        x, y, peak, clearance = self.flights(self.space.unit(policy)[None, :])[0].tolist()
        if clearance < 0.0:
            return trial_of(modulation, Outcome.NET, {'net_clearance': clearance})
        if self.noise:
            dx, dy = self.noise * np.random.default_rng(seed).normal(size=2)
            x, y = x + float(dx), y + float(dy)
        if y <= 0.0:
            return trial_of(modulation, Outcome.OWN_SIDE, {'peak_height': peak})
        measures = {'net_clearance': clearance, 'peak_height': peak}
        if not table.on_opponents_half(x, y):
            return trial_of(modulation, Outcome.OUT, measures)
        landing = {'landing_x': x, 'landing_y': y, 'bounce_time': 0.5}
        return trial_of(modulation, Outcome.LANDED, landing | measures)

    def distances(self, unit: Array, objective: Objective) -> Array:
        """Noise-free distances to the objective (n,), m, of points (n, 8); infinite without a landing."""
        flights = self.flights(unit)
        x, y, _, clearance = flights.T
        assert objective.measurable
        gaps = [
            [term.gap(value) for value in flights[:, FLIGHT.index(term.measure.name)]]
            for term in objective.terms
        ]
        landed = (abs(x) <= table.HALF_WIDTH) & (y > 0) & (y <= table.HALF_LENGTH) & (clearance >= 0)
        return np.where(landed, np.sqrt(np.sum(np.square(gaps), axis=0)), np.inf)

    def reachable(self, objective: Objective) -> float:
        """The least distance to the objective, m, that any policy within the bounds gives, by brute force."""
        generator = np.random.default_rng(0)
        points = generator.uniform(-1, 1, size=(3_000, 8))
        for width in np.geomspace(0.5, 0.003, 20):
            elite = points[np.argsort(self.distances(points, objective))[:25]]
            moved = np.repeat(elite, 40, axis=0) + width * generator.normal(size=(1000, 8))
            points = np.vstack([elite, np.clip(moved, -1, 1)])
        return float(self.distances(points, objective).min())
