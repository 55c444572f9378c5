"""The experiments' plots: each is to be understood without the text around it."""

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import TABLEAU_COLORS
from matplotlib.figure import Figure
from numpy.typing import NDArray

from llm_policy_improver.experiments import improvement_summary, statistics
from llm_policy_improver.experiments.report import label
from llm_policy_improver.experiments.rows import Row
from llm_policy_improver.table_tennis.bench.reachable_best import read_reachable

DPI: Final = 130
PUBLISHED: Final = {1: 0.394, 5: 0.689, 10: 0.837}
"""Shares of SAS-Prompt's retrieval with Gemini 1.5 Pro (arXiv 2504.20459)."""

BAND: Final = "the median's 95 % bootstrap interval"
"""Of the curves."""

_COLOURS: Final = tuple(TABLEAU_COLORS)
_MARKS: Final = 'os^vD<>PX*d'
"""Their numbers, 10 and 11, have no factor in common: 110 names have a colour and a mark of their own."""
_STYLES: Final = ('-', '--', ':', '-.')
"""Of the first ten names, of the second ten, and so on."""
_SHADES: Final = 0.6
"""How dark the bands of all names may come out together; none is darker than `_DARKEST`."""
_DARKEST: Final = 0.12


class Looks:
    """A colour, a mark and a style of lines for each name, the same in all panels; no two names look alike.

    Of forty names none has both the colour and the style of another one, so that lines can be told apart without marks.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = sorted(set(names))

    def colour(self, name: str) -> str:
        """Of a name."""
        return _COLOURS[self.names.index(name) % len(_COLOURS)]

    def mark(self, name: str) -> str:
        """Of a name."""
        return _MARKS[self.names.index(name) % len(_MARKS)]

    def style(self, name: str) -> str:
        """Of a name's lines."""
        return _STYLES[self.names.index(name) // len(_COLOURS) % len(_STYLES)]


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches."""
    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def title(figure: Figure, text: str) -> None:
    """Above all panels, in as many lines as the figure's width asks for."""
    width = int(8.0 * figure.get_figwidth())
    figure.suptitle('\n'.join(textwrap.wrap(text, width)), x=0.01, ha='left', fontsize=11, fontweight='bold')


def seeds_text(rows: Sequence[Row]) -> str:
    """How many seeds there are: ``'10 seeds'``."""
    count = len({row['seed'] for row in rows})
    return '1 seed' if count == 1 else f'{count} seeds'


def legend(figure: Figure, axes: Axes) -> None:
    """Beside all panels, of what one of them shows."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside right center', frameon=False)


def curves(axes: Axes, groups: dict[str, list[Sequence[float]]], looks: Looks, first: int) -> None:
    """Medians of curves where less is better, by name, with their intervals; they begin at ``first``."""
    for name in looks.names:
        if name in groups:
            curve(axes, name, looks, np.arange(first, first + len(groups[name][0])), groups[name])


def curve(
    axes: Axes, name: str, looks: Looks, at: Sequence[float] | NDArray[Any], runs: Sequence[Sequence[float]],
    higher: bool = False,
) -> None:  # fmt: skip
    """The median of runs (k, n) at n places, with its interval; NaN is worse than all else, and not drawn."""
    middle, low, high = statistics.median_curve(runs, higher)
    step = max(1, len(at) // 5)
    offset = looks.names.index(name) % step
    axes.plot(
        at, middle, color=looks.colour(name), linestyle=looks.style(name), label=name, linewidth=1.5,
        marker=looks.mark(name), markersize=4.5, markevery=(offset, step),
    )  # fmt: skip
    if len(runs) > 1:
        shade = min(_DARKEST, _SHADES / len(looks.names))
        axes.fill_between(at, low, high, color=looks.colour(name), alpha=shade, linewidth=0)


def draw_functions(rows: Sequence[Row], path: Path) -> None:
    """Best value so far over the evaluations, a panel for each function and dimension."""
    functions = list(dict.fromkeys(row['function'] for row in rows))
    dimensions = sorted({row['dimension'] for row in rows})
    looks = Looks(label(row) for row in rows)
    figure = new_figure(3.2 * len(functions) + 2.2, 3.0 * len(dimensions) + 0.6)
    panels = figure.subplots(len(dimensions), len(functions), squeeze=False, sharex=True)
    for across, dimension in enumerate(dimensions):
        for along, function in enumerate(functions):
            axes = panels[across][along]
            groups: defaultdict[str, list[Sequence[float]]] = defaultdict(list)
            for row in rows:
                if row['function'] == function and row['dimension'] == dimension:
                    groups[label(row)].append([max(value, 1e-6) for value in row['best_so_far']])
            curves(axes, groups, looks, first=1)
            axes.set_yscale('log')
            axes.set_title(f'{function}, {dimension} dimensions', fontsize=10)
            axes.grid(alpha=0.3)
            if across == len(dimensions) - 1:
                axes.set_xlabel('evaluations')
            if along == 0:
                axes.set_ylabel('best value so far above the optimum')
    title(figure, f'Test functions: best value so far; median of {seeds_text(rows)}, band: {BAND}')
    legend(figure, panels[0][0])
    figure.savefig(path, dpi=DPI)


def draw_improvement(rows: Sequence[Row], path: Path) -> None:
    """Best distance so far over the improvements, a panel for each objective."""
    objectives = list(dict.fromkeys(row['objective'] for row in rows))
    reachable = read_reachable()
    looks = Looks(improvement_summary.who(row) for row in rows)
    across = min(5, len(objectives))
    down = -(-len(objectives) // across)
    figure = new_figure(2.9 * across + 2.6, 2.8 * down + 0.6)
    panels = figure.subplots(down, across, squeeze=False, sharex=True)
    for axes, objective in zip(panels.flat, objectives, strict=False):
        groups: defaultdict[str, list[Sequence[float]]] = defaultdict(list)
        for row in rows:
            if row['objective'] == objective:
                groups[improvement_summary.who(row)].append([row['initial_m'], *row['best_m']])
        curves(axes, groups, looks, first=0)
        axes.axhline(
            reachable[objective].distance_m, color='black', linestyle=':', label='best that can be reached'
        )
        axes.set_title(objective, fontsize=10)
        axes.set_ylim(bottom=0.0)
        axes.grid(alpha=0.3)
    for axes in panels.flat[len(objectives) :]:
        axes.set_visible(False)
    for line in panels:
        line[0].set_ylabel('best distance so far (m)')
    for axes in panels[-1]:
        axes.set_xlabel('improvements')
    given = sorted({row['cache'] for row in rows})
    title(
        figure,
        f'Best distance so far, from {", ".join(map(str, given))} trials on the wrong side; '
        f'median of {seeds_text(rows)}, band: {BAND}',
    )
    legend(figure, panels[0][0])
    figure.savefig(path, dpi=DPI)


def draw_regrets(summary: Sequence[dict[str, Any]], path: Path) -> None:
    """Regret of each method over all objectives, with its interval, and a dot for each objective."""
    entries = improvement_summary.over_all(summary)[::-1]
    figure = new_figure(8.0, 0.42 * len(entries) + 1.8)
    axes = figure.subplots()
    for height, entry in enumerate(entries):
        same = [
            one for one in summary
            if one['objective'] != improvement_summary.ALL
            and all(one[name] == entry[name] for name in improvement_summary.GROUP if name != 'objective')
        ]  # fmt: skip
        dots = [statistics.finite(one['regret_m']['median']) for one in same]
        axes.plot(
            dots, [height] * len(dots), '|', color='0.55', markersize=11,
            label='' if height else 'median of one objective',
        )  # fmt: skip
        found = entry['regret_m']
        middle = statistics.finite(found['median'])
        low, high = (middle if found[end] is None else found[end] for end in ('low', 'high'))
        axes.errorbar(
            middle, height, xerr=[[max(middle - low, 0.0)], [max(high - middle, 0.0)]], fmt='o', color='tab:blue',
            capsize=4, label='' if height else 'median of all, 95 % interval',
        )  # fmt: skip
    names = [f'{improvement_summary.who(entry)} (n = {entry["n"]})' for entry in entries]
    axes.set_yticks(range(len(entries)), names)
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.set_xlabel('regret (m): final distance beyond the best that can be reached; lower is better')
    axes.grid(alpha=0.3, axis='x')
    figure.legend(loc='outside upper center', ncols=2, frameon=False)
    figure.savefig(path, dpi=DPI)


def draw_context(summary: Sequence[dict[str, Any]], path: Path) -> None:
    """Regret over the number of trials in the cache, a line a method."""
    entries = improvement_summary.over_all(summary)
    looks = Looks(improvement_summary.who(entry) for entry in entries)
    caches = sorted({entry['cache'] for entry in entries})
    figure = new_figure(8.6, 4.6)
    axes = figure.subplots()
    for name in looks.names:
        line = sorted(
            (e for e in entries if improvement_summary.who(e) == name), key=lambda entry: entry['cache']
        )
        middle = np.array([statistics.finite(e['regret_m']['median']) for e in line])
        low, high = (
            np.array([statistics.finite(e['regret_m'][end]) for e in line]) for end in ('low', 'high')
        )
        # Side by side, so that the intervals can be told apart.
        at = [
            caches.index(e['cache']) + 0.03 * (looks.names.index(name) - len(looks.names) / 2) for e in line
        ]
        errors = np.nan_to_num([np.maximum(middle - low, 0.0), np.maximum(high - middle, 0.0)])
        axes.errorbar(
            at, middle, yerr=errors, color=looks.colour(name), linestyle=looks.style(name), marker=looks.mark(name),
            label=name, capsize=2, linewidth=1.4, elinewidth=0.8,
        )  # fmt: skip
    axes.set_xticks(range(len(caches)), [str(cache) for cache in caches])
    axes.set(
        xlabel='given trials in the cache', ylabel='regret (m), median and 95 % interval',
        title='Final distance beyond the best that can be reached; lower is better',
    )  # fmt: skip
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.grid(alpha=0.3)
    legend(figure, axes)
    figure.savefig(path, dpi=DPI)


def reader(entry: Mapping[str, Any]) -> str:
    """A reader's name for people; that of a language model is the model's."""
    return str(entry['model'] or entry['reader'])


def draw_retrieval(summary: Sequence[dict[str, Any]], path: Path) -> None:
    """Shares of queries whose best trial is among the first picks, over all and by kind of query."""
    readers = list(dict.fromkeys(reader(entry) for entry in summary))
    kinds = list(dict.fromkeys(entry['query'] for entry in summary if entry['query'] != 'all'))
    looks = Looks(readers)
    figure = new_figure(12.5, 4.8)
    left, right = figure.subplots(1, 2, width_ratios=(1, 2))
    width = 0.8 / len(readers)
    for place, who in enumerate(readers):
        total = next(e for e in summary if reader(e) == who and e['query'] == e['cache'] == 'all')
        found = [total[f'top{top}'] for top in PUBLISHED]
        shares = np.array([one['share'] for one in found])
        errors = [shares - [one['low'] for one in found], [one['high'] for one in found] - shares]
        at = np.arange(len(PUBLISHED)) + (place - (len(readers) - 1) / 2) * width
        left.bar(
            at, shares, width, yerr=np.maximum(errors, 0.0), color=looks.colour(who), capsize=3,
            label=f'{who} (n = {total["n"]})',
        )  # fmt: skip
        of_kind = {e['query']: e for e in summary if reader(e) == who and e['query'] != 'all'}
        known = [i for i, kind in enumerate(kinds) if kind in of_kind]
        shares = np.array([of_kind[kinds[i]]['top1']['share'] for i in known])
        right.bar(
            np.array(known) + (place - (len(readers) - 1) / 2) * width, shares, width, color=looks.colour(who)
        )
    for place, published in enumerate(PUBLISHED.values()):
        left.plot(
            [place - 0.45, place + 0.45], [published] * 2, 'k--', linewidth=1,
            label='' if place else 'SAS-Prompt, as published\n(Gemini 1.5 Pro, other caches)',
        )  # fmt: skip
    left.set_xticks(range(len(PUBLISHED)), [f'first {top}' if top > 1 else 'first' for top in PUBLISHED])
    left.set(ylim=(0.0, 1.05), ylabel='share of queries', title='The best trial is among the picks')
    right.set_xticks(range(len(kinds)), kinds, rotation=25, ha='right')
    right.set(ylim=(0.0, 1.05), title='The first pick is the best trial, by kind of query')
    for axes in (left, right):
        axes.grid(alpha=0.3, axis='y')
    legend(figure, left)
    figure.savefig(path, dpi=DPI)
