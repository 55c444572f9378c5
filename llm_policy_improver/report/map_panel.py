"""The map of a run and its parts: the whole table, the frame that is enlarged, the legend."""

import math
from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.report.map_view import (
    GOAL,
    GREY,
    INK,
    PALE,
    Goal,
    Shown,
    View,
    draw_goal,
    draw_landings,
    draw_table,
    order_colours,
)
from llm_policy_improver.report.panels import SOFT, panel_title
from llm_policy_improver.table_tennis.ball import table

Box = tuple[float, float, float, float]
"""Left, bottom, width, height in a figure, as shares of its size."""

_CLOSE: Final = (0.06, 0.1, 0.15, 0.2)
"""m, half the height of a close-up: the least that holds most of the landings near the best."""
_CROWD: Final = 6
"""Improvements near the best that are worth a close-up."""


def whole_view(inches: float) -> View:
    """The opponent's half with a margin, so many inches wide."""
    return View(-0.93, 0.93, -0.22, 1.44, inches)


def close_up(shown: Sequence[Shown], best: Shown | None, inches: float, shape: float) -> View | None:
    """The surroundings of the best landing, where improvements crowd there; else None.

    Args:
        shown: all trials.
        best: of them.
        inches: width of its picture.
        shape: of its picture: width by height.
    """
    if best is None or best.place is None:
        return None
    x, y = best.place
    near = [
        one.place
        for one in shown
        if one.place is not None and not one.first and math.dist(one.place, best.place) <= _CLOSE[-1]
    ]
    if len(near) < _CROWD:
        return None
    views = []
    for half in _CLOSE:
        # Around the best and its neighbours, with the best well inside, and no more beyond the table than
        # it takes to see its edge.
        held = [place for place in near if math.dist(place, best.place) <= half] or [best.place]
        middle = [(min(values) + max(values)) / 2 for values in zip(*held, strict=True)]
        wide, margin = half * shape, 0.75 * half
        limit = max(table.HALF_WIDTH + 0.03 - wide, 0.0)
        at_x = min(max(middle[0], x - margin, -limit), x + margin, limit)
        at_y = min(max(middle[1], y - margin), y + margin)
        views.append(View(at_x - wide, at_x + wide, at_y - half, at_y + half, inches))
    counts = [sum(view.holds(place) for place in near) for view in views]
    return next(view for view, count in zip(views, counts, strict=True) if count >= 0.85 * counts[-1])


def fill(
    axes: Axes,
    view: View,
    shown: Sequence[Shown],
    best: Shown | None,
    goal: Goal | None,
    elsewhere: View | None,
) -> None:
    """Draw a part of the table with its goal and landings; numbers of those ``elsewhere`` are in another picture."""
    draw_table(axes, view)
    if goal is not None:
        draw_goal(axes, goal)
    draw_landings(axes, view, shown, best, goal, elsewhere)


def frame(axes: Axes, objective: Objective, goal: Goal | None) -> None:
    """Name the axes of the map, the net and the robot's side; an aim that is no place is written beside it."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    half_width, half_length = table.HALF_WIDTH, table.HALF_LENGTH
    axes.text(-half_width - table.NET_OVERHANG, 0.015, 'net', ha='left', va='bottom', fontsize=9, color=INK)
    axes.text(0, -0.1, "robot's side ↓", ha='center', va='center', fontsize=9, color=GREY)
    if goal is None and objective.measurable:
        text = f'aim: {objective.sentence}'
        axes.text(
            0, half_length + 0.025, text, ha='center', va='bottom', fontsize=9.5, color=GOAL, gid='goal'
        )
    axes.set_xticks([-half_width, -0.4, 0, 0.4, half_width], ['−0.76', '−0.4', '0', '0.4', '0.76'])
    axes.set_yticks([0, 0.4, 0.8, half_length], ['0', '0.4', '0.8', '1.37'])
    axes.tick_params(length=3, labelsize=8.5, colors=SOFT)
    axes.set_xlabel("x: to the robot's right (m)", fontsize=9, color=SOFT)
    axes.set_ylabel('y: away from the robot (m)', fontsize=9, color=SOFT)


def mark(axes: Axes, close: View) -> None:
    """Draw the frame that is enlarged elsewhere."""
    corner = close.left, close.bottom
    size = close.right - close.left, close.top - close.bottom
    axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=INK, lw=0.9, ls=(0, (4, 2)), zorder=6))


def enlarge(
    figure: Figure, box: Box, close: View, shown: Sequence[Shown], best: Shown | None, goal: Goal | None
) -> None:
    """Draw the close-up."""
    detail = figure.add_axes(box, label='close-up')
    panel_title(detail, f'Dashed frame enlarged, {100 * (close.right - close.left):.0f} cm wide')
    detail.set_xticks([])
    detail.set_yticks([])
    fill(detail, close, shown, best, goal, None)


def legend(figure: Figure, shown: Sequence[Shown], best: Shown | None, goal: Goal | None) -> None:
    """Below the map: what its signs mean, and the colours of the improvements."""
    dot: dict[str, Any] = {'ls': 'none', 'marker': 'o'}
    entries: list[Line2D] = []
    if any(one.first for one in shown):
        entries.append(Line2D([], [], **dot, ms=5, mfc=PALE, mec=GREY, label='first trials'))
    if best is not None:
        entries.append(Line2D([], [], **dot, ms=13, mfc='none', mec=INK, mew=2, label='best trial'))
    if goal is not None and goal.x is not None and goal.y is not None:
        entries.append(Line2D([], [], ls='none', marker='*', ms=14, mfc=GOAL, mec='white', label='goal'))
    elif goal is not None and (goal.x is not None or goal.y is not None):
        entries.append(Line2D([], [], color=GOAL, lw=6, alpha=0.7, label='goal'))
    if entries:
        figure.legend(
            handles=entries, loc='center left', bbox_to_anchor=(0.045, 0.04), ncols=len(entries),
            frameon=False, fontsize=9.5, handletextpad=0.6, columnspacing=1.5,
        )  # fmt: skip
    improved = [one.number for one in shown if not one.first]
    if improved:
        colours, order = order_colours(shown)
        bar = figure.add_axes((0.45, 0.032, 0.15, 0.016), label='order')
        figure.colorbar(ScalarMappable(order, colours), cax=bar, orientation='horizontal', ticks=[])
        bar.set_title('proposals in order', fontsize=9.5, pad=4)
        for at, side, number in ((-0.03, 'right', improved[0]), (1.03, 'left', improved[-1])):
            bar.text(at, 0.5, str(number), transform=bar.transAxes, ha=side, va='center', fontsize=9.5)
