"""A noisy task of two measures with edges, and a simulator of it that is off."""

from dataclasses import dataclass

import numpy as np

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.space import Parameter, ParameterSpace
from llm_policy_improver.core.term import Extreme, Term
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.landing.prior import Prior
from llm_policy_improver.methods.numeric.landing.told import Told

TOLD = frozenset({'good', 'short'})
ACROSS = Measure('across', 'm', 'place across', -0.8, 0.8, (0.02, 0.02), told_by=TOLD, carried_on='beside')
ALONG = Measure('along', 'm', 'place along', 0.0, 1.4, (0.05, 0.02), told_by=TOLD)
SPACE = ParameterSpace(tuple(Parameter(f'a{i}', f'factor {i}', 0.6, 1.4, 1.0) for i in range(5)))
BRIEF = Brief(SPACE, (ACROSS, ALONG), outcomes=('short', 'out', 'missed'))
RIGHT = Objective('right', (Term(ACROSS, Extreme.LARGEST),))
POINT = Objective('a point', (Term(ACROSS, 0.3), Term(ALONG, 0.9)))
_SLOPES = np.array([[0.5, -0.3, 0.2, 0.1, 0.0], [0.1, 0.2, -0.3, 0.2, 0.2]])


@dataclass(frozen=True)
class Throw:
    """Where a ball comes down; it is missed in a corner of the parameters.

    Attributes:
        off: m, by which it is off what is simulated.
        scatter: m, standard deviation of both places.
    """

    off: float = 0.0
    scatter: float = 0.03

    def run(self, policy: Parameters, seed: int, proposed_by: str = '') -> Trial:
        unit, generator = SPACE.unit(policy), np.random.default_rng(seed)
        x, y = _SLOPES @ unit * (1.0 + self.off) + (0.0, 0.7) + self.off + self.scatter * generator.normal(size=2)
        if unit[3] > 0.5 and unit[4] > 0.5:
            return Trial(policy, 'missed', {}, proposed_by=proposed_by)
        if abs(x) > 0.8:
            return Trial(policy, 'out', {'beside': x}, proposed_by=proposed_by)
        outcome = 'good' if 0.0 < y < 1.4 else 'short'
        return Trial(policy, outcome, {'across': x, 'along': y}, outcome == 'good', proposed_by=proposed_by)


def drawn(count: int, seed: int, throw: Throw) -> list[Trial]:
    """Trials of random policies."""
    generator = np.random.default_rng(seed)
    return [throw.run(SPACE.sample(generator), seed * 100_000 + number, 'initial') for number in range(count)]


def simulated_prior() -> Prior:
    """Of 400 trials that are not off."""
    return Prior.fit(Told.of(drawn(400, 7, Throw()), BRIEF))
