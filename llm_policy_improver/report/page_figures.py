"""The pictures of a report: landings, distance over trials, parameters over trials, effects of parameters."""

import math
import textwrap
from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.ticker import MaxNLocator

from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.finding import Agreement, ClaimedEffect
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.methods.numeric.effect_model import STEP
from llm_policy_improver.methods.sas.effects import CERTAIN
from llm_policy_improver.report.learned import LearnedEffect
from llm_policy_improver.report.map_panel import close_up, enlarge, fill, frame, legend, mark, whole_view
from llm_policy_improver.report.map_view import GOAL, GREY, INK, PALE, Goal, Shown, crowded, order_colours
from llm_policy_improver.report.panels import SOFT, draw_failures, failure_lines, panel_title
from llm_policy_improver.report.run_view import RunView
from llm_policy_improver.report.spread import Spread
from llm_policy_improver.report.stages import best_curve
from llm_policy_improver.report.wording import agreement_text

WIDTH: Final = 12.0
"""in, of every picture."""
EXPECTED: Final = '#4493f8'
REACHABLE: Final = '#1a7f37'
AGREES, CONTRADICTED = '#1a7f37', '#d1242f'

_MAP_HEIGHT: Final = 7.2
_MAP: Final = (0.055, 0.125, 0.575, 0.87)
_CLOSE_UP: Final = (0.69, 0.53, 0.29, 0.42)
_FAILURES: Final = (0.69, 0.04, 0.29, 0.4)
_FAILURES_ALONE: Final = (0.69, 0.04, 0.29, 0.9)
_COLUMNS: Final = 4
_CLAIM: Final = 26
"""Characters in a line beside an effect."""
_ENLARGED: Final = 4
"""Improvements that are worth a picture of their own."""


def map_figure(view: RunView) -> Figure:
    """The table from above with all landings; the spread of repeated ones as an ellipse around the best."""
    figure = Figure(figsize=(WIDTH, _MAP_HEIGHT), facecolor='white')
    shown, best, goal = view.shown, view.best, Goal.of(view.objective)
    inches = _CLOSE_UP[2] * WIDTH
    close = close_up(shown, best, inches, inches / (_CLOSE_UP[3] * _MAP_HEIGHT))
    axes = figure.add_axes(_MAP, label='map')
    frame(axes, view.objective, goal)
    fill(axes, whole_view(_MAP[2] * WIDTH), shown, best, goal, close)
    spread = Spread.of(view)
    if spread is not None and best is not None and best.place is not None:
        # 2.45 standard deviations hold 95 % of a plane's normal distribution.
        size = 2 * 2.45 * spread.x, 2 * 2.45 * spread.y
        axes.add_patch(Ellipse(best.place, *size, fill=False, ec=EXPECTED, lw=1.4, ls='--', zorder=6))
    legend(figure, shown, best, goal)
    if close is not None:
        mark(axes, close)
        enlarge(figure, _CLOSE_UP, close, shown, best, goal)
    lines = len(failure_lines(shown))
    draw_failures(figure.add_axes(_FAILURES if close or lines < 12 else _FAILURES_ALONE, label='failures'), shown)
    return figure


def distance_figure(view: RunView) -> Figure:
    """The distance to the goal over trials, what was expected of each proposal, and the best so far.

    On the left all trials, on the right the improvements alone, enlarged.
    """
    figure = Figure(figsize=(WIDTH, 3.6), facecolor='white')
    improved = [one for one in view.shown if not one.first]
    apart = len(improved) >= _ENLARGED and improved != list(view.shown)
    boxes = ((0.055, 0.15, 0.4, 0.7), (0.52, 0.15, 0.465, 0.7)) if apart else ((0.055, 0.15, 0.93, 0.7),)
    axes = [figure.add_axes(box) for box in boxes]
    _distances(axes[0], view, view.shown)
    if apart:
        panel_title(axes[0], 'All trials', pad=14)
        _distances(axes[1], view, improved)
        panel_title(axes[1], 'The proposals alone', pad=14)
    handles, labels = axes[-1].get_legend_handles_labels()
    more = [pair for pair in zip(*axes[0].get_legend_handles_labels(), strict=True) if pair[1] not in labels]
    figure.legend(
        [*handles, *(each for each, _ in more)], [*labels, *(each for _, each in more)], fontsize=9, frameon=False,
        loc='lower right', bbox_to_anchor=(0.99, 0.915), ncols=3,
    )  # fmt: skip
    return figure


