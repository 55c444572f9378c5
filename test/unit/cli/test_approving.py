"""A person's approval at the terminal, which is a real one; and where there is none, or nobody who asks."""

import getpass
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llm_policy_improver.cli import main as cli
from llm_policy_improver.core.audit import Decision
from llm_policy_improver.runs.store import RunStore

EDITED = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.05)
RUN = ('far left', '--trials', '3', '--first-trials', '2', '--all-trials', '--json')


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """The exit status of a command whose settings require an approval."""
    (tmp_path / 'approval.yaml').write_text(
        'optimizer:\n  ros__parameters:\n    approval: {required: true}\n'
    )
    monkeypatch.chdir(tmp_path)

    def status(command: str) -> object:
        monkeypatch.setattr(
            sys, 'argv', [command, command, *RUN, '--config', 'approval.yaml', '--output', 'run']
        )
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code

    return status


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], object]]:
    """Types at the terminal that is standard input from now on."""
    person, program = os.openpty()
    with os.fdopen(program) as stdin:
        monkeypatch.setattr(sys, 'stdin', stdin)
        yield lambda text: os.write(person, text.encode())
    os.close(person)


def test_person_approves_rejects_and_edits_at_the_terminal(
    call: Callable[[str], object], typed: Callable[[str], object], capfd: pytest.CaptureFixture[str]
) -> None:
    typed('approve\n\n')
    typed('reject\n\n')  # a rejection needs a reason: asked again
    typed('reject\ntoo far out\n')
    typed(f'edit\ngentler\n{" ".join(map(str, EDITED))}\n')
    typed('perhaps\napprove\nlooks right\n')
    assert call('improve') == 0
    said = capfd.readouterr().err
    assert said.count('Aim: as far left as possible') == 4
    assert 'Not taken: reason is empty' in said
    with RunStore.open(Path('run')) as store:
        audits = [stored.audit for stored in store.audits()]
        trials = store.trials()
    assert [audit.decision for audit in audits] == [
        Decision.APPROVED, Decision.REJECTED, Decision.EDITED, Decision.APPROVED,
    ]  # fmt: skip
    assert [audit.reason for audit in audits][1::2] == ['too far out', 'looks right']
    assert {audit.decided_by for audit in audits} == {getpass.getuser()}
    assert trials[1].plain == dict(zip(trials[0].plain, EDITED, strict=True))
    assert len(trials) == 3


def test_person_who_goes_away_interrupts_the_run(
    call: Callable[[str], object], typed: Callable[[str], object], capfd: pytest.CaptureFixture[str]
) -> None:
    typed('approve\n\n')
    typed('\x04')
    assert call('improve') == 130
    assert 'Interrupted: go on with "llm-policy-improver resume run"' in capfd.readouterr().err
    with RunStore.open(Path('run')) as store:
        assert len(store.trials()) == 1


@pytest.mark.parametrize(
    ('command', 'sentence'),
    [
        ('improve', 'standard input is no terminal: run it where a person can answer'),
        ('demo', 'demo asks nobody: use "llm-policy-improver improve", which asks at the terminal'),
    ],
)
def test_approval_that_nobody_can_give_is_refused(
    call: Callable[[str], object],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    sentence: str,
) -> None:
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr(sys, 'stdin', nobody)
        assert call(command) == 2
    said = capfd.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert not Path('run').exists()
