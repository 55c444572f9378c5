"""``bench returns``: how many balls of a rally the bare controller returns, and how precisely."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llm_policy_improver.bench.trials import TrialFigures

SLOW = 3.5
"""m/s, below it a ball is slow (D'Ambrosio et al. 2024, arXiv 2408.03906)."""


@dataclass(frozen=True, slots=True)
class Returns:
    """Figures of one kind of ball.

    Attributes:
        name: of the kind.
        balls: played.
        returned: share that landed on the opponent's half, the net untouched.
        target_error_m: mean distance of the landings to the controller's target; NaN without any.
        limit_violations: trials with a joint beyond its range or speed limit.
        collisions: trials in which the arm touched something.
    """

    name: str
    balls: int
    returned: float
    target_error_m: float
    limit_violations: int
    collisions: int

    @classmethod
    def of(cls, name: str, trials: Sequence[TrialFigures], target: tuple[float, float]) -> 'Returns':
        """Sum up trials."""
        landings = [t.true_landing for t in trials if t.landed and t.true_landing is not None]
        errors = [math.dist(landing, target) for landing in landings]
        return cls(
            name=name,
            balls=len(trials),
            returned=len(landings) / len(trials) if trials else math.nan,
            target_error_m=float(np.mean(errors)) if errors else math.nan,
            limit_violations=sum(t.limit_violations > 0 for t in trials),
            collisions=sum(bool(t.arm_contact) for t in trials),
        )
