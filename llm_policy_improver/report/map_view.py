"""A part of the table from above, in true proportions: its lines, the goal, the landings."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.report.labels import Label, LabelPlacer, group
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.objectives import wanted_place
from llm_policy_improver.table_tennis.tracing.observed import landing_of

INK: Final = '#1b1f24'
GREY: Final = '#8b929a'
PALE: Final = '#b3b9c0'
GOAL: Final = '#d1242f'
_TABLE: Final = '#eaf0f6'
_CROWD: Final = 300
"""Trials; each takes some 150 bytes in a picture of lines."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A trial as it is shown.

    Attributes:
        number: as printed.
        trial: what happened.
        first: whether it is one of the first trials, before any improvement.
        distance: m to the objective; None where there is none.
    """

    number: int
    trial: Trial
    first: bool
    distance: float | None

    @property
    def place(self) -> tuple[float, float] | None:
        """Where a good return landed, m, frame ``table``."""
        landing = landing_of(self.trial)
        return (landing.x, landing.y) if self.trial.succeeded and landing is not None else None


@dataclass(frozen=True, slots=True)
class Goal:
    """Where on the table a landing is wanted, m; None where the objective leaves it open.

    Attributes:
        x: to the robot's right.
        y: beyond the net.
    """

    x: float | None
    y: float | None

    @classmethod
    def of(cls, objective: Objective) -> 'Goal | None':
        """The place in an objective; None where it is about none."""
        places = [None if each is None else _inside(*each) for each in wanted_place(objective)]
        return None if places == [None, None] else cls(*places)


def _inside(low: float, high: float) -> float:
    """The middle of a range, the known end of an open one."""
    return low if math.isinf(high) else high if math.isinf(low) else (low + high) / 2.0


@dataclass(frozen=True, slots=True)
class View:
    """The part of the table in a picture, in metres, and how large it is drawn.

    Attributes:
        left, right, bottom, top: m, frame ``table``.
        inches: width of the picture.
    """

    left: float
    right: float
    bottom: float
    top: float
    inches: float

    @property
    def point(self) -> float:
        """m on the table that a typographic point (1/72 in) covers."""
        return (self.right - self.left) / self.inches / 72.0

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top."""
        return self.left, self.right, self.bottom, self.top

    def holds(self, place: tuple[float, float] | None) -> bool:
        """Whether a place is in the picture."""
        return (
            place is not None and self.left <= place[0] <= self.right and self.bottom <= place[1] <= self.top
        )


def crowded(shown: Sequence[Shown]) -> bool:
    """Whether there are so many trials that their points take less room as an image, within a picture of lines."""
    return len(shown) > _CROWD


def order_colours(shown: Sequence[Shown]) -> tuple[Colormap, Normalize]:
    """The colours of improvements by number: from light to dark, so that grey print keeps the order."""
    stops = ['#ffe08a', '#f6a25b', '#c9568c', '#6b2a86', '#1d1147']
    numbers = [one.number for one in shown if not one.first] or [0]
    return LinearSegmentedColormap.from_list('order', stops), Normalize(
        numbers[0], max(numbers[-1], numbers[0] + 1)
    )


def draw_table(axes: Axes, view: View) -> None:
    """The opponent's half, its lines, the net at its lower edge and a strip of the robot's side."""
    half_width, half_length = table.HALF_WIDTH, table.HALF_LENGTH
    axes.set_aspect('equal')
    axes.set_xlim(view.left, view.right)
    axes.set_ylim(view.bottom, view.top)
    axes.add_patch(Rectangle((-half_width, -0.2), table.WIDTH, 0.2, color='#f5f6f7', zorder=0))
    axes.add_patch(
        Rectangle(
            (-half_width, 0), table.WIDTH, half_length, facecolor=_TABLE, edgecolor=INK, lw=1.4, zorder=0
        )
    )
    axes.plot([0, 0], [0, half_length], color='white', lw=2.0, zorder=0.5)
    for side in (-half_width, half_width):
        axes.plot([side, side], [-0.2, 0], color=GREY, lw=1.0, ls=(0, (3, 2)), zorder=0.5)
    net = half_width + table.NET_OVERHANG
    axes.plot([-net, net], [0, 0], color=INK, lw=3.5, solid_capstyle='butt', zorder=1)


def draw_goal(axes: Axes, goal: Goal) -> None:
    """A star for a point, a thick line for an edge or a distance; nothing for a goal that is no place."""
    if goal.x is not None and goal.y is not None:
        axes.plot(
            [goal.x],
            [goal.y],
            marker='*',
            ms=21,
            mfc=GOAL,
            mec='white',
            mew=1.2,
            ls='none',
            zorder=3,
            gid='goal',
        )
        return
    style: dict[str, Any] = {'color': GOAL, 'lw': 7, 'alpha': 0.7, 'solid_capstyle': 'butt', 'zorder': 1.5}
    if goal.x is not None:
        axes.plot([goal.x] * 2, [0, table.HALF_LENGTH], **style, gid='goal')
    if goal.y is not None:
        axes.plot([-table.HALF_WIDTH, table.HALF_WIDTH], [goal.y] * 2, **style, gid='goal')


