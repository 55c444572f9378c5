"""A run in the background: read before it plays, decided on by a person, stopped and resumed without loss."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from chat_server import ChatServer, good
from click.testing import CliRunner

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.objective import ObjectiveError
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.loop.approval import APPROVE, EDIT, REJECT, ApprovalConfig
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.runs.background_run import BackgroundRun, Progress
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store import StoreError

SHORT = OptimizerSettings(trials=6, first_trials=4, all_trials=True)
ASKED = OptimizerSettings(trials=6, first_trials=3, all_trials=True, approval=ApprovalConfig(required=True))
LONG = 60.0
"""s for some simulated balls on a loaded machine."""


class Bell:
    """Rings when a run changes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()

    def ring(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, LONG)


def stored(folder: Path) -> int:
    with RunRecords.look(folder) as store:
        return len(store.trials())


def test_nothing_plays_before_a_person_has_read_what_was_understood(tmp_path: Path) -> None:
    run = BackgroundRun('as far left as possible', SHORT, tmp_path / 'run')
    assert run.objective.sentence == 'as far left as possible'
    assert run.progress is Progress.UNDERSTOOD
    assert not (tmp_path / 'run').exists()
    run.begin()
    assert run.join(LONG)
    assert (run.progress, run.message) == (Progress.ENDED, 'all 6 trials were played')
    assert stored(tmp_path / 'run') == 6
    assert CliRunner().invoke(cli, ['replay', str(tmp_path / 'run')]).exit_code == 0
    with pytest.raises(SettingsError, match='has begun already'):
        run.begin()
    with pytest.raises(StoreError, match='already holds'):
        BackgroundRun('far left', SHORT, tmp_path / 'run').begin()
    with pytest.raises(ObjectiveError):
        BackgroundRun('like a swan', SHORT, tmp_path / 'other')


def test_person_rejects_edits_and_approves_and_the_next_prompt_holds_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    bell = Bell()
    tried = iter(range(1, 100))
    with ChatServer(default=lambda request: good([1.0 + 0.01 * next(tried)] * 8)) as server:
        settings = OptimizerSettings(
            trials=5, first_trials=2, all_trials=True, model='m', base_url=server.url,
            approval=ApprovalConfig(required=True),
        )  # fmt: skip
        run = BackgroundRun('far left', settings, tmp_path / 'run', on_change=bell.ring)
        assert run.approval is not None
        run.begin()
        decisions = [APPROVE, APPROVE, REJECT, EDIT, APPROVE]
        seen = []
        for decision in decisions:
            bell.until(lambda: run.progress is Progress.WAITING)
            case = run.waiting
            assert case is not None
            seen.append(case.version)
            values = [1.05, *[1.1] * 7] if decision == EDIT else []
            run.approval.decide(case.version, decision, 'Ada', 'the wrist turns too fast', values)
            bell.until(lambda before=case: run.waiting is not before)  # type: ignore[misc]
        while not run.join(0.05):  # what was edited waits again
            if (case := run.waiting) is not None:
                run.approval.decide(case.version, APPROVE, 'Ada')
        prompts = [str(request['messages']) for request in server.requests]
    assert run.progress is Progress.ENDED, run.message
    told = ['the wrist turns too fast' in prompt for prompt in prompts]
    assert any(told)
    assert not told[0]
    with RunRecords.look(tmp_path / 'run') as store:
        assert any(tuple(trial.plain.values()) == (1.05, *[1.1] * 7) for trial in store.trials())
        by = [audit.audit.decided_by for audit in store.audits()]
    assert 'Ada' in by


def test_stopped_run_withdraws_what_waits_and_is_resumed(tmp_path: Path) -> None:
    bell = Bell()
    run = BackgroundRun('far left', ASKED, tmp_path / 'run', on_change=bell.ring)
    run.begin()
    bell.until(lambda: run.progress is Progress.WAITING)
    run.stop()
    assert run.join(LONG)
    assert run.progress is Progress.STOPPED
    assert run.waiting is None
    assert stored(tmp_path / 'run') == 0
    bell = Bell()
    run = BackgroundRun('far left', SHORT, tmp_path / 'other', on_change=bell.ring)
    run.begin()
    bell.until(lambda: stored(tmp_path / 'other') >= 2)
    run.stop()
    assert run.join(LONG)
    played = stored(tmp_path / 'other')
    assert played >= 2
    if run.progress is Progress.STOPPED:  # else it was at its end before it was stopped
        result = CliRunner().invoke(cli, ['resume', str(tmp_path / 'other'), '--json'])
        assert result.exit_code == 0, result.output
    assert stored(tmp_path / 'other') == 6
    assert CliRunner().invoke(cli, ['replay', str(tmp_path / 'other')]).exit_code == 0
