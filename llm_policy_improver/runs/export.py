"""Trials of a run as a table, for pandas and spreadsheets: one row a trial, one column a parameter and a measure."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs.written import written_whole

Row = dict[str, Any]


def trial_rows(
    objective: Objective, first: int, trials: Sequence[Trial], steps: Mapping[int, Step]
) -> list[Row]:
    """The rows, oldest first; what a trial does not have is None.

    Args:
        objective: of the run, for the column ``distance``.
        first: how many trials came before any improvement.
        trials: of the run.
        steps: the step of a trial, by the trial's number, for what was expected and why.
    """
    return [
        _row(objective, trial, index < first, steps.get(trial.number)) for index, trial in enumerate(trials)
    ]


def _row(objective: Objective, trial: Trial, first: bool, step: Step | None) -> Row:
    expected = None if step is None else Expectation.of(step.proposal)
    return {
        'trial': trial.number,
        'first': first,
        'version': trial.version,
        'proposed_by': trial.proposed_by,
        'seed': None if step is None else step.seed,
        'outcome': str(trial.outcome),
        'succeeded': trial.succeeded,
        'tested': trial.tested,
        'distance': objective.distance(trial),
        'expected_loss': None if expected is None else expected.loss,
        'expected_low': None if expected is None else expected.low,
        'expected_high': None if expected is None else expected.high,
        'expected_success': None if expected is None else expected.success,
        **{f'parameter_{name}': value for name, value in trial.plain.items()},
        **{f'measure_{name}': value for name, value in trial.measures.items()},
        'reason': '' if step is None else step.reason,
        'note': trial.note,
    }


def columns(rows: Iterable[Row]) -> list[str]:
    """All columns, in the order in which they come; what people wrote stands last."""
    found = list(dict.fromkeys(name for row in rows for name in row))
    last = [name for name in ('reason', 'note') if name in found]
    return [*(name for name in found if name not in last), *last]


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Into a file that ``pandas.read_csv`` reads; what is not there is an empty field.

    Raises:
        StoreError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, columns(rows), lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
    with written_whole(path) as partial:
        partial.write_text(text.getvalue(), encoding='utf-8')


def write_parquet(path: Path, rows: Sequence[Row]) -> None:
    """Into a file that ``pandas.read_parquet`` reads.

    Raises:
        SettingsError: pyarrow is not installed.
        StoreError: it cannot be written.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise SettingsError(
            'Parquet needs pyarrow: install it with "pip install llm-policy-improver[export]", or export CSV'
        ) from None
    table = pyarrow.table({name: [row.get(name) for row in rows] for name in columns(rows)})
    with written_whole(path) as partial:
        pyarrow.parquet.write_table(table, partial)
