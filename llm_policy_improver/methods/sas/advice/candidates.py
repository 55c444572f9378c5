"""Policies that the landing model would try next, computed so that a language model may take, mix or overrule them.

The same history gives the same candidates: what is drawn, is drawn by the number of its trials.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.landing.bayesian import STARTS, box
from llm_policy_improver.methods.numeric.landing.outlook import Expected, Outlook
from llm_policy_improver.methods.numeric.landing.search import least
from llm_policy_improver.methods.numeric.untried import untried
from llm_policy_improver.methods.sas.advice.digits import coarse

Array = NDArray[np.float64]

LETTERS: Final = 'ABCD'
BOLD_ONES: Final = 4
"""Worlds drawn, for what is best in each of them."""
FAIR_CHANCE: Final = 0.1
"""To be better than the best trial: what is best in a drawn world and has less is no candidate ..."""
FEWEST: Final = 3
"""... unless there are fewer than these."""
NEAR: Final = 0.25
"""Largest change of a coordinate, 1 being half of what first trials explore, of the cautious candidate."""
EVASION: Final = 0.04
"""The same that keeps a candidate from repeating a trial."""
EVASIONS: Final = 50
ALIKE: Final = 0.06
"""Candidates that differ by less in every coordinate are one."""


class Kind(StrEnum):
    """Why a candidate is one."""

    LEAST = 'least loss'
    """The least expected one of all, with the margins kept."""
    CAUTIOUS = 'cautious'
    """The least expected one near the best trial."""
    BOLD = 'bold'
    """The best if one of the worlds that the trials leave possible is the true one."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A policy to try.

    Attributes:
        letter: by which a reply names it.
        kind: why it is one.
        values: (n,) of the parameters, told to their last digit.
        expected: of a trial of it.
        loss: by which policies are compared: of such trials, with the margins kept.
        better: chance, 0 to 1, that its true expected loss is less than that of the best trial; None without one.
    """

    letter: str
    kind: Kind
    values: tuple[float, ...]
    expected: Expected
    loss: float
    better: float | None = None


def candidates_of(
    outlook: Outlook, history: Sequence[Trial], generator: np.random.Generator, chance: Callable[[Array], Array] | None
) -> tuple[Candidate, ...]:
    """At most one a letter, those alike left out.

    Args:
        outlook: what is held after the trials.
        history: all trials, none of which a candidate repeats.
        generator: draws the worlds and the search.
        chance: (k,) that (k, d) points are better than the best trial; None without one.
    """
    space = outlook.brief.space
    found = _points(outlook, history, generator)
    points = np.array([point for _, point in found])
    better = None if chance is None else chance(points)
    losses = outlook.losses(points) if len(points) else np.empty(0)
    bold = [index for index, (kind, _) in enumerate(found) if kind is Kind.BOLD]
    kept = [index for index in range(len(found)) if index not in bold]
    if better is not None:
        bold.sort(key=lambda index: -better[index])
        fair = sum(better[index] >= FAIR_CHANCE for index in bold)
        bold = bold[: max(fair, FEWEST - len(kept))]
    kept += bold
    return tuple(
        Candidate(
            letter,
            found[index][0],
            space.rounded(space.from_unit(outlook.explored.unit(points[index]))),
            outlook.expected(points[index]),
            float(losses[index]),
            None if better is None else float(better[index]),
        )
        for letter, index in zip(LETTERS, kept, strict=False)
    )


def _points(
    outlook: Outlook, history: Sequence[Trial], generator: np.random.Generator
) -> list[tuple[Kind, Array]]:
    """(d,) coordinates of what may become candidates."""
    low, high = box(outlook)
    tried = outlook.explored.points([trial for trial in history if trial.tested])
    order = np.argsort(outlook.losses(tried), kind='stable') if len(tried) else np.empty(0, dtype=int)
    starts = tried[order[:STARTS]] if len(tried) else np.zeros((1, len(low)))
    found: list[tuple[Kind, Array]] = []

    def search(kind: Kind, losses: Callable[[Array], Array], ends: tuple[Array, Array], near: Array) -> None:
        best = least(losses, *ends, near, generator)
        point = _untried(outlook, history, best, generator)
        if point is not None and all(np.max(np.abs(point - other)) > ALIKE for _, other in found):
            found.append((kind, point))

    search(Kind.LEAST, outlook.losses, (low, high), starts)
    if len(tried):
        near = outlook.explored.box(starts[0], NEAR)
        search(Kind.CAUTIOUS, outlook.losses, (np.maximum(near[0], low), np.minimum(near[1], high)), starts[:1])
    for _ in range(BOLD_ONES):
        search(Kind.BOLD, outlook.draw(generator), (low, high), starts)
    return found


def _untried(
    outlook: Outlook, history: Sequence[Trial], points: Array, generator: np.random.Generator
) -> Array | None:
    """The first of these points, as it would be told, that is no trial again, or a place beside it."""
    space, explored = outlook.brief.space, outlook.explored
    around = generator.uniform(-EVASION, EVASION, (EVASIONS, points.shape[1]))
    told = (
        space.unit(coarse(space.from_unit(explored.unit(point)), space))
        for point in (*points, *(points[0] + around))
    )
    try:
        values, _ = untried(told, history, space, 'the landing model')
    except ProposalError:
        return None
    return explored.point(values)
