"""The small panels beside the map: distance over trials, and the trials without a good return."""

import textwrap
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from llm_policy_improver.report.labels import ranges
from llm_policy_improver.report.map_view import GREY, INK, PALE, Shown, order_colours
from llm_policy_improver.report.stages import best_curve

SOFT: Final = '#57606a'
_LINE: Final = 54
"""Characters in a line of the list."""


def panel_title(axes: Axes, title: str, pad: float = 6.0) -> None:
    """Name a panel, so many points above it."""
    axes.set_title(title, pad=pad, loc='left', fontsize=11, fontweight='bold', color=INK)


def draw_progress(axes: Axes, shown: Sequence[Shown], best: Shown | None, measurable: bool) -> None:
    """The distance to the goal of every trial, the best so far, and the trials that have none."""
    panel_title(axes, 'Distance to the goal (m)', pad=11)
    measured = [(one.number, one.distance, one.first) for one in shown if one.distance is not None]
    if best is None or best.distance is None:
        axes.set_axis_off()
        text = (
            'No good return to measure yet.' if measurable else 'The words name nothing that can be measured.'
        )
        axes.text(0, 0.95, text, transform=axes.transAxes, va='top', fontsize=9.5, color=INK)
        return
    axes.spines[['top', 'right']].set_visible(False)
    axes.tick_params(labelsize=8.5, colors=SOFT, length=3)
    colours, order = order_colours(shown)
    for number, distance, first in measured:
        colour = PALE if first else colours(order(number))
        axes.plot([number], [distance], marker='o', ms=3.5 if first else 5, mfc=colour, mec=GREY, mew=0.5)
    axes.step(
        *best_curve(shown), where='post', color=INK, lw=1.6, zorder=3, label='best so far', gid='best so far'
    )
    axes.plot([best.number], [best.distance], marker='o', ms=11, mfc='none', mec=INK, mew=1.8, zorder=4)
    top = max(distance for _, distance, _ in measured)
    axes.set_ylim(-0.04 * top, 1.28 * top)
    failed = [one.number for one in shown if not one.trial.succeeded]
    if failed:
        axes.plot(
            failed, [1.0] * len(failed), ls='none', marker='x', ms=4.5, color=INK, mew=1.0, clip_on=False,
            transform=axes.get_xaxis_transform(), label='no good return', gid='failed',
        )  # fmt: skip
    begin = next((one.number for one in shown if not one.first), None)
    axes.set_xlim(shown[0].number - 1, shown[-1].number + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    label = 'trial'
    if begin is not None and begin != shown[0].number:
        axes.axvline(begin - 0.5, color=GREY, lw=0.9, ls=(0, (3, 2)), zorder=0)
        label = 'trial   (dashed: the improvements begin)'
    axes.set_xlabel(label, fontsize=9, color=SOFT)
    axes.legend(fontsize=8.5, frameon=False, loc='upper right', bbox_to_anchor=(1.02, 1.0), ncols=2)


def failure_lines(shown: Sequence[Shown]) -> list[str]:
    """The trials without a good return as lines of text: outcome, how many, their numbers."""
    failed: dict[str, list[int]] = defaultdict(list)
    for one in shown:
        if not one.trial.succeeded:
            failed[one.trial.outcome.replace('_', ' ')].append(one.number)
    lines: list[str] = []
    for outcome, numbers in sorted(failed.items(), key=lambda pair: -len(pair[1])):
        text = f'{outcome} ({len(numbers)}):  {ranges(numbers)}'
        lines += textwrap.wrap(text, _LINE, subsequent_indent='      ', break_on_hyphens=False)
    return lines


def draw_failures(axes: Axes, shown: Sequence[Shown]) -> None:
    """The list of trials without a good return."""
    count = sum(not one.trial.succeeded for one in shown)
    panel_title(axes, f'No good return: {count} of {len(shown)} trials')
    axes.set_axis_off()
    axes.text(
        0, 0.99, '\n'.join(failure_lines(shown)) or 'Every ball came back onto the table.',
        transform=axes.transAxes, va='top', fontsize=9, color=INK, linespacing=1.4, gid='failed trials',
    )  # fmt: skip
