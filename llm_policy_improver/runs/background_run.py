"""A simulated improvement that plays in a thread of its own, while a person looks at it, decides, and stops it.

Example:
    run = BackgroundRun('far left', OptimizerSettings(), Path('runs/far-left'), on_change=redraw)
    print(run.objective.sentence)       # what was understood: nothing plays yet
    run.begin()
    ...
    run.stop()                          # after the ball in flight; "resume" goes on with it
"""

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.core.gate import GateCase, WithdrawnError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.loop.approval import Approval
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.improvement import Improvement, ImprovementError
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.runs.playing import description_of, end_stored, play_stored, with_noise
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.runs.stored_run import RunSettings
from llm_policy_improver.table_tennis.settings import ControllerSettings, SimulatorSettings
from llm_policy_improver.table_tennis.simulation.config import PAUSE

if TYPE_CHECKING:
    from llm_policy_improver.table_tennis.task import TableTennis

_EXPECTED: Final = (StoreError, SettingsError, EndpointError, ImprovementError)


class Progress(StrEnum):
    """Where a background run is."""

    UNDERSTOOD = 'understood'
    """The words were read; nothing plays before `BackgroundRun.begin`."""
    PLAYING = 'playing'
    WAITING = 'waiting for approval'
    STOPPED = 'stopped'
    """By a person, before its end."""
    ENDED = 'ended'
    FAILED = 'failed'


class BackgroundRun:
    """One run of the simulated arm, stored as ``llm-policy-improver improve`` stores it.

    Args:
        words: a person's, or an objective as it was understood before.
        settings: of the loop.
        folder: of the run, which must not hold one.
        noisy: a real arm's camera noise and delays.
        on_change: told, in the run's thread, when a trial was stored, a proposal begins to wait or no longer does,
            and at the end.

    Attributes:
        folder: of the run.
        objective: as it was understood.
        method: who proposes, in a sentence.
        space: the parameters that are searched.
        approval: decides on what waits; None where nothing does.

    Raises:
        ObjectiveError: the words were not understood.
        SettingsError, EndpointError: nobody can propose with these settings.
    """

    def __init__(
        self,
        words: str | Objective,
        settings: OptimizerSettings,
        folder: Path,
        *,
        noisy: bool = False,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self._simulator, self._controller = SimulatorSettings(), ControllerSettings()
        if settings.vary_balls:
            self._simulator = self._simulator.in_rally()
        if noisy:
            self._simulator, self._controller, settings = with_noise(self._simulator, self._controller, settings)
        settings.require_improvements()
        self._assembly = assemble(replace(settings, feed_balls=True))
        self._assembly.require_parameters()
        self.folder, self.space = folder, self._assembly.brief.space
        self.method = self._assembly.said
        self.objective = words if isinstance(words, Objective) else self._assembly.objective(words)
        self._settings = replace(self._assembly.settings, objective=self.objective.words)
        self.approval = (
            Approval(
                self._assembly.brief.space,
                settings.approval,
                repeats_allowed=self._assembly.repeats_allowed,
                on_change=on_change,
            )
            if settings.approval.required
            else None
        )
        self._on_change = on_change
        self._asked_to_stop = threading.Event()
        self._progress, self._message = Progress.UNDERSTOOD, ''
        self._thread: threading.Thread | None = None

    @property
    def progress(self) -> Progress:
        """Where it is."""
        waits = self._progress is Progress.PLAYING and self.waiting is not None
        return Progress.WAITING if waits else self._progress

    @property
    def message(self) -> str:
        """What it came to, for people; empty before."""
        return self._message

    @property
    def waiting(self) -> GateCase | None:
        """The proposal that waits for a person."""
        return None if self.approval is None else self.approval.pending

    def begin(self) -> None:
        """Make the run's store, and play.

        Raises:
            StoreError: the folder holds a run already, or cannot be written.
            SettingsError: it has begun before.
        """
        if self._thread is not None:
            raise SettingsError('this run has begun already: make another one')
        store = RunStore.create(
            self.folder,
            description_of(self._settings, self._assembly.method.name, self._simulator, self._controller),
        )
        self._progress = Progress.PLAYING
        self._thread = threading.Thread(target=self._run, args=(store,), name=f'run {self.folder.name}', daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it after the ball in flight; a proposal that waits is withdrawn. The run can be resumed."""
        self._asked_to_stop.set()
        if self.approval is not None:
            self.approval.close()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for its end, s; whether it has ended."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def _run(self, store: RunStore) -> None:
        try:
            with closing(self._assembly), closing(store):
                self._progress, self._message = self._play(store)
        except _EXPECTED as error:
            self._progress, self._message = Progress.FAILED, str(error)
        except Exception as error:
            self._progress, self._message = Progress.FAILED, f'{type(error).__name__}: {error}'
            raise
        finally:
            self._on_change()

    def _play(self, store: RunStore) -> tuple[Progress, str]:
        from llm_policy_improver.table_tennis.task import TableTennis  # loads MuJoCo

        RunSettings(self._settings, history=0, objective=self.objective).store(store)
        improvement = self._assembly.improvement(self.objective, gates=self._assembly.gates(self.approval))
        task = TableTennis(self._simulator.simulation, self._controller.controller)
        try:
            stopped = self._play_trials(improvement, task, store)
        except WithdrawnError:
            stopped = True
        finally:
            end_stored(improvement, store)
        result = improvement.result()
        if stopped:
            return Progress.STOPPED, f'stopped after {result.trials} trials; "resume" goes on with it'
        return Progress.ENDED, result.stopped or f'all {result.trials} trials were played'

    def _play_trials(self, improvement: Improvement, task: 'TableTennis', store: RunStore) -> bool:
        """Play to the end, or until somebody stops it; whether somebody has."""
        with closing(play_stored(improvement, task, store, lambda: task.simulator.stamp + PAUSE)) as results:
            for _ in results:
                self._on_change()
                if self._asked_to_stop.is_set() and not improvement.done:
                    return True
        return False
