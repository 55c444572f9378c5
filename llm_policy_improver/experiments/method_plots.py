"""The plots of ``bench methods``: one of regrets, one of returns."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter
from numpy.typing import NDArray

from llm_policy_improver.experiments import plots
from llm_policy_improver.experiments.example_variants import label_of
from llm_policy_improver.experiments.learning_cells import LEARNERS
from llm_policy_improver.experiments.rows import Row

FLOOR: Final = 1e-4
"""Regrets below this are drawn as this: a tenth of a millimetre."""
_ACROSS: Final = 4
_LEGEND_ACROSS: Final = 6


def draw_methods(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Learning curves, a panel a task: ``regret.png`` and ``return.png``, as far as there are rows of either.

    Over trials; over environment steps where methods of reinforcement learning, which have no trials, take part.
    """
    drawn = []
    for higher, name in ((False, 'regret'), (True, 'return')):
        if these := [row for row in rows if bool(row.get('higher_is_better', False)) is higher]:
            drawn.append(folder / f'{name}.png')
            _draw(these, higher, drawn[-1])
    return drawn


def _draw(rows: Sequence[Row], higher: bool, path: Path) -> None:
    tasks = list(dict.fromkeys(row['task'] for row in rows))
    by_steps = any(row['method'] in LEARNERS for row in rows)
    looks = plots.Looks(label_of(row) for row in rows)
    across = min(_ACROSS, len(tasks))
    down = -(-len(tasks) // across)
    figure = plots.new_figure(max(3.6 * across, 8.0), 2.9 * down + 1.6)
    panels = figure.subplots(down, across, squeeze=False)
    for axes, task in zip(panels.flat, tasks, strict=False):
        _panel(axes, [row for row in rows if row['task'] == task], higher, by_steps, looks)
        axes.set_title(task, fontsize=10)
    for axes in panels[:, 0]:
        if higher:
            axes.set_ylabel('mean return')
    for axes in panels.flat[len(tasks) :]:
        axes.set_visible(False)
    for column in panels.T:
        lowest = [axes for axes in column if axes.get_visible()][-1]
        lowest.set_xlabel('environment steps' if by_steps else 'trials')
    what = (
        'Mean return of the best policy so far, in the episodes of its own trial; higher is better'
        if higher
        else f'Regret of the best parameters so far, less than {FLOOR:g} drawn as this; lower is better'
    )
    plots.title(figure, f'{what}. Median of {_seeds(rows)}; band: {plots.BAND}')
    _legend(figure, panels, looks)
    figure.savefig(path, dpi=plots.DPI)


def _panel(axes: Axes, rows: Sequence[Row], higher: bool, by_steps: bool, looks: plots.Looks) -> None:
    longest = max(len(row['curve']) for row in rows)
    floor = -np.inf if higher else FLOOR
    groups: defaultdict[str, list[Sequence[float]]] = defaultdict(list)
    places: defaultdict[str, list[Sequence[float]]] = defaultdict(list)
    for row in rows:
        curve = [np.nan if value is None else max(value, floor) for value in row['curve']]
        groups[label_of(row)].append(curve + curve[-1:] * (longest - len(curve)))
        places[label_of(row)].append(_steps(row, longest) if by_steps else range(1, longest + 1))
    for name in looks.names:
        if name in groups:
            plots.curve(axes, name, looks, np.median(places[name], axis=0), groups[name], higher)
    if not higher:
        axes.set_yscale('log')
        axes.set_ylabel(_unit(rows))
    if by_steps:
        axes.set_xscale('log')
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)


def _steps(row: Row, longest: int) -> list[float]:
    """Environment steps after each trial of a run that ended after so many: those of the run, spread evenly."""
    count = len(row['curve'])
    return [row['interactions'] * min(each, count) / count for each in range(1, longest + 1)]


def _seeds(rows: Sequence[Row]) -> str:
    """How many runs are behind a curve."""
    counts = Counter((row['task'], label_of(row)) for row in rows).values()
    least, most = min(counts), max(counts)
    return f'{least} to {most} seeds' if least < most else '1 seed' if most == 1 else f'{most} seeds'


def _unit(rows: Sequence[Row]) -> str:
    units = {str(row.get('unit', '')) for row in rows}
    unit = units.pop() if len(units) == 1 else ''
    return f'regret ({unit})' if unit else 'regret'


def _legend(figure: Figure, panels: NDArray[Any], looks: plots.Looks) -> None:
    shown = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels.flat]
    handles = {name: handle for pairs in shown for handle, name in pairs}
    names = [name for name in looks.names if name in handles]
    figure.legend(
        [handles[name] for name in names], names, loc='outside lower center', frameon=False, handlelength=4.0,
        ncols=min(_LEGEND_ACROSS, len(names)),
    )  # fmt: skip
