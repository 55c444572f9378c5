import json

import pytest
from click.testing import CliRunner

from llm_policy_improver.cli import sandbox as command
from llm_policy_improver.sandbox.attacks.attack import Attack, Witness
from llm_policy_improver.sandbox.check import CheckResult, check
from llm_policy_improver.sandbox.inside.protection import Protection

HARMLESS = Attack('answer truly', Witness.TRUE, 'def attack(field):\n    return True\n')


def test_attack_that_works_is_named() -> None:
    """One whose witness is what it may do, so that it gets through every sandbox."""
    result = check((HARMLESS,))
    assert (result.attacks, result.contained, result.got_through) == (1, 0, ('answer truly',))
    assert result.batched_calls_per_second > result.calls_per_second > 0.0


@pytest.mark.parametrize(('through', 'status'), [((), 0), (('read a file',), 1)])
def test_command_prints_these_keys_and_fails_if_an_attack_got_through(
    monkeypatch: pytest.MonkeyPatch, through: tuple[str, ...], status: int
) -> None:
    result = CheckResult((Protection.SECCOMP,), 'Programs are held.', 3, through, 20_000.4, 2e5)
    monkeypatch.setattr(command, 'check', lambda progress: result)
    done = CliRunner().invoke(command.sandbox, ['check', '--json'])
    assert done.exit_code == status
    assert json.loads(done.stdout) == {
        'protections': ['seccomp'],
        'contained': 3 - len(through),
        'attacks': 3,
        'calls_per_second': 20_000,
        'batched_calls_per_second': 200_000,
    }
    assert ('read a file' in done.stderr) == bool(through)


def test_command_says_it_in_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CheckResult((Protection.SECCOMP,), 'Programs are held.', 3, (), 20_000.4, 2e5)
    monkeypatch.setattr(command, 'check', lambda progress: result)
    done = CliRunner().invoke(command.sandbox, ['check'])
    assert done.stdout == (
        'Programs are held.\n3 of 3 attacks were contained.\n'
        'A program answers 20,000 calls a second one by one, and 200,000 in batches of 100.\n'
    )
