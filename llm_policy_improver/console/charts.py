"""The pictures of a page: plain data from here, drawn by the browser beside this file, text as text."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.colors import to_hex
from nicegui import ui

from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.report.map_view import Goal, order_colours
from llm_policy_improver.report.run_view import RunView
from llm_policy_improver.report.spread import Spread
from llm_policy_improver.report.stages import best_so_far
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.tracing.observed import expected_place

_BROWSER: Final = Path(__file__).parent / 'browser'
FIRST: Final = '#9aa4ae'
"""Colour of the first trials, before any improvement."""


class LandingMap(ui.element, component=_BROWSER / 'landing_map.js'):
    """The opponent's half from above; emits ``choose`` with the number of a trial."""


class DistanceChart(ui.element, component=_BROWSER / 'distance_chart.js'):
    """Distance over trials; emits ``choose`` with the number of a trial."""


class TrialTable(ui.element, component=_BROWSER / 'trial_table.js'):
    """The same as a table, behind a fold; emits ``choose`` with the number of a trial."""


class CompareChart(ui.element, component=_BROWSER / 'compare_chart.js'):
    """The best distance so far over the trials of several runs."""


def trials_data(view: RunView) -> list[dict[str, Any]]:
    """Every trial as the pictures show it: metres, and None for what there is not."""
    colours, order = order_colours(view.shown)
    shades = np.asarray(colours(order([one.number for one in view.shown])))
    expected = {
        trial.number: (Expectation.of(step.proposal), expected_place(step.proposal))
        for _, step, trial in view.played
        if trial is not None and not step.unchanged
    }
    found: list[dict[str, Any]] = []
    for one, shade, lowest in zip(view.shown, shades.tolist(), best_so_far(view.shown), strict=True):
        said, place = expected.get(one.number, (None, None))
        found.append(
            {
                'number': one.number,
                'place': rounded(one.place),
                'distance': None if one.distance is None else round(one.distance, 4),
                'lowest': None if lowest is None else round(lowest, 4),
                'expected': [said.low, said.high] if said is not None and said.has_interval else None,
                'foretold': rounded(place),
                'first': one.first,
                'outcome': one.trial.outcome.replace('_', ' '),
                'by': one.trial.proposed_by,
                'colour': FIRST if one.first else to_hex(shade),
            }
        )
    return found


def rounded(place: tuple[float, float] | None) -> list[float] | None:
    """A place on the table, m, to a tenth of a millimetre."""
    return None if place is None else [round(each, 4) for each in place]


def map_data(view: RunView) -> dict[str, Any]:
    """Table, aim, best trial and spread, m, and whether the run is at its end."""
    goal, spread = Goal.of(view.objective), Spread.of(view)
    return {
        'table': {'half': table.HALF_WIDTH, 'length': table.HALF_LENGTH, 'net': table.HALF_WIDTH + table.NET_OVERHANG},
        'goal': None if goal is None else [goal.x, goal.y],
        'best': None if view.best is None else view.best.number,
        'over': view.end is not None,
        # 2.45 standard deviations hold 95 % of a plane's normal distribution.
        'spread': None if spread is None else [2.45 * spread.x, 2.45 * spread.y],
    }