def _distances(axes: Axes, view: RunView, shown: Sequence[Shown]) -> None:
    _plain(axes)
    measured = [(one.number, one.distance, one.first) for one in shown if one.distance is not None]
    if not measured:
        axes.set_axis_off()
        why = 'No good return to measure yet.' if view.objective.measurable else 'No program measures this objective.'
        axes.text(0, 0.9, why, transform=axes.transAxes, color=INK)
        return
    many = crowded(shown)
    colours, order = order_colours(view.shown)
    intervals = [
        (trial.number, said)
        for _, step, trial in view.played
        if trial is not None
        and not step.unchanged
        and (said := Expectation.of(step.proposal)) is not None
        and said.has_interval
    ]
    if intervals:
        axes.vlines(
            [number for number, _ in intervals], [said.low for _, said in intervals],
            [said.high for _, said in intervals], color=EXPECTED, lw=7, alpha=0.35,
            label='expected before the ball (8 of 10)', gid='expected',
        )  # fmt: skip
    for first in (True, False):
        some = [(number, distance) for number, distance, of_first in measured if of_first is first]
        axes.scatter(
            [number for number, _ in some], [distance for _, distance in some], s=8 if many else 16 if first else 36,
            c=[PALE if first else colours(order(number)) for number, _ in some], edgecolors=INK, linewidths=0.5,
            zorder=3, gid='distances', rasterized=many,
        )  # fmt: skip
    axes.step(
        *best_curve(view.shown, shown[0].number), where='post', color=INK, lw=1.4, zorder=2,
        label='best seen so far (under noise partly luck)', gid='best so far',
    )  # fmt: skip
    top = max(distance for _, distance, _ in measured)
    if (reachable := view.reachable) is not None:
        axes.axhline(
            reachable.distance_m, color=REACHABLE, lw=1.2, ls=(0, (5, 3)), zorder=1, gid='reachable',
            label=f'nearest that {reachable.trials:,} balls of a search came in simulation',
        )  # fmt: skip
        top = max(top, reachable.distance_m)
    axes.set_ylim(0, 1.12 * top)
    failed = [one.number for one in shown if not one.trial.succeeded]
    if failed:
        axes.plot(
            failed, [1.0] * len(failed), ls='none', marker='x', ms=6, color=GOAL, mew=1.4, clip_on=False,
            transform=axes.get_xaxis_transform(), label='no good return', gid='failed',
        )  # fmt: skip
    _over_trials(axes, shown)
    axes.set_ylabel('m to the goal', fontsize=9, color=SOFT)


def parameter_figure(view: RunView) -> Figure:
    """Each parameter over trials, between its bounds; a line at the value that changes nothing."""
    parameters = view.brief.space.parameters
    rows = math.ceil(len(parameters) / _COLUMNS)
    figure = Figure(figsize=(WIDTH, 1.7 * rows + 0.3), facecolor='white')
    axes_of = figure.subplots(rows, _COLUMNS, sharex=True, squeeze=False).ravel()
    figure.subplots_adjust(
        left=0.055, right=0.985, top=1 - 0.3 / (1.7 * rows), bottom=0.5 / (1.7 * rows + 0.3), hspace=0.45
    )
    colours, order = order_colours(view.shown)
    values, many = {one.number: view.values(one.trial) for one in view.shown}, crowded(view.shown)
    for parameter, axes in zip(parameters, axes_of, strict=False):
        _plain(axes)
        axes.set_title(parameter.heading, fontsize=10, loc='left', color=INK, pad=4)
        axes.axhline(parameter.neutral, color=PALE, lw=0.8, zorder=0)
        for first in (True, False):
            some = [one for one in view.shown if one.first is first]
            axes.scatter(
                [one.number for one in some],
                [values[one.number][parameter.name] for one in some],
                s=6 if many else 10 if first else 22,
                c=[PALE if first else colours(order(one.number)) for one in some],
                edgecolors=INK,
                linewidths=0.3,
                zorder=2,
                gid=f'values of {parameter.name}',
                rasterized=many,
            )
        margin = 0.06 * (parameter.high - parameter.low)
        axes.set_ylim(parameter.low - margin, parameter.high + margin)
        axes.set_yticks([parameter.low, parameter.neutral, parameter.high])
        _over_trials(axes, view.shown, label=False)
    for axes in axes_of[len(parameters) :]:
        axes.set_axis_off()
    for axes in axes_of[-_COLUMNS:]:
        axes.set_xlabel('trial', fontsize=9, color=SOFT)
    return figure


