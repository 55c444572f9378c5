"""Runs to be read back: `improve` in process, against a scripted chat server, stored as the command stores it."""

import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, ChatServer, Scripted, fail, fenced, good, say
from click.testing import CliRunner, Result

from llm_policy_improver.cli.main import cli

RIGHT = 'hit the ball as far right as possible'


def near_neutral(seed: int) -> list[float]:
    generator = random.Random(seed)
    return [round(generator.uniform(0.95, 1.05), 3) for _ in range(8)]


ROUGH_WEATHER: tuple[Scripted, ...] = (
    good(near_neutral(1)),
    say('I would raise g.'), fenced(near_neutral(2)),           # refused, then repaired
    fail(500),                                                  # failed: least_squares
    good([1e9] + [1.0] * 7), say(''),                           # refused twice: least_squares
    good(near_neutral(3)),
    *[fail(429)] * 3,                                           # failed three times in a row, then rests
    good(near_neutral(4)),
    good(near_neutral(5)),
)  # fmt: skip
"""Every way a request can end, in order."""


def improve(monkeypatch: pytest.MonkeyPatch, folder: Path, *options: str, words: str = RIGHT) -> None:
    """Run ``improve`` with the default physics, to its last trial."""
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    call = ['improve', words, '--json', '--all-trials', '--output', str(folder), *options]
    result: Result = CliRunner().invoke(cli, call)
    assert result.exit_code == 0, result.output


def improve_with_model(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *answers: Scripted,
    first: int = 6,
    steps: int = 3,
    words: str = RIGHT,
    method: str = 'sas',
    options: Sequence[str] = (),
) -> None:
    """Run ``improve`` with a model that gives these answers, then good ones."""

    def another(request: dict[str, Any]) -> Answer:
        return good(near_neutral(len(request['messages'][0]['content'])))

    with ChatServer(default=another) as server:
        server.script(*answers)
        improve(
            monkeypatch, folder, '--first-trials', str(first), '--trials', str(first + steps),
            '--method', method, '--model', 'test-model', '--base-url', server.url,
            '--request-retries', '0', *options, words=words,
        )  # fmt: skip


def rewrite(folder: Path, statement: str, *values: object) -> None:
    """Change what is recorded, which only a test may."""
    with closing(sqlite3.connect(folder / 'run.sqlite')) as connection:
        for table in ('steps', 'exchanges', 'run', 'trials', 'settings'):
            connection.execute(f'DROP TRIGGER IF EXISTS {table}_no_UPDATE')
        connection.execute(statement, values)
        # As an older version might have recorded it, without checksums.
        for table in ('steps', 'exchanges', 'run', 'trials', 'settings'):
            connection.execute(f"UPDATE {table} SET checksum = ''")
        connection.commit()
