"""The tables of ``bench methods``: one kind for regrets, one for returns; a cell without a number says why."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from llm_policy_improver.experiments import learning_cells, statistics
from llm_policy_improver.experiments.example_variants import label_of
from llm_policy_improver.experiments.learning_cells import LEARNERS
from llm_policy_improver.experiments.program_cells import METHODS as PROGRAM_METHODS
from llm_policy_improver.experiments.report import Lines

MOST_TASKS: Final = 12
"""Columns of a table."""
_WIDTH: Final = 42
"""Of the first column, where several methods share a line."""

NEEDS_PARAMETERS: Final = 'needs parameters'
NEEDS_PROGRAM: Final = 'needs a program'
NEEDS_EPISODES: Final = 'needs episodes'
NEEDS_MODEL: Final = 'needs a language model'
NOT_RUN: Final = '-'

_TITLES: Final = {
    False: 'regret, median [95 % interval]; lower is better',
    True: 'return on unseen episodes, median [95 % interval]; higher is better',
}
_COSTS: Final = ('interactions', 'tokens')
"""Of a run, mean of its seeds: trials of parameters or steps in an environment, and tokens of a language model."""
_QUANTITIES: Final = {'best': 'Best kept', 'final': 'Last'}

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What does not take part, and why not.

    Attributes:
        tasks: whose packages are not installed, and the extra that installs them.
        methods: that ask a language model where none is named.
        extras: of methods whose packages are not installed, that install them.
    """

    tasks: Mapping[str, str] = field(default_factory=dict)
    methods: tuple[str, ...] = ()
    extras: Mapping[str, str] = field(default_factory=dict)


def tables(summary: Sequence[Entry], left_out: LeftOut) -> list[Lines]:
    """Tables of a summary: the best kept and the last, regrets and returns apart; and the kinds of the programs."""
    names = {label_of(entry): str(entry['method']) for entry in summary}
    names |= {name: name for name in (*left_out.methods, *left_out.extras)}
    found = []
    for quantity in _QUANTITIES:
        for higher in (False, True):
            tasks = list(dict.fromkeys(e['task'] for e in summary if e['higher_is_better'] is higher))
            tasks += [task for task in left_out.tasks if higher]
            parts = [tasks[at : at + MOST_TASKS] for at in range(0, len(tasks), MOST_TASKS)]
            for number, part in enumerate(parts, start=1):
                of = f' ({number} of {len(parts)})' if len(parts) > 1 else ''
                found.append(_Table(summary, names, part, higher, left_out).lines(quantity, of))
    if kinds := [entry for entry in summary if entry['kinds']]:
        found.append(_of_kinds(kinds))
    return found


def _of_kinds(entries: Sequence[Entry]) -> Lines:
    """How often the best program of a run was of a kind, a line for each method."""
    tasks = list(dict.fromkeys(entry['task'] for entry in entries))
    cells = {
        (label_of(entry), entry['task']): ', '.join(
            f'{count} {kind}' for kind, count in entry['kinds'].items()
        )
        for entry in entries
    }
    names = sorted({name for name, _ in cells})
    rows = tuple((name, *(cells.get((name, task), NOT_RUN) for task in tasks)) for name in names)
    return Lines('Kind of the best kept policy, and of how many runs', ('method', *tasks), rows)


def needs(method: str, task: str, episodes: bool) -> str | None:
    """Why a method can never be tried on a task, of episodes or of parameters; None where it can."""
    if method in LEARNERS:
        return learning_cells.obstacle(method, task) if episodes else NEEDS_EPISODES
    writes = method in PROGRAM_METHODS
    if writes is episodes:
        return None
    return NEEDS_PROGRAM if writes else NEEDS_PARAMETERS


class _Table:
    """One table: a line a method, the best on the whole first; methods without any number together at the end."""

    def __init__(
        self,
        summary: Sequence[Entry],
        names: Mapping[str, str],
        tasks: Sequence[str],
        higher: bool,
        left_out: LeftOut,
    ) -> None:
        self._names, self._tasks, self._higher, self._left_out = names, tasks, higher, left_out
        self._cells = {(label_of(entry), entry['task']): entry for entry in summary if entry['task'] in tasks}

    def lines(self, quantity: str, of: str) -> Lines:
        """The table of the best kept, or of the last."""
        here = sorted({name for name, _ in self._cells}, key=self._rank)
        costs = self._costs()
        rows = [
            (
                name,
                *(self._cell(name, task, quantity) for task in self._tasks),
                *(self._range(name, cost) for cost in costs),
                self._range(name, 'n'),
            )
            for name in here
        ]
        alike: dict[tuple[str, ...], list[str]] = {}
        for name in self._names:
            if name not in here:
                alike.setdefault(tuple(self._cell(name, task, quantity) for task in self._tasks), []).append(
                    name
                )
        nothing = (NOT_RUN,) * (len(costs) + 1)
        rows += [(_together(names), *cells, *nothing) for cells, names in alike.items()]
        headings = ('method', *map(self._heading, self._tasks), *costs, 'seeds')
        return Lines(f'{_QUANTITIES[quantity]}: {_TITLES[self._higher]}{of}', headings, tuple(rows))

    def _heading(self, task: str) -> str:
        units = {entry['unit'] for (_, where), entry in self._cells.items() if where == task}
        unit = units.pop() if len(units) == 1 else ''
        return f'{task} ({unit})' if unit and not self._higher else task

    def _cell(self, name: str, task: str, quantity: str) -> str:
        entry = self._cells.get((name, task))
        if entry is None:
            return self._why(name, task)
        found = entry[quantity]
        return statistics.Interval(found['median'], found['low'], found['high'], found['n']).text('.3g')

    def _why(self, name: str, task: str) -> str:
        """Why there is no number."""
        method = self._names[name]
        if needed := needs(method, task, self._higher):
            return needed
        if task in self._left_out.tasks:
            return f'needs the extra {self._left_out.tasks[task]}'
        if name in self._left_out.extras:
            return f'needs the extra {self._left_out.extras[name]}'
        return NEEDS_MODEL if name in self._left_out.methods else NOT_RUN

    def _costs(self) -> list[str]:
        """What a run costs, as far as methods differ in it: the same trials for all would say nothing."""
        found = []
        for cost in _COSTS:
            of_task: dict[str, set[int]] = {}
            for (_, task), entry in self._cells.items():
                of_task.setdefault(task, set()).add(round(entry[cost]))
            if any(len(counts) > 1 for counts in of_task.values()):
                found.append(cost)
        return found

    def _range(self, name: str, quantity: str) -> str:
        """Least and largest of its cells."""
        counts = [round(entry[quantity]) for (who, _), entry in self._cells.items() if who == name]
        least, most = min(counts), max(counts)
        return f'{least:,}' if least == most else f'{least:,} to {most:,}'

    def _rank(self, name: str) -> float:
        """Mean rank over the tasks that a method took part in: who is best on the whole comes first."""
        ranks = []
        for task in self._tasks:
            if (name, task) in self._cells:
                mine = self._loss(self._cells[name, task])
                others = (entry for (_, where), entry in self._cells.items() if where == task)
                ranks.append(sum(self._loss(entry) < mine for entry in others))
        return sum(ranks) / len(ranks)

    def _loss(self, entry: Entry) -> float:
        found = entry['best']['median']
        return math.inf if found is None else -found if self._higher else found


def _together(names: Sequence[str]) -> str:
    return '\n'.join(textwrap.wrap(', '.join(sorted(names)), _WIDTH))