def draw_landings(
    axes: Axes,
    view: View,
    shown: Sequence[Shown],
    best: Shown | None,
    goal: Goal | None,
    elsewhere: View | None,
) -> None:
    """All good returns: the first trials small and grey, the improvements coloured by order and joined.

    Args:
        axes: with the table.
        view: what the axes show.
        shown: all trials.
        best: the one to mark.
        goal: kept free of labels.
        elsewhere: a part whose landings have their numbers in another picture.
    """
    landed = [(one, *one.place) for one in shown if one.place is not None]
    first = [found for found in landed if found[0].first]
    improved = [found for found in landed if not found[0].first]
    _draw_points(axes, shown, first, improved)
    point = view.point
    inside = [(x, y) for one, x, y in landed if view.holds(one.place)]
    placer = LabelPlacer(np.array(inside), 4.5 * point, view.frame)
    _keep_free(placer, view, goal)
    if best is not None and best.place is not None:
        x, y = best.place
        axes.scatter(x, y, s=250, facecolors='none', edgecolors='white', linewidths=4.5, zorder=5)
        axes.scatter(x, y, s=250, facecolors='none', edgecolors=INK, linewidths=2.2, zorder=5.1, gid='best')
        text = (
            f'best: {best.number}'
            if best.distance is None
            else f'best: {best.number} ({best.distance:.2f} m)'
        )
        if elsewhere is not None:
            # The numbers of its neighbours are not here: stay clear of the frame around them.
            middle = (elsewhere.left + elsewhere.right) / 2, (elsewhere.bottom + elsewhere.top) / 2
            extent = elsewhere.right - elsewhere.left, elsewhere.top - elsewhere.bottom
            placer.reserve(*middle, *extent)
        label = placer.place(x, y, text, 14 * point, 14 * point, must=True)
        assert label is not None
        placer.reserve(x, y, 16 * point, 16 * point)
        axes.text(
            label.x, label.y, text, fontsize=11, fontweight='bold', color=INK, ha='center', va='center',
            zorder=8, gid='best label', path_effects=[withStroke(linewidth=3, foreground='white')],
        )  # fmt: skip
        _draw_leader(axes, label, INK, 0.8)
    if crowded(shown):
        return  # of so many numbers none could be read
    kinds = ((improved, 8.5, INK, 9.0, 7.0), (first, 6.5, '#6e7781', 4.0, 5.0))
    for trials, size, colour, radius, gap in kinds:
        numbered = [
            (one.number, x, y)
            for one, x, y in trials
            if one is not best and view.holds(one.place) and not (elsewhere and elsewhere.holds(one.place))
        ]
        for found in group(numbered, radius * point):
            label = placer.place(found.x, found.y, found.text, 1.25 * size * point, gap * point)
            if label is None:
                continue
            _draw_leader(axes, label, colour, 0.4)
            axes.text(
                label.x, label.y, label.text, fontsize=size, color=colour, ha='center', va='center', zorder=7,
                linespacing=1.0, gid='numbers', path_effects=[withStroke(linewidth=1.6, foreground='white')],
            )  # fmt: skip


def _draw_leader(axes: Axes, label: Label, colour: str, width: float) -> None:
    if label.leader is not None:
        x, y = zip(label.anchor, label.leader, strict=True)
        axes.plot(x, y, color=colour, lw=width, zorder=3.2)


def _draw_points(
    axes: Axes,
    shown: Sequence[Shown],
    first: Sequence[tuple[Shown, float, float]],
    improved: Sequence[tuple[Shown, float, float]],
) -> None:
    many = crowded(shown)
    axes.scatter(
        [x for _, x, _ in first], [y for _, _, y in first],
        s=20, color=PALE, edgecolors=GREY, linewidths=0.6, zorder=2, gid='first trials', rasterized=many,
    )  # fmt: skip
    places = [x for _, x, _ in improved], [y for _, _, y in improved]
    if not many:
        axes.plot(*places, color=INK, lw=0.6, alpha=0.4, zorder=3.5, gid='path')
    colours, order = order_colours(shown)
    axes.scatter(
        *places, c=[one.number for one, _, _ in improved],
        cmap=colours, norm=order, s=16 if many else 50, edgecolors=INK, linewidths=0.4 if many else 0.8, zorder=4,
        gid='improvements', rasterized=many,
    )  # fmt: skip


def _keep_free(placer: LabelPlacer, view: View, goal: Goal | None) -> None:
    point = view.point
    placer.reserve(0, -0.1, 0.4, 20 * point)
    if goal is None:
        return
    if goal.x is not None and goal.y is not None:
        placer.reserve(goal.x, goal.y, 14 * point, 14 * point)
    elif goal.x is not None:
        placer.reserve(goal.x, table.HALF_LENGTH / 2, 7 * point, table.HALF_LENGTH)
    elif goal.y is not None:
        placer.reserve(0, goal.y, table.WIDTH, 7 * point)
