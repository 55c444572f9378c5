"""The trials as a table in a prompt, rounded, one line each, aligned so that columns compare at a glance.

Single spaces between the columns: what people line up with more of them or with bars costs a third more tokens.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.ranking import ranked, trial_number
from llm_policy_improver.methods.sas.history_selection import Selection
from llm_policy_improver.methods.sas.sas_options import SasOptions


class TrialTable:
    """Writes trials for one objective.

    Attributes:
        NEAREST: trials named in the ranking below the table.
        REACHED: what is said where the first of them is near enough.

    Args:
        brief: of the task.
        objective: what the person asked.
        options: digits, order, and whether distances are told.
        names: (n,) what the parameters are called.
    """

    NEAREST: ClassVar = 5
    REACHED: ClassVar = 'The objective is reached.'

    def __init__(self, brief: Brief, objective: Objective, options: SasOptions, names: Sequence[str]) -> None:
        self._brief = brief
        self._objective = objective
        self._options = options
        self._names = names
        self._measures = brief.told(objective)
        self._distances = options.distances and objective.measurable

    def header(self) -> str:
        """The names of the columns."""
        columns = ['trial', *self._names, *(measure.column for measure in self._measures)]
        columns += ['distance'] if self._distances else []
        return ' '.join([*columns, 'outcome'])

    def row(self, history: Sequence[Trial], position: int) -> str:
        """One trial; what a measure says by accident, e.g. where a ball drops that the net stopped, is left out."""
        trial = history[position]
        cells = [
            f'{trial_number(history, position):2d}',
            *(f'{value:.{self._options.digits}f}' for value in self._brief.space.values(trial)),
            *(number(trial.told(measure), measure) for measure in self._measures),
        ]
        if self._distances:
            cells.append(distance_text(self._objective.distance(trial)))
        # Where measures are missing, the note says by how much the trial failed.
        note = f' ({trial.note})' * (not trial.succeeded and trial.tested and bool(trial.note))
        return ' '.join([*cells, f'{trial.outcome}{note}'])

    def rows(self, history: Sequence[Trial], selection: Selection) -> str:
        """The selected trials, in the order that the options ask for."""
        shown = list(selection.shown)
        if self._options.order == 'best_last':
            order = ranked(history, self._objective)
            shown.sort(key=lambda position: -order.index(position) if position in order else -len(history))
        elif self._options.order == 'random':
            # By its own number, so that a trial more leaves the others in their order.
            shown.sort(key=lambda position: np.random.default_rng([7, position]).random())
        return '\n'.join([self.header(), *(self.row(history, position) for position in shown)])

    def totals(self, history: Sequence[Trial], selection: Selection, noise: float) -> list[str]:
        """Sentences about all trials: how many succeeded, which are nearest, and what those not shown came to."""
        succeeded = sum(trial.succeeded for trial in history)
        lines = [f'{succeeded} of {len(history)} trials {self._brief.success}.']
        if self._options.distances and (order := ranked(history, self._objective)[: self.NEAREST]):
            named = (
                f'trial {trial_number(history, position)} '
                f'({distance_text(self._objective.distance(history[position]))})'
                for position in order
            )
            lines[0] += f' Nearest to the objective: {", ".join(named)}.'
            lines[0] += self._missing(history[order[0]], trial_number(history, order[0]), noise)
        if selection.left_out:
            lines.append(self._left_out([history[position] for position in selection.left_out]))
        return lines

    def _missing(self, trial: Trial, name: int, noise: float) -> str:
        """Whether the nearest trial reaches the objective, or what it misses of an aim that is several things."""
        distance = self._objective.distance(trial)
        if distance is None:
            return ''
        if distance <= self._objective.reached_within(noise):
            return f' {self.REACHED}'
        if len(self._objective.terms) < 2:
            return ''
        parts = []
        for term in self._objective.terms:
            value, (low, high) = trial.measures[term.measure.name], term.aim
            missing = max(low - value, 0.0) - max(value - high, 0.0)
            parts.append(f'{term.measure.column} {missing:+.{term.measure.digits}f}')
        return f' From trial {name} to the aim, {" and ".join(parts)} are missing.'

    def _left_out(self, trials: Sequence[Trial]) -> str:
        good = [trial for trial in trials if trial.succeeded]
        some = '1 trial is' if len(trials) == 1 else f'{len(trials)} trials are'
        text = f'{some} not shown: {len(good)} {self._brief.success}'
        for measure in self._measures:
            values = [trial.measures[measure.name] for trial in good if measure.name in trial.measures]
            if all(measure.margins) and values:
                text += f', {measure.column} {number(min(values), measure)} to {number(max(values), measure)}'
                text += f' (mean {number(float(np.mean(values)), measure)})'
        distances = [d for trial in trials if (d := self._objective.distance(trial)) is not None]
        if self._options.distances and distances:
            text += f', {min(distances):.3f} or more from the objective'
        return text + '.'


def number(value: float | None, measure: Measure) -> str:
    """A measure to its own digits, with its sign where it can be negative."""
    if value is None:
        return '-'
    sign = '+' if measure.low < 0.0 else ''
    return f'{value:{sign}.{measure.digits}f}'


def distance_text(value: float | None, digits: int = 3) -> str:
    """A distance to the objective."""
    return '-' if value is None else f'{value:.{digits}f}'
