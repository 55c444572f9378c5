"""A whole improvement in one call, for notebooks and scripts."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from llm_policy_improver.core.method import Method
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.task import Task
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.improvement import Improvement, ImprovementError, run_improvement
from llm_policy_improver.loop.improvement_result import ImprovementResult
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import TrialResult
from llm_policy_improver.runs.playing import play_stored
from llm_policy_improver.runs.store import RunStore


def improve(
    objective: str | Objective,
    task: Task | None = None,
    method: Method | str | None = None,
    *,
    space: ParameterSpace | None = None,
    trials: int = 39,
    first_trials: int = 24,
    seed: int = 0,
    all_trials: bool = False,
    folder: str | Path | None = None,
    on_trial: Callable[[TrialResult], Any] = lambda result: None,
    **settings: Any,
) -> ImprovementResult:
    """Improve a policy towards an objective and return what the run came to.

        result = improve('hit the ball as far right as possible', trials=39)
        print(result.best_distance_m, result.best_policy)

    Args:
        objective: plain words, for the table-tennis task; or an objective of terms over measures of your own task.
        task: runs the trials; the simulated table-tennis arm where None.
        method: proposes policies: one of your own, or a name, e.g. ``'cma_es'``; where None a language model if
            ``model`` is named, else a regression.
        space: what may be changed, with a task of your own; needed then, with a method.
        trials: to play, the first ones included.
        first_trials: spread over the bounds before the method is asked.
        seed: draws the first trials and seeds the task.
        all_trials: play on when the objective is reached.
        folder: where the run is stored, readable by ``llm-policy-improver replay``; nowhere where None.
        on_trial: called after each trial.
        settings: further ones of `loop.settings.OptimizerSettings`, e.g. ``model='gpt-4o'``, ``parameters='both'``.

    Raises:
        ImprovementError: a task of your own lacks a space or a method, or the words of an objective mean nothing to it.
        ObjectiveError, SettingsError, EndpointError, StoreError: as their names say, in one sentence each.
    """
    options: dict[str, Any] = {
        'trials': trials,
        'first_trials': first_trials,
        'seed': seed,
        'all_trials': all_trials,
    }
    if isinstance(objective, str) and task is not None:
        raise ImprovementError(
            f'the words "{objective}" mean nothing to a task of your own: give an Objective with terms over its '
            'measures'
        )
    if task is None:
        named: dict[str, Any] = {'method': method} if isinstance(method, str) else {}
        assembly = assemble(OptimizerSettings(**options, **named, **settings))
        assembly.require_parameters()
        asked = assembly.objective(objective) if isinstance(objective, str) else objective
        if method is None or isinstance(method, str):
            improvement = assembly.improvement(asked, gates=assembly.gates())
        else:
            improvement = Improvement(asked, method, assembly.brief.space, **options)
        from llm_policy_improver.table_tennis.task import TableTennis

        task = TableTennis()
    elif method is None or isinstance(method, str) or space is None:
        raise ImprovementError(
            'a task of your own needs a space and a method: give space=... and method=..., an object that proposes'
        )
    else:
        assert isinstance(objective, Objective)
        improvement = Improvement(objective, method, space, **options)
    if folder is None:
        for result in run_improvement(improvement, task):
            on_trial(result)
        return improvement.result()
    description = {'objective': improvement.objective.words, 'proposed_by': improvement.method.name}
    with closing(RunStore.create(Path(folder), description)) as store:
        for result in play_stored(improvement, task, store):
            on_trial(result)
    return improvement.result()
