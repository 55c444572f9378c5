"""Plays an improvement in process and stores it, from its beginning or from where it was interrupted."""

import time
from collections.abc import Callable, Generator
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from llm_policy_improver.core.interrupts import HeldInterrupt
from llm_policy_improver.core.settings import to_mapping
from llm_policy_improver.core.task import Task
from llm_policy_improver.loop.improvement import Improvement, RunEndedError
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import TrialResult
from llm_policy_improver.runs.checkpoint import FINISHED
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.table_tennis.cells import LANDING_NOISE, in_noise
from llm_policy_improver.table_tennis.settings import ControllerSettings, SimulatorSettings


def description_of(
    optimizer: OptimizerSettings,
    proposed_by: str,
    simulator: SimulatorSettings,
    controller: ControllerSettings,
) -> dict[str, Any]:
    """What the store of a run in simulation says of it: all that it takes to go on with it."""
    return {
        'objective': optimizer.objective,
        'proposed_by': proposed_by,
        'version': version('llm-policy-improver'),
        'simulator': to_mapping(simulator),
        'controller': to_mapping(controller),
        'optimizer': to_mapping(optimizer),
    }


def with_noise(
    simulator: SimulatorSettings, controller: ControllerSettings, optimizer: OptimizerSettings
) -> tuple[SimulatorSettings, ControllerSettings, OptimizerSettings]:
    """The same with a real arm's camera noise and delays, a controller that knows them, and landings that scatter."""
    simulation, knowing = in_noise(simulator.simulation, controller.controller)
    return (
        replace(simulator, simulation=simulation),
        replace(controller, controller=knowing),
        replace(optimizer, landing_noise=optimizer.landing_noise or LANDING_NOISE),
    )


def play_stored(
    improvement: Improvement, task: Task, store: RunStore, played: Callable[[], int] = lambda: 0
) -> Generator[TrialResult, None, None]:
    """Play the rest of an improvement, each step and each trial on disk before anybody hears of it.

    An interrupt waits for the trial under way, which is stored, and then ends the iteration.

    Args:
        improvement: perhaps restored.
        task: runs the trials.
        store: of the run.
        played: ns of the task's own time that the last trial and the pause after it took; their series then do not
            overlap, as if they were played in real time.

    Raises:
        KeyboardInterrupt: the run was interrupted; all that was played is stored.
        StoreError: a step or a trial could not be stored.
    """
    start = time.time_ns()
    while not improvement.done:
        waiting = len(improvement.steps)
        try:
            step = improvement.propose()
        except RunEndedError:
            return
        with HeldInterrupt() as interrupt:
            if len(improvement.steps) > waiting:  # a restored step is stored already
                store.add_step(improvement.objective.words, step)
            trial = store.add_trial(step.play(task, improvement.history), start)
            start += played()
            yield improvement.record(trial)
        if interrupt.asked:
            raise KeyboardInterrupt


def end_stored(improvement: Improvement, store: RunStore) -> None:
    """Store that an improvement has come to its end, where it has; what has not is resumed."""
    if improvement.done:
        result = improvement.result()
        store.add_end(FINISHED, result.stopped or f'{result.trials} trials', result.recommended)
