"""What stands still until something happens: table and net, what is aimed at, where balls landed, and words."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from visualization_msgs.msg import Marker, MarkerArray

from llm_policy_improver.core.objective import MAX_CHARACTERS, ObjectiveError
from llm_policy_improver.core.text import clean_line
from llm_policy_improver.msg import ExecutionTrace, OptimizerStatus
from llm_policy_improver.nodes.markers import PartMarkers, colour_message, marker, placed, ring, text_marker
from llm_policy_improver.nodes.messages import line_of, name_of
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.table_parts import LEGS, LINES, NET_PART, TOP
from llm_policy_improver.table_tennis.objectives import Interval, parse_objective, wanted_place
from llm_policy_improver.table_tennis.shapes import GREY, Colour, Vec

TABLE: Final = 'table'
AIM: Final = 'aim'
LANDINGS: Final = 'landings'
WORDS: Final = 'words'

_AIM: Final[Colour] = (0.95, 0.2, 0.2, 0.6)
_EARLY: Final[Colour] = (1.0, 0.9, 0.55, 1.0)
_LATE: Final[Colour] = (0.85, 0.25, 0.75, 1.0)
_BEST: Final[Colour] = (0.2, 0.9, 0.3, 1.0)
_PLAIN: Final[Colour] = (0.7, 0.74, 0.78, 1.0)
"""Of words: read on a dark and on a light ground."""
_STANDS_OUT: Final[Colour] = (1.0, 0.55, 0.0, 1.0)
_ABOVE: Final = 0.003
"""m above the surface, so that what is drawn on it is seen."""
_POINT: Final = 0.1
"""m, diameter of a point that is aimed at."""
_WIDE: Final = 0.04
"""m, width of a line that is aimed at."""
_LETTER: Final = 0.07
"""m."""
_NUMBER: Final = 0.05
_LEGIBLE: Final = 0.15
"""m between two labels."""
_LINE: Final = 64
"""Characters."""
_FAR_END: Final[Vec] = (0.0, table.HALF_LENGTH + 0.15, 0.55)


@dataclass(frozen=True, slots=True)
class Landed:
    """What is shown of a trial that is over.

    Attributes:
        number: of the trial.
        version: of its parameters.
        outcome: one of the constants of ``ExecutionTrace``.
        place: m, where the ball first came down on the table; None where it did not.
    """

    number: int
    version: int
    outcome: str
    place: tuple[float, float] | None

    @classmethod
    def of(cls, trace: ExecutionTrace) -> 'Landed':
        """Of a trial's message."""
        place = (float(trace.landing_point.x), float(trace.landing_point.y)) if trace.has_landing else None
        on_it = place is not None and table.over_surface(*place)  # false of NaN, too
        return cls(int(trace.trial), int(trace.parameters_version), name_of(trace.outcome), place if on_it else None)


def scene(landed: Sequence[Landed], status: OptimizerStatus | None) -> MarkerArray:
    """Everything at once, in the place of all that was shown before: whoever joins late has the whole picture.

    Args:
        landed: the trials to show, oldest first.
        status: of the optimizer; None where it has said nothing.
    """
    markers = [Marker(action=Marker.DELETEALL), *_table()]
    if status is not None:
        markers += _aim(status)
    markers += _landings(landed, 0 if status is None else int(status.best_version))
    markers += _words(landed, status)
    return MarkerArray(markers=markers)


def _table() -> list[Marker]:
    made: list[Marker] = []
    for part in (*LEGS, TOP, *LINES, NET_PART):
        made += PartMarkers(TABLE, len(made), part).all
    return made


def aimed_at(status: OptimizerStatus) -> tuple[Interval | None, Interval | None] | None:
    """Between which x and y a landing is wanted; None where the status does not tell.

    It has the words and a sentence, and no numbers. Words that the vocabulary reads to just this sentence are what is
    aimed at; what a language model read out of others is known to the optimizer alone.
    """
    try:
        objective = parse_objective(clean_line(status.objective, MAX_CHARACTERS))
    except ObjectiveError:
        return None
    if not objective.measurable or objective.sentence != status.aim:
        return None
    wanted = wanted_place(objective)
    return None if wanted == (None, None) else wanted


