"""Trials repeated with the same parameters: their mean, and the noise that their spread shows."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llm_policy_improver.core.trace import ExecutionTrace


@dataclass(frozen=True, slots=True)
class Repetition:
    """The landings of one attenuation that was tried more than once.

    Attributes:
        positions: in the history, of the trials that landed.
        tries: how often it was tried, landed or not.
        mean: m, (x, y) of the landings.
        spread: m, (x, y), their standard deviation.
    """

    positions: tuple[int, ...]
    tries: int
    mean: tuple[float, float]
    spread: tuple[float, float]


def repetitions(history: Sequence[ExecutionTrace]) -> list[Repetition]:
    """All attenuations with at least two landings, in the order of their first trial."""
    groups: dict[tuple[float, ...], list[int]] = defaultdict(list)
    for position, trace in enumerate(history):
        groups[trace.parameters.attenuation].append(position)
    found = []
    for positions in groups.values():
        landed = [position for position in positions if history[position].landed]
        if len(landed) < 2:
            continue
        places = np.array(
            [(t.landing.x, t.landing.y) for p in landed if (t := history[p]).landing is not None]
        )
        (x, y), (sx, sy) = places.mean(axis=0), places.std(axis=0, ddof=1)
        found.append(Repetition(tuple(landed), len(positions), (float(x), float(y)), (float(sx), float(sy))))
    return found


def landing_noise(repeated: Sequence[Repetition]) -> float | None:
    """m, standard deviation of a landing coordinate, pooled over all repetitions; None without any."""
    freedom = sum(2 * (len(group.positions) - 1) for group in repeated)
    if not freedom:
        return None
    squares = sum((len(g.positions) - 1) * (g.spread[0] ** 2 + g.spread[1] ** 2) for g in repeated)
    return float(np.sqrt(squares / freedom))
