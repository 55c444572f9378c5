"""A picture of a run: where the balls landed on the table, in which order, and how near to the objective."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.report.map_panel import close_up, enlarge, fill, frame, legend, mark, whole_view
from llm_policy_improver.report.map_view import INK, Goal, Shown
from llm_policy_improver.report.panels import SOFT, draw_failures, draw_progress, failure_lines
from llm_policy_improver.runs.objective_folder import to_draw
from llm_policy_improver.runs.run_records import RunRecords

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
    inches = _CLOSE_UP[2] * SIZE[0]
    few = len(failure_lines(shown)) <= _FEW_LINES
    close = close_up(shown, best, inches, inches / (_CLOSE_UP[3] * SIZE[1])) if few else None
    axes = figure.add_axes(_MAP, label='map')
    frame(axes, objective, goal)
    fill(axes, whole_view(_MAP[2] * SIZE[0]), shown, best, goal, close)
    legend(figure, shown, best, goal)
    draw_progress(figure.add_axes(_PROGRESS, label='progress'), shown, best, objective.measurable)
    if close is not None:
        mark(axes, close)
        enlarge(figure, _CLOSE_UP, close, shown, best, goal)
    draw_failures(figure.add_axes(_FAILURES if close else _FAILURES_ALONE, label='failures'), shown)
    return figure


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


