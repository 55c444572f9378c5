"""Runs that the console plays itself, in simulation: begun from a page, decided on and stopped there."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final

from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.loop.approval import ApprovalConfig
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.runs.background_run import BackgroundRun
from llm_policy_improver.runs.run_folder import default_run_folder

MOST: Final = 4
"""Runs that play at once."""
_PATIENCE: Final = 10.0
"""s that a run is given to come to its end once it was stopped."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for.

    Attributes:
        words: the objective.
        trials: to play, the first ones included.
        first_trials: spread over all that may be tried, before anybody is asked.
        noisy: with a real arm's noise and delays.
        approved: whether a person lets each proposal play.
    """

    words: str
    trials: int
    first_trials: int
    noisy: bool
    approved: bool


class OwnRuns:
    """Of one console; any thread may use it.

    Args:
        root: where the folders of the runs are made.
        settings: of the loop: who proposes.
    """

    def __init__(self, root: Path, settings: OptimizerSettings) -> None:
        self._root, self._settings = root, settings
        self._lock, self._beginning = Lock(), Lock()
        self._runs: dict[Path, BackgroundRun] = {}

    def read(self, wish: Wish) -> BackgroundRun:
        """The run that a person asks for, understood and not begun.

        Raises:
            ObjectiveError, SettingsError, EndpointError: as their names say, in one sentence each.
        """
        settings = replace(
            self._settings,
            trials=wish.trials,
            first_trials=wish.first_trials,
            approval=ApprovalConfig(required=wish.approved),
        )
        folder = default_run_folder(wish.words, datetime.now(), self._root)
        return BackgroundRun(wish.words, settings, folder, noisy=wish.noisy)

    def begin(self, run: BackgroundRun) -> None:
        """Let it play.

        Raises:
            SettingsError: too many play already.
            StoreError: its folder cannot be made.
        """
        with self._beginning:
            playing = sum(not each.join(0.0) for each in self._all())
            if playing >= MOST:
                raise SettingsError(f'{playing} runs play already: stop one, or wait for its end')
            run.begin()
            with self._lock:
                self._runs[run.folder] = run

    def of(self, folder: Path) -> BackgroundRun | None:
        """The run in this folder, where the console plays it, or has."""
        with self._lock:
            return self._runs.get(folder)

    def stop(self) -> None:
        """Stop all of them, each after the ball in flight, and wait until they have."""
        runs = self._all()
        for run in runs:
            run.stop()
        for run in runs:
            run.join(_PATIENCE)

    def _all(self) -> list[BackgroundRun]:
        with self._lock:
            return list(self._runs.values())
