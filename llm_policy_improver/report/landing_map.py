"""A picture of a run: where the balls landed on the table, in which order, and how near to the objective."""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
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
from llm_policy_improver.report.panels import SOFT, draw_failures, draw_progress, failure_lines, panel_title
from llm_policy_improver.runs.objective_folder import to_draw
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.table_tennis.ball import table

SIZE: Final = (12.0, 8.4)
"""in"""
RESOLUTION: Final = 150
"""dots per inch"""
# Left, bottom, width, height in the picture.
_MAP: Final = (0.055, 0.12, 0.575, 0.755)
_PROGRESS: Final = (0.69, 0.635, 0.29, 0.225)
_CLOSE_UP: Final = (0.69, 0.205, 0.29, 0.325)
_FAILURES: Final = (0.69, 0.02, 0.29, 0.125)
_FAILURES_ALONE: Final = (0.69, 0.02, 0.29, 0.5)
_FEW_LINES: Final = 5
"""Lines of failed trials that leave room for the close-up."""

_WHOLE: Final = View(-0.93, 0.93, -0.22, 1.44, _MAP[2] * SIZE[0])
_CLOSE: Final = (0.06, 0.1, 0.15, 0.2)
"""m, half the height of a close-up: the least that holds most of the landings near the best."""
_CROWD: Final = 6
"""Improvements near the best that are worth a close-up."""


def draw_landing_map(
    path: Path, trials: Sequence[Trial], objective: Objective, first_trials: int, method: str
) -> None:
    """Draw a run into a PNG file.

    Args:
        path: of the file.
        trials: all of them, oldest first.
        objective: what was asked.
        first_trials: how many of them came before any improvement.
        method: who proposed the improvements.

    Raises:
        OSError: the file cannot be written.
    """
    landing_figure(trials, objective, first_trials, method).savefig(path, format='png', dpi=RESOLUTION)


def draw_stored(
    store: RunRecords, objective: Objective, first_trials: int, method: str, number: int | None = None
) -> Path | None:
    """Draw a run of a store, the last one where no number is given, into ``landings.png`` in its folder.

    None where it has no trials.

    Raises:
        StoreError: the run cannot be read.
        OSError: the file cannot be written.
    """
    picture, trials, first, aim = to_draw(store, objective, first_trials, number)
    if not trials:
        return None
    draw_landing_map(picture, trials, aim, first, method)
    return picture


def landing_figure(trials: Sequence[Trial], objective: Objective, first_trials: int, method: str) -> Figure:
    """The picture as a figure; see `draw_landing_map`."""
    shown = [
        Shown(trial.number or index + 1, trial, index < first_trials, objective.distance(trial))
        for index, trial in enumerate(trials)
    ]
    nearest, goal = objective.best(trials), Goal.of(objective)
    best = next((one for one in shown if one.trial is nearest), None)
    figure = Figure(figsize=SIZE, facecolor='white')
    FigureCanvasAgg(figure)
    _title(figure, shown, best, objective, method)
    close = close_up(shown, best) if len(failure_lines(shown)) <= _FEW_LINES else None
    axes = figure.add_axes(_MAP, label='map')
    _whole(axes, objective, goal)
    _fill(axes, _WHOLE, shown, best, goal, close)
    _legend(figure, shown, best, goal)
    draw_progress(figure.add_axes(_PROGRESS, label='progress'), shown, best, objective.measurable)
    if close is not None:
        _mark(axes, close)
        detail = figure.add_axes(_CLOSE_UP, label='close-up')
        panel_title(detail, f'Dashed frame enlarged, {100 * (close.right - close.left):.0f} cm wide')
        detail.set_xticks([])
        detail.set_yticks([])
        _fill(detail, close, shown, best, goal, None)
    draw_failures(figure.add_axes(_FAILURES if close else _FAILURES_ALONE, label='failures'), shown)
    return figure


def close_up(shown: Sequence[Shown], best: Shown | None) -> View | None:
    """The surroundings of the best landing, where improvements crowd there; else None."""
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
    inches = _CLOSE_UP[2] * SIZE[0]
    shape = inches / (_CLOSE_UP[3] * SIZE[1])
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


def _fill(
    axes: Axes,
    view: View,
    shown: Sequence[Shown],
    best: Shown | None,
    goal: Goal | None,
    elsewhere: View | None,
) -> None:
    draw_table(axes, view)
    if goal is not None:
        draw_goal(axes, goal)
    draw_landings(axes, view, shown, best, goal, elsewhere)


def _whole(axes: Axes, objective: Objective, goal: Goal | None) -> None:
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


def _mark(axes: Axes, close: View) -> None:
    corner = close.left, close.bottom
    size = close.right - close.left, close.top - close.bottom
    axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=INK, lw=0.9, ls=(0, (4, 2)), zorder=6))


def _title(
    figure: Figure, shown: Sequence[Shown], best: Shown | None, objective: Objective, method: str
) -> None:
    words = textwrap.shorten(objective.words, 95, placeholder=' …')
    size = 17 if len(words) <= 60 else 12.5
    style: dict[str, Any] = {'va': 'center', 'parse_math': False}
    figure.text(0.03, 0.957, f'“{words}”', fontsize=size, fontweight='bold', color=INK, gid='title', **style)
    first = sum(one.first for one in shown)
    returned = sum(one.trial.succeeded for one in shown)
    parts = [f'{first} first trials, then {len(shown) - first} by {method}']
    parts.append(f'{returned} of {len(shown)} good returns')
    if best is not None and best.distance is not None:
        start = next(one for one in shown if one.distance is not None)
        parts.append(
            f'distance to the goal {start.distance:.2f} m in trial {start.number}, '
            f'{best.distance:.2f} m in trial {best.number}'
        )
    figure.text(0.03, 0.917, '   |   '.join(parts), fontsize=10.5, color=SOFT, gid='subtitle', **style)


def _legend(figure: Figure, shown: Sequence[Shown], best: Shown | None, goal: Goal | None) -> None:
    dot: dict[str, Any] = {'ls': 'none', 'marker': 'o'}
    entries: list[Line2D] = []
    if any(one.first for one in shown):
        entries.append(Line2D([], [], **dot, ms=5, mfc=PALE, mec=GREY, label='first trials'))
    if best is not None:
        entries.append(Line2D([], [], **dot, ms=13, mfc='none', mec=INK, mew=2, label='best trial'))
    if goal is not None and goal.x is not None and goal.y is not None:
        entries.append(Line2D([], [], color=GOAL, ls='none', marker='*', ms=14, label='goal'))
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
        bar.set_title('improvements in order', fontsize=9.5, pad=4)
        for at, side, number in ((-0.03, 'right', improved[0]), (1.03, 'left', improved[-1])):
            bar.text(at, 0.5, str(number), transform=bar.transAxes, ha=side, va='center', fontsize=9.5)
