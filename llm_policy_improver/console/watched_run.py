"""One stored run as pages see it: read when something is new, once for all who look."""

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from llm_policy_improver.core.objective import ObjectiveError
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.report.run_view import RunView, views_of
from llm_policy_improver.runs.followed import RunFollower
from llm_policy_improver.runs.run_records import RunRecords, named
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.runs.writer_lock import writer_of
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples

UNREADABLE: Final = (StoreError, SettingsError, ObjectiveError)
"""What is raised, each with a sentence for people, where a run, its settings or its words are none that are known."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What was known of a run at one instant.

    Attributes:
        revision: another one whenever anything else is.
        views: the runs in the store that have trials, oldest first.
        goes_on: whether a process writes into it.
        trouble: what keeps it, or a part of it, from being read; empty where nothing does.
    """

    revision: int
    views: tuple[RunView, ...]
    goes_on: bool
    trouble: str


class WatchedRun:
    """The run in a folder. Any thread may use it.

    Attributes:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._follower = RunFollower(folder)
        self._lock = Lock()
        self._last = Glance(0, (), False, '')

    def glance(self) -> Glance:
        """How it stands now; the same object as before where nothing is new."""
        with self._lock:
            goes_on = writer_of(self.folder) is not None
            last = self._last
            if self._follower.changed():
                views, trouble = self._read()
                if trouble and not views:
                    views = last.views  # what was read before is still true
                new = trouble != last.trouble or _known(views) != _known(last.views)
                self._last = Glance(last.revision + new, views if new else last.views, last.goes_on, trouble)
            if goes_on != self._last.goes_on:
                self._last = Glance(self._last.revision + 1, self._last.views, goes_on, self._last.trouble)
            return self._last

    def samples(self, trial: int) -> TraceSamples:
        """The time series of a trial.

        Raises:
            StoreError: there are none, or they cannot be read.
        """
        with RunRecords.look(self.folder) as records:
            return records.samples(trial)

    def _read(self) -> tuple[tuple[RunView, ...], str]:
        try:
            with self._follower.look() as records, records.understood():
                views = tuple(view for view in views_of(records) if view.shown)
                for view in views:
                    view.result  # noqa: B018 - computed while damage is still turned into sentences
                damage = records.damage
        except UNREADABLE as error:
            return (), str(error)
        return views, f'A part of this run is damaged and not shown: {named(damage)}' if damage else ''


def _known(views: tuple[RunView, ...]) -> list[tuple[object, ...]]:
    """By what two readings of a run, of which nothing is ever changed, differ."""
    return [
        (view.created_at, len(view.trials), len(view.steps), sum(len(each.audits) for each in view.steps), view.end)
        for view in views
    ]