def _aim(status: OptimizerStatus) -> Iterator[Marker]:
    """A point, a line or a region on the opponent's half."""
    wanted = aimed_at(status)
    if wanted is None:
        return
    (left, right), (near, far) = (
        (low, high) if ends is None else (min(max(ends[0], low), high), max(min(ends[1], high), low))
        for ends, (low, high) in zip(
            wanted, ((-table.HALF_WIDTH, table.HALF_WIDTH), (0.0, table.HALF_LENGTH)), strict=True
        )
    )
    middle = placed(((left + right) / 2.0, (near + far) / 2.0, _ABOVE))
    if left == right and near == far:
        yield marker(AIM, 0, Marker.CYLINDER, (_POINT, _POINT, _ABOVE), _AIM, middle)
    else:
        size = max(right - left, _WIDE), max(far - near, _WIDE)
        yield marker(AIM, 0, Marker.CUBE, (*size, _ABOVE), _AIM, middle)


def _landings(landed: Sequence[Landed], best_version: int) -> Iterator[Marker]:
    """A dome for each, paler the longer it is ago, grey where it was no good return; the last and the best marked."""
    there = [(each, each.place) for each in landed if each.place is not None]
    if not there:
        return
    wide = 2.0 * table.BALL_RADIUS
    points = [(x, y, 0.0) for _, (x, y) in there]
    domes = marker(LANDINGS, 0, Marker.SPHERE_LIST, (wide, wide, wide), _EARLY, points=points)
    domes.colors = [
        colour_message(_between(place / max(len(there) - 1, 1)) if each.outcome == ExecutionTrace.LANDED else GREY)
        for place, (each, _) in enumerate(there)
    ]
    yield domes
    last, (x, y) = there[-1]
    best = next((found for found in there if 0 < found[0].version == best_version), None)
    if best is None or math.dist(best[1], (x, y)) > _LEGIBLE:
        yield text_marker(LANDINGS, 1, f'trial {last.number}', (x, y, 0.09), _NUMBER, _PLAIN)
    if best is not None:
        x, y = best[1]
        circle = ring((x, y, _ABOVE), 2.0 * table.BALL_RADIUS)
        yield marker(LANDINGS, 2, Marker.LINE_STRIP, (0.01, 0.0, 0.0), _BEST, points=circle)
        yield text_marker(LANDINGS, 3, f'best: trial {best[0].number}', (x, y, 0.09), _NUMBER, _BEST)


def _between(share: float) -> Colour:
    r, g, b, a = ((1.0 - share) * early + share * late for early, late in zip(_EARLY, _LATE, strict=True))
    return (r, g, b, a)


def _words(landed: Sequence[Landed], status: OptimizerStatus | None) -> Iterator[Marker]:
    """Above the far end of the table: what is wanted, how far it is, and what waits for a person."""
    lines = []
    if status is not None and status.objective:
        lines += textwrap.wrap(f'“{line_of(status.objective)}”', _LINE)[:3]
    if status is not None and status.trials:
        far = f', best {status.best_distance:.2f} m from it' if status.best_distance >= 0.0 else ''
        lines.append(f'trial {status.iteration} of {status.trials}{far}; {name_of(status.state).replace("_", " ")}')
    if landed and landed[-1].place is None:
        lines.append(f'trial {landed[-1].number}: {landed[-1].outcome.replace("_", " ")}')
    if lines:
        yield text_marker(WORDS, 0, '\n'.join(lines), _FAR_END, _LETTER, _PLAIN)
    if status is not None and status.state == OptimizerStatus.WAITING_FOR_APPROVAL:
        told = f'version {status.proposed_version} by {name_of(status.proposed_by)} waits for approval'
        said = textwrap.wrap(line_of(status.rehearsal), _LINE)[:3]
        above = _FAR_END[2] + (len(lines) + len(said)) * _LETTER
        yield text_marker(WORDS, 1, '\n'.join([told, *said]), (*_FAR_END[:2], above), _LETTER, _STANDS_OUT)
