"""A whole improvement in one call, for notebooks and scripts."""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.method import Method
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.task import Task
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.improvement import Improvement, ImprovementError, run_improvement
from llm_policy_improver.loop.improvement_result import ImprovementResult
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import TrialResult
from llm_policy_improver.runs.playing import description_of, end_stored, play_stored
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import RunSettings
from llm_policy_improver.table_tennis.settings import ControllerSettings, SimulatorSettings
from llm_policy_improver.table_tennis.simulation.config import PAUSE

Results = Generator[TrialResult, None, None]

FOR_ANY_TASK: Final = ('vary_balls', 'landing_noise', 'approval')
"""Settings that hold for a task of the caller's own, too: another seed in every trial, the spread of repeated trials,
and whether a person approves. All others are of the arm, or of methods that go by names."""


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
        all_trials: play on when the objective is reached, or nothing worth a trial is left.
        folder: where the run is stored; nowhere where None. Of a run of the simulated arm by a method that has a name,
            ``llm-policy-improver`` can ``replay``, and ``resume`` what was interrupted.
        on_trial: called after each trial.
        settings: further ones of `loop.settings.OptimizerSettings`, e.g. ``model='gpt-4o'``, ``parameters='both'``;
            with a task of your own those of `FOR_ANY_TASK`.

    Raises:
        ImprovementError: a task of your own lacks a space or a method, or what is given means nothing to it.
        ObjectiveError, SettingsError, EndpointError, StoreError: as their names say, in one sentence each.
        KeyboardInterrupt: after the trial under way, where the run is stored.
    """
    given = {
        'trials': trials,
        'first_trials': first_trials,
        'seed': seed,
        'all_trials': all_trials,
        **settings,
    }
    own = None if isinstance(method, str) else method
    if task is not None:
        brief = _brief(objective, own, space, settings)
    elif space is not None:
        raise ImprovementError(
            'a space goes with a task of your own: what is searched of the arm is chosen by parameters=..., its bounds '
            'by attenuation_low=... and the like'
        )
    else:
        brief = None
        given |= {'method': method} if isinstance(method, str) else {}
    optimizer = OptimizerSettings(**given)
    optimizer.require_improvements()
    with closing(assemble(optimizer, method=own, brief=brief)) as assembly:
        assembly.require_parameters()
        asked = assembly.objective(objective) if isinstance(objective, str) else objective
        improvement = assembly.improvement(asked, gates=assembly.gates())
        where = None if folder is None else Path(folder)
        if task is None:
            results = _on_the_arm(improvement, optimizer, '' if own is None else own.name, where)
        else:
            results = _on(task, improvement, where)
        with closing(results):
            for result in results:
                on_trial(result)
    return improvement.result()


def _brief(
    objective: str | Objective,
    method: Method | None,
    space: ParameterSpace | None,
    settings: Mapping[str, Any],
) -> Brief:
    """Of a task of the caller's own."""
    if isinstance(objective, str):
        raise ImprovementError(
            f'the words "{objective}" mean nothing to a task of your own: give an Objective with terms over its '
            'measures'
        )
    if method is None or space is None:
        raise ImprovementError(
            'a task of your own needs a space and a method: give space=... and method=..., an object that proposes'
        )
    other = [name for name in settings if name not in FOR_ANY_TASK]
    if other:
        raise ImprovementError(
            f'{other[0]} means nothing to a task and a method of your own: beside trials, first_trials, seed and '
            f'all_trials there are {", ".join(FOR_ANY_TASK)}'
        )
    return Brief(space, tuple(term.measure for term in objective.terms))


def _on(task: Task, improvement: Improvement, folder: Path | None) -> Results:
    """The trials of a task of the caller's own. Its settings would tell nobody how to make it."""
    if folder is None:
        yield from run_improvement(improvement, task)
        return
    described = {'objective': improvement.objective.words, 'proposed_by': improvement.method.name}
    with closing(RunStore.create(folder, described)) as store:
        yield from play_stored(improvement, task, store)


def _on_the_arm(
    improvement: Improvement, optimizer: OptimizerSettings, own_method: str, folder: Path | None
) -> Results:
    """The trials of the simulated arm, stored as ``llm-policy-improver improve`` stores them."""
    from llm_policy_improver.table_tennis.task import TableTennis  # loads MuJoCo

    simulator, controller = SimulatorSettings(), ControllerSettings()
    if optimizer.vary_balls:
        simulator = simulator.in_rally()
    task = TableTennis(simulator.simulation, controller.controller)
    if folder is None:
        yield from run_improvement(improvement, task)
        return
    objective = improvement.objective
    optimizer = replace(optimizer, objective=objective.words)
    described = description_of(optimizer, improvement.method.name, simulator, controller)
    with closing(RunStore.create(folder, described)) as store:
        RunSettings(optimizer, history=0, objective=objective, own_method=own_method).store(store)
        try:
            yield from play_stored(improvement, task, store, lambda: task.simulator.stamp + PAUSE)
        finally:
            end_stored(improvement, store)
