"""A folder for each further objective that a node has worked towards in one store, so that none overwrites another."""

import json
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Final, TypeVar

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.runs.run_folder import telling_words
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store import StoredStep, StoreError
from llm_policy_improver.runs.store_schema import DATABASE
from llm_policy_improver.runs.stored_run import stored_parts
from llm_policy_improver.tasks.ball_rounds import of_balls

Run = TypeVar('Run', bound=RunRecords)

_NOTE: Final = 'run.json'


def open_run(folder: Path, opened: Callable[[Path], Run]) -> Run:
    """Open the run in a folder that a person names.

    Args:
        folder: that one.
        opened: `RunRecords.look`, or `RunStore.open` where something is added.

    Raises:
        StoreError: there is none; of the folder of a further objective it says where its trials are.
    """
    if (folder / _NOTE).is_file() and not (folder / DATABASE).exists():
        store = folder.absolute().parent
        raise StoreError(
            f'{folder} holds the picture of a further objective of the run in {store}: give that folder'
        )
    return opened(folder)


def objective_folder(store: RunRecords, objective: Objective, number: int | None = None) -> Path:
    """Of a run in a store: for the first one the store's own folder, else one in it, made where it is missing.

    The trials of all runs stay in the one store. ``run.json`` in a further run's folder names the objective, the aim,
    and where the run's first trials come from.

    Args:
        store: where it is.
        objective: of the run.
        number: of the run, from 1; the last one where None.

    Raises:
        StoreError: the folder cannot be made.
    """
    number = len(store.settings()) if number is None else number
    if number < 2:
        return store.folder
    before = _trials_before(store, number)
    folder = store.folder / '-'.join([str(number), *telling_words(objective.words)])
    told = {
        'objective': objective.words,
        'aim': objective.sentence,
        'first_trials': f'trials 1 to {before} of {store.folder.absolute()}',
        'own_trials_from': before + 1,
    }
    try:
        folder.mkdir(exist_ok=True)
        (folder / _NOTE).write_text(json.dumps(told, indent=2, ensure_ascii=False) + '\n')
    except OSError as error:
        raise StoreError(f'the folder {folder} cannot be written: {error.strerror}') from None
    return folder


def runs_with_steps(store: RunRecords) -> list[tuple[int, list[StoredStep]]]:
    """Of the runs in a store that made a step: number and steps; the number is 0 where no settings were kept."""
    begun = [each.first_step for each in store.settings()]

    def number(step: StoredStep) -> int:
        return sum(first <= step.number for first in begun)

    return [(which, list(steps)) for which, steps in groupby(store.steps(), number)]


def to_draw(
    store: RunRecords, objective: Objective, first_trials: int, number: int | None = None
) -> tuple[Path, list[Trial], int, Objective]:
    """Where the picture of a run in a store goes, and its `shown_trials`.

    Raises:
        StoreError: the run cannot be read, or its folder not be made.
    """
    picture = objective_folder(store, objective, number) / 'landings.png'
    return picture, *shown_trials(store, objective, first_trials, number)


def shown_trials(
    store: RunRecords, objective: Objective, first_trials: int, number: int | None = None
) -> tuple[list[Trial], int, Objective]:
    """The trials of a run in a store, how many of them are first ones, and their aim.

    Trials of earlier runs, which it starts from, are among its trials and count as first ones; those of later runs are
    not. Of rounds of balls each ball is shown.

    Args:
        store: where it is.
        objective: of the run.
        first_trials: of the run that were spread out.
        number: of the run, from 1; the last one where None.

    Raises:
        StoreError: the run cannot be read.
    """
    number = len(store.settings()) if number is None else number
    trials, aim = store.trials(), of_balls(objective)
    if number < len(store.settings()):
        trials = trials[: _trials_before(store, number + 1) or None]
    before = _trials_before(store, number)
    first = before or (_with_first(store, number, first_trials) if aim is objective else 0)
    return trials, first, aim


def _trials_before(store: RunRecords, number: int) -> int:
    """How many trials of earlier runs one starts from; 0 where that is not known."""
    settings = store.settings()[:number]
    return int(settings[-1].content.get('history') or 0) if settings else 0


def _with_first(store: RunRecords, number: int, first_trials: int) -> int:
    """How many trials there were once its first ones were played; some may have been played again."""
    own = next((steps for which, steps in runs_with_steps(store) if which == number), [])
    first = {step.number for step in own[:first_trials]}
    steps = (each for part in stored_parts(store) for each in part.steps if each.number in first)
    return max((each.trial.number for each in steps if each.trial is not None), default=0)
