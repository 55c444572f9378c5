"""The picture of a calibration: what the coefficients were and are, and what flights and predictions are off."""

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter

from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.calibration.calibrate import Calibration
from llm_policy_improver.table_tennis.calibration.coefficient import KNOWN_BEFORE
from llm_policy_improver.table_tennis.calibration.held_out import AHEAD
from llm_policy_improver.table_tennis.calibration.told import before_of, measured

_BEFORE: Final = 'tab:gray'
_AFTER: Final = 'tab:blue'
_MOST_FLIGHTS: Final = 60
"""Drawn: more hide each other."""


def draw(calibration: Calibration, path: Path) -> None:
    """Save the picture (PNG)."""
    figure = Figure(figsize=(12.0, 8.6), layout='constrained')
    FigureCanvasAgg(figure)
    (flights, coefficients), (misfits, errors) = figure.subplots(2, 2)
    _draw_flights(flights, calibration)
    _draw_coefficients(coefficients, calibration)
    _draw_residuals(misfits, calibration)
    _draw_errors(errors, calibration)
    used = int(calibration.fit.used.sum())
    figure.suptitle(
        f'Calibration: {calibration.recordings} recordings, {len(calibration.flights)} flights, {used} of them fitted'
    )
    figure.savefig(path, dpi=130)


def _draw_flights(axes: Axes, calibration: Calibration) -> None:
    shown = np.linspace(0, len(calibration.flights) - 1, min(_MOST_FLIGHTS, len(calibration.flights))).astype(
        int
    )
    for number in np.unique(shown).tolist():
        flight = calibration.flights[number]
        colour = 'tab:red' if not calibration.fit.used[number] else 'tab:orange' if flight.follows else _AFTER
        axes.plot(flight.position[:, 1], flight.position[:, 2], '.', markersize=1.5, color=colour, alpha=0.5)
    axes.add_patch(Rectangle((-table.HALF_LENGTH, -0.03), table.LENGTH, 0.03, color='tab:green', alpha=0.6))
    axes.plot([0.0, 0.0], [0.0, table.NET_HEIGHT], color='black', linewidth=1.5)
    kinds = [(_AFTER, 'flights'), ('tab:orange', 'after a hit')]
    if not calibration.fit.used.all():
        kinds.append(('tab:red', 'left out: follows no law'))
    for colour, name in kinds:
        axes.plot([], [], 'o', markersize=4, color=colour, label=name)
    axes.set(
        xlabel='y, along the table (m); the robot is on the left', ylabel='z, above the surface (m)',
        title='Sightings, seen from the side, frame levelled',
    )  # fmt: skip
    axes.legend(loc='upper right', fontsize=8)


def _draw_coefficients(axes: Axes, calibration: Calibration) -> None:
    found = [each for name, each in calibration.coefficients.items() if name in KNOWN_BEFORE]
    names = []
    for row, each in enumerate(reversed(found)):
        width = KNOWN_BEFORE[each.name]
        names.append(each.name.replace('_', ' '))
        axes.barh(row, 2.0, left=-1.0, height=0.6, color=_BEFORE, alpha=0.25)
        if not each.determined:
            axes.text(0.0, row, 'not determined: kept', ha='center', va='center', fontsize=8)
            continue
        at, wide = (each.value - each.before) / width, 2.0 * each.standard_error / width
        axes.errorbar(at, row, xerr=wide, fmt='o', color=_AFTER, markersize=5, capsize=3)
        shown = f'{before_of(each)} → {measured(each).replace("+-", "±")}'
        axes.text(at, row + 0.34, shown, fontsize=7.5, ha='center', va='bottom', clip_on=False)
    ends = [abs(each.value - each.before) + 2.0 * each.standard_error for each in found if each.determined]
    widths = [KNOWN_BEFORE[each.name] for each in found if each.determined]
    most = max([1.5, *(end / width for end, width in zip(ends, widths, strict=True))])
    axes.axvline(0.0, color=_BEFORE, linewidth=1.0)
    axes.set(
        yticks=range(len(names)), yticklabels=names, ylim=(-0.6, len(names)), xlim=(-1.3 * most, 1.3 * most),
        xlabel='change, in standard deviations of what was known before (grey: ±1)',
        title='Coefficients: before → measured (bars: ±2 standard errors)',
    )  # fmt: skip


def _draw_residuals(axes: Axes, calibration: Calibration) -> None:
    used = np.flatnonzero(calibration.fit.used)
    for fit, colour, name in (
        (calibration.fit_before, _BEFORE, 'coefficients from before'),
        (calibration.fit, _AFTER, 'calibrated'),
    ):
        sizes = 1e3 * np.array([np.sqrt(np.mean(fit.off[row] ** 2)) for row in used])
        axes.plot(
            np.sort(sizes), (np.arange(len(sizes)) + 1) / len(sizes), color=colour, label=name, linewidth=2
        )
    noise = 1e3 * calibration.filter.sighting
    axes.axvline(noise, color='black', linestyle=':', label=f"the cameras' noise, {noise:.1f} mm")
    axes.set(
        xlabel='what the sightings of a flight are off its fit (mm, root mean square)', ylabel='share of the flights',
        ylim=(0.0, 1.02), xscale='log', title='Do the laws explain the flights? (further left: better)',
    )  # fmt: skip
    axes.xaxis.set_major_formatter('{x:g}')
    low, high = axes.get_xlim()
    axes.xaxis.set_minor_formatter('{x:g}' if high < 30.0 * low else NullFormatter())
    axes.tick_params(axis='x', which='minor', labelsize=7)
    axes.legend(loc='lower right', fontsize=8)


def _draw_errors(axes: Axes, calibration: Calibration) -> None:
    before, after = calibration.held_out_m
    for errors, middle, colour, name in (
        (calibration.errors_before, before, _BEFORE, 'coefficients from before'),
        (calibration.errors_after, after, _AFTER, 'calibrated on the other flights'),
    ):
        if len(errors):
            ordered = 1e3 * np.sort(errors)
            label = f'{name}: median {1e3 * middle:.0f} mm'
            axes.plot(
                ordered, (np.arange(len(ordered)) + 1) / len(ordered), color=colour, label=label, linewidth=2
            )
            axes.plot([1e3 * middle], [0.5], 'o', color=colour)
    if not len(calibration.errors_before):
        axes.text(0.5, 0.5, 'no held-out flight is seen long enough', ha='center', transform=axes.transAxes)
    else:
        axes.legend(loc='lower right', fontsize=8)
        both = np.concatenate((calibration.errors_before, calibration.errors_after))
        axes.set(xlim=(0.0, 1.05e3 * float(np.quantile(both, 0.97))))
    axes.set(
        xlabel='distance between predicted and seen ball (mm; further left: better)',
        ylabel='share of the predictions', ylim=(0.0, 1.02),
        title=f'Held-out flights, predicted {AHEAD:g} s ahead through the bounce',
    )  # fmt: skip