def effect_figure(effects: Sequence[tuple[Measure, Sequence[LearnedEffect]]]) -> Figure:
    """What raising each parameter does to each measure, with 95 % intervals, and what was claimed of it."""
    rows = max(len(each) for _, each in effects)
    claimed = any(one.claim is not None for _, each in effects for one in each)
    height = 0.33 * rows + 1.0
    figure = Figure(figsize=(WIDTH, height), facecolor='white')
    axes_of = figure.subplots(1, len(effects), squeeze=False)[0]
    figure.subplots_adjust(
        left=0.1,
        right=0.86 if claimed else 0.985,
        top=1 - 0.42 / height,
        bottom=0.5 / height,
        wspace=0.75 if claimed else 0.3,
    )
    for axes, (measure, found) in zip(axes_of, effects, strict=True):
        _plain(axes)
        panel_title(axes, f'{measure.column}: {measure.less} ◀ ▶ {measure.more}')
        axes.axvline(0.0, color=GREY, lw=0.9, zorder=0)
        for row, one in enumerate(found):
            change, doubt = one.effect.change, CERTAIN * one.effect.error
            colour = INK if one.effect.clear else PALE
            axes.errorbar(change, row, xerr=doubt, fmt='o', ms=6, color=colour, capsize=3, lw=1.5)
            if one.claim is not None:
                agreement = one.claim.agreement
                shade = {Agreement.AGREES: AGREES, Agreement.CONTRADICTED: CONTRADICTED}.get(agreement, SOFT)
                said = textwrap.fill(f'{_claimed(one.claim, measure)}: {agreement_text(one.claim)}', _CLAIM)
                axes.text(
                    1.03, row, said, transform=axes.get_yaxis_transform(), va='center', fontsize=8.5, color=shade,
                    linespacing=1.0,
                )  # fmt: skip
        axes.set_yticks(range(len(found)), [one.parameter.label for one in found])
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.xaxis.set_major_formatter('{x:g}')
        axes.set_xlabel(f'{measure.unit} for +{STEP:g}, with its 95 % interval', fontsize=9, color=SOFT)
        if claimed:
            axes.set_title('the model said', fontsize=9, color=SOFT, loc='right', x=1.38)
    return figure


def _claimed(claim: ClaimedEffect, measure: Measure) -> str:
    return {1: f'▶ {measure.more}', -1: f'◀ {measure.less}', 0: '● hardly'}[claim.sign]


def compared_figure(views: Sequence[RunView]) -> Figure:
    """The best distance so far over the trials of each run."""
    figure = Figure(figsize=(WIDTH, 3.8), facecolor='white')
    axes = figure.add_axes((0.055, 0.14, 0.6, 0.8))
    _plain(axes)
    for index, view in enumerate(views, 1):
        axes.step(
            *best_curve(view.shown), where='post', lw=2, color=f'C{(index - 1) % 10}',
            label=textwrap.shorten(f'{index}: {view.objective.words}, {view.method}', 60, placeholder=' …'),
            ls=('-', '--', ':', '-.')[(index - 1) // 10 % 4],
        )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel('trial', fontsize=9, color=SOFT)
    axes.set_ylabel('m to the goal, best so far', fontsize=9, color=SOFT)
    axes.legend(fontsize=9, frameon=False, loc='upper left', bbox_to_anchor=(1.01, 1.0))
    return figure


def _plain(axes: Axes) -> None:
    axes.spines[['top', 'right']].set_visible(False)
    axes.tick_params(labelsize=8.5, colors=SOFT, length=3)


def _over_trials(axes: Axes, shown: Sequence[Shown], label: bool = True) -> None:
    """Scale the trials' axis and mark where the improvements begin."""
    axes.set_xlim(shown[0].number - 1, shown[-1].number + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12 if label else 6))
    begin = next((one.number for one in shown if not one.first), None)
    begun = begin is not None and begin != shown[0].number
    if begun and begin is not None:
        axes.axvline(begin - 0.5, color=GREY, lw=0.9, ls=(0, (3, 2)), zorder=0)
    if label:
        said = 'trial   (dashed: the proposals begin)' if begun else 'trial'
        axes.set_xlabel(said, fontsize=9, color=SOFT)
