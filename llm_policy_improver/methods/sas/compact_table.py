"""The table of noisy trials: no digits that noise drowns, no columns that a model has read already."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.term import Extreme
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.ranking import trial_number
from llm_policy_improver.methods.sas.advice.digits import coarse_texts
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.methods.sas.told import looked_at
from llm_policy_improver.methods.sas.trial_table import TrialTable, distance_text, number

STEPS: Final = 100
"""Of a measure's range that are told apart, at least."""


class CompactTable(TrialTable):
    """Writes trials for one objective: the parameters, where they came down and what is wanted, and what failed."""

    NEAREST: ClassVar = 3
    REACHED: ClassVar = 'That counts as reached, unless it was luck.'

    def __init__(self, brief: Brief, objective: Objective, options: SasOptions, names: Sequence[str]) -> None:
        super().__init__(brief, objective, options, names)
        self._columns = [_coarse(each) for each in looked_at(brief, objective)]
        # As large or small as possible: the measure itself ranks the trials.
        single = len(objective.terms) == 1 and isinstance(objective.terms[0].want, Extreme)
        self._distances = self._distances and not single

    def header(self) -> str:
        """The names of the columns."""
        columns = ['trial', *self._names, *(measure.column for measure in self._columns)]
        return ' '.join([*columns, *(['distance'] if self._distances else []), 'failure'])

    def row(self, history: Sequence[Trial], position: int) -> str:
        """One trial; of one that missed, where it would have come down."""
        trial, space = history[position], self._brief.space
        cells = [
            str(trial_number(history, position)),
            *coarse_texts(space.values(trial), space),
            *(number(_known(trial, measure), measure) for measure in self._columns),
        ]
        if self._distances:
            cells.append(distance_text(self._objective.distance(trial), 2))
        return ' '.join([*cells, *self._failure(trial)])

    def _failure(self, trial: Trial) -> list[str]:
        """How it failed, and the measures beyond their ranges that no column tells."""
        if trial.succeeded:
            return []
        shown = {each.name for each in self._columns}
        beyond = [each for each in self._brief.planned if each.name not in shown and _out_of_range(trial, each)]
        values = [f'{each.column} {number(trial.told(each), _coarse(each))}' for each in beyond]
        return [', '.join([trial.outcome, *values])]


def _coarse(measure: Measure) -> Measure:
    """The same with no more decimals than tell `STEPS` of its range apart."""
    needed = math.ceil(-math.log10((measure.high - measure.low) / STEPS) - 1e-9)
    return replace(measure, digits=min(measure.digits, max(needed, 0)))


def _known(trial: Trial, measure: Measure) -> float | None:
    value = trial.told(measure)
    return trial.measures.get(measure.carried_on) if value is None and measure.carried_on else value


def _out_of_range(trial: Trial, measure: Measure) -> bool:
    value, (below, above) = trial.told(measure), measure.margins
    return value is not None and ((below > 0.0 and value < measure.low) or (above > 0.0 and value > measure.high))
