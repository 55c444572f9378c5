"""A folder for each further objective that a node has worked towards in one store, so that none overwrites another."""

import json
from pathlib import Path

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.runs.run_folder import telling_words
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.tasks.ball_rounds import of_balls


def objective_folder(store: RunStore, objective: Objective) -> Path:
    """Of the last run in a store: for the first one the store's own folder, else one in it, made where it is missing.

    The trials of all runs stay in the one store. ``run.json`` in a further run's folder names the objective, the aim,
    and where the run's first trials come from.

    Args:
        store: the last settings in it are those of the run.
        objective: of the run.

    Raises:
        StoreError: the folder cannot be made.
    """
    number = len(store.settings())
    if number < 2:
        return store.folder
    before = trials_before(store)
    folder = store.folder / '-'.join([str(number), *telling_words(objective.words)])
    told = {
        'objective': objective.words,
        'aim': objective.sentence,
        'first_trials': f'trials 1 to {before} of {store.folder.absolute()}',
        'own_trials_from': before + 1,
    }
    try:
        folder.mkdir(exist_ok=True)
        (folder / 'run.json').write_text(json.dumps(told, indent=2, ensure_ascii=False) + '\n')
    except OSError as error:
        raise StoreError(f'the folder {folder} cannot be written: {error.strerror}') from None
    return folder


def trials_before(store: RunStore) -> int:
    """How many trials of earlier runs the last run in a store starts from; 0 where that is not known."""
    settings = store.settings()
    return int(settings[-1].content.get('history') or 0) if settings else 0


def to_draw(
    store: RunStore, objective: Objective, first_trials: int
) -> tuple[Path, list[Trial], int, Objective]:
    """Where the picture of the last run in a store goes, its trials, how many of them are first ones, and their aim.

    Trials of earlier runs, which it starts from, count as first ones. Of rounds of balls each ball is
    shown.

    Args:
        store: where it is.
        objective: of the run.
        first_trials: of the run that were spread out.

    Raises:
        StoreError: the run cannot be read, or its folder not be made.
    """
    picture = objective_folder(store, objective) / 'landings.png'
    aim = of_balls(objective)
    first = first_trials if aim is objective else 0
    return picture, store.trials(), trials_before(store) or first, aim
