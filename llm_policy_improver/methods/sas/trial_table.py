"""The trials as a table in a prompt, rounded, one line each, aligned so that columns compare at a glance.

Single spaces between the columns: what people line up with more of them or with bars costs a third more tokens.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trace import ExecutionTrace, Outcome
from llm_policy_improver.methods.numeric.landing_model import FLOWN
from llm_policy_improver.methods.ranking import ranked, trial_number
from llm_policy_improver.methods.sas.domain import reached_within, with_margins
from llm_policy_improver.methods.sas.history_selection import Selection
from llm_policy_improver.methods.sas.sas_options import SasOptions

TELLING: Final = frozenset({Outcome.OUT, Outcome.OWN_SIDE})
"""Outcomes whose note says by how much the table was missed."""

NEAREST: Final = 5
"""Trials named in the ranking below the table."""


def metres(value: float | None) -> str:
    """Millimetres are the last digit."""
    return '-' if value is None else f'{value:.3f}'


def header(objective: Objective, options: SasOptions) -> str:
    """The names of the columns."""
    columns = ['trial', *options.names, 'x', 'y', 'net_clearance', 'peak_height']
    columns += ['distance'] if options.distances and objective.goal is not None else []
    return ' '.join([*columns, 'outcome'])


def row(history: Sequence[ExecutionTrace], position: int, objective: Objective, options: SasOptions) -> str:
    """One trial."""
    trace = history[position]
    # Where a ball drops that the net stopped says nothing about the shot.
    landing = trace.landing if trace.outcome in FLOWN else None
    cells = [
        f'{trial_number(history, position):2d}',
        *(f'{value:.{options.digits}f}' for value in trace.parameters.attenuation),
        '-' if landing is None else f'{landing.x:+.3f}',
        metres(landing.y if landing else None),
        metres(trace.net_clearance),
        metres(trace.peak_height),
    ]
    if options.distances and objective.goal is not None:
        cells.append(metres(objective.distance(trace)))
    note = f' ({trace.note})' * (trace.outcome in TELLING and bool(trace.note))
    return ' '.join([*cells, f'{trace.outcome}{note}'])


def trial_table(
    history: Sequence[ExecutionTrace], objective: Objective, selection: Selection, options: SasOptions
) -> str:
    """The selected trials, in the order that the options ask for."""
    shown = list(selection.shown)
    if options.order == 'best_last':
        order = ranked(history, objective)
        shown.sort(key=lambda position: -order.index(position) if position in order else -len(history))
    elif options.order == 'random':
        # By its own number, so that a trial more leaves the others in their order.
        shown.sort(key=lambda position: np.random.default_rng([7, position]).random())
    return '\n'.join(
        [header(objective, options), *(row(history, position, objective, options) for position in shown)]
    )


def totals(
    history: Sequence[ExecutionTrace],
    objective: Objective,
    selection: Selection,
    options: SasOptions,
    noise: float,
) -> list[str]:
    """Sentences about all trials: how many landed, which are nearest, and what those not shown came to."""
    landed = sum(trace.landed for trace in history)
    lines = [f"{landed} of {len(history)} trials landed on the opponent's half."]
    if options.distances and (order := ranked(history, objective)[:NEAREST]):
        named = (
            f'trial {trial_number(history, position)} ({metres(objective.distance(history[position]))} m)'
            for position in order
        )
        lines[0] += f' Nearest to the objective: {", ".join(named)}.'
        best, name = history[order[0]], trial_number(history, order[0])
        lines[0] += _missing(best, objective, name, noise)
    if selection.left_out:
        lines.append(_left_out([history[position] for position in selection.left_out], objective, options))
    return lines


def _missing(trace: ExecutionTrace, objective: Objective, name: int, noise: float) -> str:
    """Whether the nearest trial reaches the objective, or what it misses of the aim; empty where a distance says it."""
    goal, landing, distance = objective.goal, trace.landing, objective.distance(trace)
    if goal is None or landing is None or distance is None:
        return ''
    if distance <= reached_within(goal, noise):
        return ' The objective is reached.'
    aim = with_margins(goal)
    if aim.x is None or aim.y is None:
        return ''
    x, y = aim.x - landing.x, aim.y - landing.y
    return f' From trial {name} to the aim, x {x:+.3f} and y {y:+.3f} are missing.'


def _left_out(traces: Sequence[ExecutionTrace], objective: Objective, options: SasOptions) -> str:
    places = np.array([(t.landing.x, t.landing.y) for t in traces if t.landed and t.landing is not None])
    some = '1 trial is' if len(traces) == 1 else f'{len(traces)} trials are'
    text = f'{some} not shown: {len(places)} landed'
    if len(places):
        (low_x, low_y), (x, y), (high_x, high_y) = places.min(0), places.mean(0), places.max(0)
        spread = (
            f'x {low_x:+.3f} to {high_x:+.3f} (mean {x:+.3f}), y {low_y:.3f} to {high_y:.3f} (mean {y:.3f})'
            if len(places) > 1
            else f'x {x:+.3f}, y {y:.3f}'
        )
        text += f', at {spread}'
        distances = [d for trace in traces if (d := objective.distance(trace)) is not None]
        if options.distances and distances:
            text += f', {min(distances):.3f} m or more from the objective'
    return text + '.'
