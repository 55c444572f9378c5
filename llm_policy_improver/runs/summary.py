"""A stored run in a line: what was asked, how far it came, whether it goes on. Its steps are long and stay unread."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.method import INITIAL
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.runs.store_records import StoredSettings
from llm_policy_improver.runs.store_schema import DATABASE
from llm_policy_improver.runs.stored_objective import objective_of
from llm_policy_improver.runs.writer_lock import writer_of

GOES_ON: Final = 'goes on'
INTERRUPTED: Final = 'interrupted'
_ENDED: Final = 'ended'


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Of the last objective in a store.

    Attributes:
        folder: of the store.
        created_at: of the store, UTC.
        objective: the person's words; empty where none was stored.
        proposed_by: who proposed last.
        trials: in the store.
        returned: share of them that were good returns.
        best_m: distance to the objective of the best trial; None where there is none.
        expected_m: expected loss of what is recommended; None where nothing is.
        state: `GOES_ON`, `INTERRUPTED`, or how it ended.
    """

    folder: Path
    created_at: datetime
    objective: str
    proposed_by: str
    trials: int
    returned: float
    best_m: float | None
    expected_m: float | None
    state: str

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'run': str(self.folder),
            'created_at': self.created_at.isoformat(),
            'objective': self.objective,
            'proposed_by': self.proposed_by,
            'trials': self.trials,
            'returned': self.returned,
            'best_distance_m': self.best_m,
            'expected_loss_m': self.expected_m,
            'state': self.state,
        }


def summary(folder: Path) -> RunSummary:
    """Of the run in a folder.

    Raises:
        StoreError: there is none, or nothing of it can be read.
    """
    with closing(RunRecords.look(folder)) as store, store.understood():
        trials, settings = store.trials(), store.settings()
        last = settings[-1] if settings else None
        end = None if last is None else store.end(last.number)
        objective = _objective(store, last)
        best = None if objective is None else objective.best(trials)
        asked = [trial.proposed_by for trial in trials if trial.proposed_by != INITIAL]
        expected = Expectation.of(None if end is None else end.recommended)
        return RunSummary(
            folder=folder,
            created_at=store.created_at,
            objective='' if objective is None else objective.words,
            proposed_by=asked[-1] if asked else str(store.description.get('proposed_by', '')),
            trials=len(trials),
            returned=sum(trial.succeeded for trial in trials) / len(trials) if trials else 0.0,
            best_m=None if best is None or objective is None else objective.distance(best),
            expected_m=None if expected is None else expected.loss,
            state=_state(store, last) if end is None else end.state,
        )


def _objective(store: RunRecords, last: StoredSettings | None) -> Objective | None:
    """What single balls are asked in the last run of a store; None where nothing is."""
    content = store.description if last is None else last.content
    stored, optimizer = content.get('objective'), content.get('optimizer', {})
    if isinstance(stored, dict):
        return objective_of(stored)
    words = stored or optimizer.get('objective') or store.description.get('objective')
    if not (isinstance(words, str) and words):
        return None
    # Loaded for runs that kept words alone: a list of runs seldom needs the grammar.
    from llm_policy_improver.table_tennis.objectives import parse_objective

    return parse_objective(words)


def _state(store: RunRecords, last: StoredSettings | None) -> str:
    """Of a run without an end."""
    if writer_of(store.folder) is not None:
        return GOES_ON
    return _ENDED if last is None and store.ended() else INTERRUPTED


def run_folders(root: Path) -> tuple[Path, ...]:
    """The folders with a run, in this one and those in it, by name.

    Raises:
        StoreError: it is no folder, or cannot be read.
    """
    try:
        if (root / DATABASE).is_file():
            return (root,)
        return tuple(sorted(each for each in root.iterdir() if (each / DATABASE).is_file()))
    except OSError as error:
        raise StoreError(
            f'{root} is no folder of runs: {error.strerror}; give the folder that holds them, e.g. "runs"'
        ) from error


def summaries(root: Path) -> Iterator[RunSummary | StoreError]:
    """Of all runs in a folder, in the order of their names; the error in place of what cannot be read."""
    for folder in run_folders(root):
        try:
            yield summary(folder)
        except StoreError as error:
            yield error
