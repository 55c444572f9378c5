"""The command `console`: what it refuses, in a sentence each, and how it ends."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from console_process import console
from made_up_runs import make_run

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.runs.store_errors import StoreError


def refused(kind: type[Exception], *arguments: str, **environment: str) -> str:
    result = CliRunner().invoke(cli, ['console', *arguments, '--no-show'], env=environment)
    assert isinstance(result.exception, kind), result.output
    assert '\n' not in str(result.exception)
    return str(result.exception)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    assert 'is no folder of runs' in refused(StoreError, str(tmp_path / 'none'))


def test_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(SettingsError, str(tmp_path), '--port', str(port))
    assert f'port {port}' in said
    assert '--port' in said


def test_address_that_is_not_of_this_machine_is_named(tmp_path: Path) -> None:
    assert '203.0.113.7' in refused(SettingsError, str(tmp_path), '--host', '203.0.113.7')


def test_without_the_extra_it_says_how_to_install_it(tmp_path: Path) -> None:
    code = (
        'import sys; sys.modules["nicegui"] = None; sys.argv[1:] = ["console", sys.argv[1], "--port", "0"];'
        'from llm_policy_improver.cli.main import main; main()'
    )
    ended = subprocess.run([sys.executable, '-c', code, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "pip install 'llm-policy-improver[console]'" in ended.stderr
    assert ended.stderr.count('\n') == 1


def test_token_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'token'
    path.write_text('a-token-of-24-characters')
    path.chmod(0o644)
    assert 'open to others' in refused(SettingsError, str(tmp_path), '--token-file', str(path))


@pytest.mark.parametrize('token', ['short', 'with spaces in it, but long', 'é' * 20])
def test_token_that_is_short_or_cannot_stand_in_a_link_is_refused(tmp_path: Path, token: str) -> None:
    assert '16' in refused(SettingsError, str(tmp_path), LLM_POLICY_IMPROVER_CONSOLE_TOKEN=token)


def test_on_another_address_a_token_is_drawn_and_printed_once(tmp_path: Path) -> None:
    pytest.importorskip('nicegui', reason='the console needs the extra "console"')
    make_run(tmp_path / 'one', 1)
    with console(tmp_path, '--host', '127.0.0.1') as first, console(tmp_path, '--host', '127.0.0.1') as second:
        tokens = [each.link.partition('?token=')[2] for each in (first, second)]
    assert tokens[0] != tokens[1]
    assert all(len(token) == 32 for token in tokens)


def test_interrupt_ends_it_quietly(tmp_path: Path) -> None:
    pytest.importorskip('nicegui', reason='the console needs the extra "console"')
    make_run(tmp_path / 'one', 1)
    with console(tmp_path / 'one') as opened:
        opened.process.send_signal(signal.SIGINT)
        said, _ = opened.process.communicate(timeout=30)
    assert said == 'The console has ended.\n'
    assert opened.process.returncode == 0
    assert not (tmp_path / 'one' / 'run.sqlite-shm').exists()
