"""Which trials a prompt shows when not all fit into its token budget.

Three fifths of the rows are the first trials, which are spread over the bounds. They stay what they are from prompt
to prompt, so that the beginning of the prompt does, too, and providers can cache it. The other rows move with the run:
the best, the latest, and the neighbours of the best trial, whose differences tell what the parameters do there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial


@dataclass(frozen=True, slots=True)
class Selection:
    """Positions in the history, ascending; together each of them once.

    Attributes:
        shown: in the order of the prompt.
        left_out: not shown one by one.
    """

    shown: tuple[int, ...]
    left_out: tuple[int, ...]


def select_trials(
    history: Sequence[Trial], best: Sequence[int], space: ParameterSpace, rows: int
) -> Selection:
    """Choose at most ``rows`` trials; all of them where they fit.

    Args:
        history: all trials, oldest first.
        best: positions of trials, the best one first; empty where none can be ranked.
        space: scales the parameters.
        rows: at least 4.
    """
    count = len(history)
    if count <= rows:
        return Selection(tuple(range(count)), ())
    chosen = set(range(3 * rows // 5))
    chosen |= set(_first(best, rows // 4, chosen))
    chosen |= set(_first(range(count - 1, -1, -1), rows // 8, chosen))
    if best:
        chosen |= set(_first(neighbours(history, best[0], space), rows - len(chosen), chosen))
    chosen |= set(_first(range(count - 1, -1, -1), rows - len(chosen), chosen))
    left_out = tuple(position for position in range(count) if position not in chosen)
    return Selection(tuple(sorted(chosen)), left_out)


def _first(positions: Sequence[int], most: int, without: set[int]) -> list[int]:
    return [position for position in dict.fromkeys(positions) if position not in without][: max(most, 0)]


def neighbours(history: Sequence[Trial], centre: int, space: ParameterSpace) -> list[int]:
    """All positions, those with the parameters nearest to those of the trial at ``centre`` first."""
    units = np.array([space.unit(trial) for trial in history])
    gaps = np.linalg.norm(units - units[centre], axis=1)
    return [int(position) for position in np.argsort(gaps, kind='stable')]
