"""A console's folder: runs are found while a long summing up goes on, and one that is unknown hides no other."""

from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from made_up_runs import make_run

from llm_policy_improver.console import watched_folder
from llm_policy_improver.console.watched_folder import WatchedFolder
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.runs.stored_run import RunSettings
from llm_policy_improver.runs.summary import RunSummary, summary
from llm_policy_improver.table_tennis.objectives import parse_objective

PATIENCE = 30.0


def test_run_is_found_while_all_runs_are_summed_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(tmp_path / 'one', 2)
    summing, enough = Event(), Event()

    def slowly(folder: Path) -> RunSummary:
        summing.set()
        assert enough.wait(PATIENCE)
        return summary(folder)

    monkeypatch.setattr(watched_folder, 'summary', slowly)
    folder = WatchedFolder(tmp_path)
    found: list[object] = []
    thread = Thread(target=lambda: found.extend(folder.summaries()))
    thread.start()
    assert summing.wait(PATIENCE)
    finding = Thread(target=lambda: found.append(folder.run('one')))
    finding.start()
    finding.join(PATIENCE)
    assert [type(each).__name__ for each in found] == ['WatchedRun']
    enough.set()
    thread.join(PATIENCE)
    assert [type(each).__name__ for each in found] == ['WatchedRun', 'RunSummary']


def test_run_with_a_measure_of_another_version_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(tmp_path / 'one', 2)
    objective = parse_objective('far left corner')
    as_json = Objective.as_json

    def renamed(self: Objective) -> dict[str, Any]:
        told = as_json(self)
        told['terms'][0]['measure'] = 'loudness'
        return told

    with RunStore.create(tmp_path / 'other', {'simulator': {}}) as store, monkeypatch.context() as changed:
        changed.setattr(Objective, 'as_json', renamed)
        RunSettings(OptimizerSettings(objective=objective.words), history=0, objective=objective).store(store)
    sound, unreadable = WatchedFolder(tmp_path).summaries()
    assert isinstance(sound, RunSummary)
    assert sound.folder.name == 'one'
    assert isinstance(unreadable, StoreError)
    assert 'none of this version' in str(unreadable)
