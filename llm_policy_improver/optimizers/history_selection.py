"""Which trials a prompt shows when not all fit into its token budget.

A quarter of the rows are the best trials of the time when the rows first ran out, a quarter the best when the
history last doubled since then. Both stay what they are from prompt to prompt, so that the beginning of the prompt
does, too, and providers can cache it. The other half moves with the run: the best, the latest, and the neighbours of
the best trial, whose differences tell what the parameters do there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llm_policy_improver.objective import Objective
from llm_policy_improver.optimizers.ranking import ranked
from llm_policy_improver.parameters import ParameterSpace
from llm_policy_improver.trace import ExecutionTrace


@dataclass(frozen=True, slots=True)
class Selection:
    """Positions in the history; together each of them once.

    Attributes:
        anchors: shown first, the same from prompt to prompt until the history doubles; the first half of them for
            good.
        moving: shown after them.
        left_out: not shown one by one.
    """

    anchors: tuple[int, ...]
    moving: tuple[int, ...]
    left_out: tuple[int, ...]

    @property
    def shown(self) -> tuple[int, ...]:
        """In the order of the prompt."""
        return self.anchors + self.moving


def select_trials(
    history: Sequence[ExecutionTrace],
    objective: Objective,
    space: ParameterSpace,
    rows: int,
    preferred: Sequence[int] = (),
) -> Selection:
    """Choose at most ``rows`` trials; all of them where they fit.

    Args:
        history: all trials, oldest first.
        objective: ranks the trials, where it can.
        space: scales the parameters.
        rows: at least 4.
        preferred: positions of trials to count as the best where the objective cannot rank, best first.
    """
    count = len(history)
    if count <= rows:
        return Selection((), tuple(range(count)), ())
    quarter, eighth = rows // 4, rows // 8
    epoch = rows
    while 2 * epoch <= count:
        epoch *= 2
    # Without a measure, and where too few landed: the first trials, which are spread over the bounds.
    kept = _first([*ranked(history[:rows], objective), *range(rows)], quarter, ())
    since = _first([*ranked(history[:epoch], objective), *range(rows, epoch), *range(rows)], quarter, kept)
    anchors = {*kept, *since}
    best = [*preferred, *ranked(history, objective)]
    moving: set[int] = set(_first(best, quarter, anchors))
    taken = anchors | moving
    moving |= set(_first(range(count - 1, -1, -1), eighth, taken))
    if best:
        taken = anchors | moving
        moving |= set(_first(neighbours(history, best[0], space), rows - len(taken), taken))
    taken = anchors | moving
    moving |= set(_first(range(count - 1, -1, -1), rows - len(taken), taken))
    left_out = tuple(position for position in range(count) if position not in anchors | moving)
    return Selection((*sorted(kept), *sorted(since)), tuple(sorted(moving)), left_out)


def _first(positions: Sequence[int], most: int, without: Sequence[int] | set[int]) -> list[int]:
    return [position for position in dict.fromkeys(positions) if position not in without][: max(most, 0)]


def neighbours(history: Sequence[ExecutionTrace], centre: int, space: ParameterSpace) -> list[int]:
    """All positions, those with the parameters nearest to those of ``centre`` first."""
    units = np.array([space.unit(trace.parameters.attenuation) for trace in history])
    gaps = np.linalg.norm(units - units[centre], axis=1)
    return [int(position) for position in np.argsort(gaps, kind='stable')]
