"""The plot of ``bench methods``."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from llm_policy_improver.experiments import plots
from llm_policy_improver.experiments.example_variants import label_of
from llm_policy_improver.experiments.rows import Row

FLOOR: Final = 1e-4
"""Regrets below this are drawn as this: a tenth of a millimetre."""
_ACROSS: Final = 4


def draw_methods(rows: Sequence[Row], path: Path) -> None:
    """Regret, or return, of the best so far over the evaluations, a panel a task."""
    tasks = list(dict.fromkeys(row['task'] for row in rows))
    looks = plots.Looks(label_of(row) for row in rows)
    across = min(_ACROSS, len(tasks))
    down = -(-len(tasks) // across)
    figure = plots.new_figure(3.3 * across + 2.6, 2.9 * down + 0.6)
    panels = figure.subplots(down, across, squeeze=False)
    for axes, task in zip(panels.flat, tasks, strict=False):
        groups: defaultdict[str, list[Sequence[float]]] = defaultdict(list)
        of_task = [row for row in rows if row['task'] == task]
        longest = max(len(row['curve']) for row in of_task)
        higher = any(row.get('higher_is_better', False) for row in of_task)
        floor = -np.inf if higher else FLOOR
        for row in of_task:
            curve = [np.nan if value is None else max(value, floor) for value in row['curve']]
            groups[label_of(row)].append(curve + curve[-1:] * (longest - len(curve)))
        plots.curves(axes, groups, looks, first=1)
        if not higher:
            axes.set_yscale('log')
        axes.set_title(task, fontsize=10)
        axes.set_ylabel(f'{"return" if higher else "regret"} of the best so far')
        axes.grid(alpha=0.3)
    for axes in panels.flat[len(tasks) :]:
        axes.set_visible(False)
    for axes in panels[-1]:
        axes.set_xlabel('trials')
    plots.title(figure, f'Methods: best so far; median of {plots.seeds_text(rows)}, band: the middle half')
    shown = [zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels.flat]
    handles = {name: handle for pairs in shown for handle, name in pairs}
    names = [name for name in looks.names if name in handles]
    figure.legend([handles[name] for name in names], names, loc='outside right center', frameon=False)
    figure.savefig(path, dpi=plots.DPI)
