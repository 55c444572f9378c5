"""bubblewrap around the zygote: where it is there, and where it is there and does not work."""

import shutil
from pathlib import Path

import pytest

from llm_policy_improver.sandbox.bubblewrap import bubblewrap
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.sandbox import Sandbox


def test_no_command_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    assert bubblewrap(()) == ()


def test_nothing_of_ours_is_in_sight_but_the_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake(tmp_path, 'exit 0')
    monkeypatch.setenv('PATH', str(tmp_path))
    command = bubblewrap(('/somewhere/numpy',))
    assert command[0] == str(tmp_path / 'bwrap')
    seen = {command[k + 1] for k, part in enumerate(command) if part == '--ro-bind-try'}
    assert '/somewhere/numpy' in seen
    assert {Path(place).name for place in seen if 'llm_policy_improver/' in place} == {
        '__init__.py',
        'sandbox',
    }
    assert '--unshare-net' in command


def test_one_that_does_not_work_is_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake(tmp_path, 'echo "setting up uid map: Permission denied" >&2; exit 1')
    monkeypatch.setenv('PATH', str(tmp_path), prepend=':')
    with Sandbox() as sandbox, sandbox.load('def f(): return 1') as worker:
        assert Protection.BUBBLEWRAP not in sandbox.protections
        assert worker.call('f') == 1
        assert sandbox.sentence.endswith(
            'bubblewrap is installed and not used, as it does not work here: the sandbox does not start: the process '
            'that starts programs has ended: setting up uid map: Permission denied.'
        )


@pytest.mark.skipif(shutil.which('bwrap') is None, reason='bubblewrap is not installed')
def test_program_runs_within_it() -> None:
    with Sandbox() as sandbox, sandbox.load('import numpy as np\ndef f(): return np.ones(2)') as worker:
        assert Protection.BUBBLEWRAP in sandbox.protections
        assert worker.call('f') == [1.0, 1.0]


def fake(folder: Path, script: str) -> None:
    place = folder / 'bwrap'
    place.write_text(f'#!/bin/sh\n{script}\n')
    place.chmod(0o755)
