"""``bench simulated-trials``: what the simulated arm does with policies spread as first trials are.

For whoever wants to know beforehand what parameters do: a prior, a surrogate, a data set. Policies and landings by the
hundred in each cell; more trials are more cells, and those that are there stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any, Final

import numpy as np

from llm_policy_improver.experiments.cells import Cell, Shard, open_cells
from llm_policy_improver.experiments.executors import Executor, run_cells
from llm_policy_improver.experiments.report import Lines, Report
from llm_policy_improver.experiments.rows import Row, require_rows
from llm_policy_improver.experiments.table_tennis import task
from llm_policy_improver.methods.initial_design import initial_design
from llm_policy_improver.report.progress_bar import Step
from llm_policy_improver.table_tennis.space import Searched, parameter_space

COLUMNS: Final = ('parameters', 'noisy', 'block')
A_BLOCK: Final = 100
"""Trials of a cell: some seconds."""
FIRST_SEED: Final = 2**29
"""Of the trials. No trial of an experiment with the arm has one of these seeds, so that none of its tests was seen
before: balls that score a program have larger ones (`tasks.program_score.FIRST_UNSEEN`), all others smaller ones."""
_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class TrialsPlan:
    """Attributes:
    trials: in whole blocks of `A_BLOCK`.
    searched: which parameters are spread; the others are neutral.
    noisy: whether cameras have noise and everything has delays.
    """

    trials: int
    searched: Searched
    noisy: bool

    def cells(self) -> list[Cell]:
        """One a block."""
        return [
            Cell(
                (self.searched.value, int(self.noisy), block),
                partial(play_block, self.searched, self.noisy, block),
            )
            for block in range(-(-self.trials // A_BLOCK))
        ]


def play_block(searched: Searched, noisy: bool, block: int) -> Row:
    """Policies of an `initial_design`, the unchanged controller first, each with a seed of its own.

    Returns:
        ``names`` of the parameters; a list each of ``values`` (n,), ``outcomes``, ``seeds`` and, for each measure,
        its value or None.
    """
    space = parameter_space(searched)
    generator = np.random.default_rng((block, int(noisy), *searched.value.encode()))
    policies = [space.at(values) for values in initial_design(A_BLOCK, space, generator)]
    seeds = range(FIRST_SEED + block * A_BLOCK, FIRST_SEED + (block + 1) * A_BLOCK)
    played = [task(noisy).run(policy, seed) for policy, seed in zip(policies, seeds, strict=True)]
    measured = sorted({name for trial in played for name in trial.measures})
    return {
        'parameters': searched.value, 'noisy': int(noisy), 'block': block, 'names': list(space.names),
        'values': [list(policy.values) for policy in policies], 'seeds': list(seeds),
        'outcomes': [str(trial.outcome) for trial in played],
        'measures': {name: [_told(trial.measures.get(name)) for trial in played] for name in measured},
    }  # fmt: skip


def _told(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def run(plan: TrialsPlan, folder: Path, executor: Executor, shard: Shard, progress: Step) -> Report:
    """Play what is missing of a shard, and report on all that the folder holds.

    Raises:
        ExperimentError: the folder cannot be used, or the workers are gone.
    """
    cells = open_cells(folder, {'experiment': 'simulated trials'}, COLUMNS)
    mine = shard.share(plan.cells(), lambda cell: cell.key)
    run_cells('simulated trials', mine, cells, executor, progress)
    rows = cells.rows()
    require_rows(folder, rows)
    summary = summarize(rows)
    return Report(folder, rows, summary, [_table(summary)], [])


def summarize(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """How many of each kind there are, how many landed, and where: mean and standard deviation, m."""
    found = []
    for kind in sorted({(row['parameters'], row['noisy']) for row in rows}):
        blocks = [row for row in rows if (row['parameters'], row['noisy']) == kind]
        outcomes = [outcome for row in blocks for outcome in row['outcomes']]
        entry: dict[str, Any] = {
            'parameters': kind[0], 'noisy': bool(kind[1]), 'trials': len(outcomes),
            'landed': outcomes.count('landed') / len(outcomes),
        }  # fmt: skip
        for name in ('landing_x', 'landing_y'):
            values = [value for row in blocks for value in row['measures'].get(name, ()) if value is not None]
            entry[name] = {'mean': fmean(values), 'standard_deviation': pstdev(values)} if values else None
        found.append(entry)
    return found


def _table(summary: Sequence[dict[str, Any]]) -> Lines:
    def place(entry: dict[str, Any], name: str) -> str:
        found = entry[name]
        return '-' if found is None else f'{found["mean"]:.2f} +- {found["standard_deviation"]:.2f}'

    lines = tuple(
        (
            entry['parameters'] + ', noisy' * entry['noisy'], f'{entry["trials"]:,}', f'{entry["landed"]:.0%}',
            place(entry, 'landing_x'), place(entry, 'landing_y'),
        )
        for entry in summary
    )  # fmt: skip
    headings = ('parameters', 'trials', 'landed', 'landing x (m)', 'landing y (m)')
    return Lines('Simulated trials, parameters spread as those of first trials', headings, lines)
