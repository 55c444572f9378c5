"""Trials repeated with the same policy: their means, and the noise that their spread shows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial


@dataclass(frozen=True, slots=True)
class Repetition:
    """The measures of one policy that was tried more than once.

    Attributes:
        positions: in the history, of the trials that succeeded.
        tries: how often it was tried, with success or not.
        means: of the measures, by name.
        spreads: their standard deviations, by name.
    """

    positions: tuple[int, ...]
    tries: int
    means: Mapping[str, float]
    spreads: Mapping[str, float]


def repetitions(
    history: Sequence[Trial], measures: Sequence[Measure], space: ParameterSpace
) -> list[Repetition]:
    """All policies with at least two successes, in the order of their first trial.

    Args:
        history: all trials.
        measures: whose spread is wanted; those with margins at both ends are known of every success.
        space: of the policies.
    """
    groups: dict[tuple[float, ...], list[int]] = defaultdict(list)
    for position, trial in enumerate(history):
        groups[space.values(trial)].append(position)
    found = []
    for positions in groups.values():
        good = [position for position in positions if history[position].succeeded]
        if len(good) < 2:
            continue
        values = np.array([[history[p].measures[measure.name] for measure in measures] for p in good])
        names = [measure.name for measure in measures]
        means = dict(zip(names, values.mean(axis=0).tolist(), strict=True))
        spreads = dict(zip(names, values.std(axis=0, ddof=1).tolist(), strict=True))
        found.append(Repetition(tuple(good), len(positions), means, spreads))
    return found


def spread_of(repeated: Sequence[Repetition]) -> float | None:
    """Standard deviation of a measure, pooled over all measures and repetitions; None without any."""
    freedom = sum(len(group.spreads) * (len(group.positions) - 1) for group in repeated)
    if not freedom:
        return None
    squares = sum((len(g.positions) - 1) * sum(s**2 for s in g.spreads.values()) for g in repeated)
    return float(np.sqrt(squares / freedom))
