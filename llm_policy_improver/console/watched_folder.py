"""The folder of runs that the console shows: each found by its name, summed up again only when it was written to."""

from pathlib import Path
from threading import Lock

from llm_policy_improver.console.watched_run import UNREADABLE, WatchedRun
from llm_policy_improver.runs.followed import Signature, signature_of
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.runs.summary import RunSummary, run_folders, summary
from llm_policy_improver.runs.writer_lock import writer_of


class WatchedFolder:
    """A folder of runs, or the folder of one run. Any thread may use it.

    Attributes:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock, self._summing = Lock(), Lock()
        self._runs: dict[Path, WatchedRun] = {}
        self._told: dict[Path, tuple[tuple[Signature, bool], RunSummary | StoreError]] = {}

    @property
    def is_run(self) -> bool:
        """Whether it is the folder of one run itself."""
        return run_folders(self.root) == (self.root,)

    def run(self, name: str) -> WatchedRun | None:
        """The run in the folder of this name; None where there is none. Names lead nowhere else."""
        folder = next((each for each in run_folders(self.root) if each.name == name), None)
        with self._lock:
            return None if folder is None else self._runs.setdefault(folder, WatchedRun(folder))

    def folder_of(self, identity: str) -> Path | None:
        """Of the run of this name that a process writes into now; None where it is not here."""
        for folder in run_folders(self.root) if identity else ():
            try:
                if writer_of(folder) is not None and _identity(folder) == identity:
                    return folder
            except StoreError:
                continue
        return None

    def summaries(self) -> list[RunSummary | StoreError]:
        """Of all runs, newest first; the errors of those that cannot be read behind them.

        Raises:
            StoreError: the folder cannot be read.
        """
        with self._summing:  # takes long at first, and keeps nobody from a run
            told = [self._summary(folder) for folder in run_folders(self.root)]
        sound = [each for each in told if isinstance(each, RunSummary)]
        sound.sort(key=lambda each: each.created_at, reverse=True)
        return [*sound, *(each for each in told if isinstance(each, StoreError))]

    def _summary(self, folder: Path) -> RunSummary | StoreError:
        state = signature_of(folder), writer_of(folder) is None
        known = self._told.get(folder)
        if known is not None and known[0] == state:
            return known[1]
        found: RunSummary | StoreError
        try:
            found = summary(folder)
        except UNREADABLE as error:
            found = StoreError(f'{folder.name}: {error}')
        self._told[folder] = state, found
        return found


def _identity(folder: Path) -> str:
    with RunRecords.look(folder) as records:
        return records.identity
