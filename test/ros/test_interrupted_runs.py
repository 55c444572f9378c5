"""Runs that a person ends by Ctrl-C, or somebody by SIGTERM: when they end, what they say, and that they go on."""

import fcntl
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from chat_server import ChatServer, silence
from click.testing import CliRunner
from ros_graph import COMMAND, TIMEOUT, environment, process
from stored_trials import assert_same_samples, assert_same_trial

from llm_policy_improver.cli import main as cli
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import stored_settings

INTERRUPTED = 130
TRIALS = 14
RUN = ('far right', '--json', '--trials', str(TRIALS), '--first-trials', '6', '--seed', '3', '--all-trials')
PAGE = 4096
"""Bytes that a pipe holds at least: some trials' lines, and far from those of the whole run."""


@contextmanager
def held_by_its_pipe(command: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that stands still once it has printed more than somebody reads, so that it cannot end too early."""
    running = subprocess.Popen(
        command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, pipesize=PAGE,
    )  # fmt: skip
    assert running.stdout is not None
    assert fcntl.fcntl(running.stdout, fcntl.F_GETPIPE_SZ) == PAGE
    too_long = threading.Timer(3 * TIMEOUT, running.kill)  # to begin, to play, and to end
    too_long.start()
    try:
        yield running
    finally:
        too_long.cancel()
        running.kill()
        running.communicate()


def summary_of(out: str) -> dict[str, Any]:
    """The last line, but for where the files are."""
    return {
        name: value
        for name, value in json.loads(out.splitlines()[-1]).items()
        if name not in ('run', 'picture')
    }


@pytest.fixture(scope='module')
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The run that nobody interrupts: its folder and its summary."""
    folder = tmp_path_factory.mktemp('whole') / 'run'
    done = CliRunner().invoke(cli.cli, ['improve', *RUN, '--output', str(folder)])
    assert done.exit_code == 0, done.output
    return folder, summary_of(done.stdout)


def assert_same_run(one: RunStore, other: RunStore) -> None:
    for trial, same in zip(one.trials(), other.trials(), strict=True):
        assert_same_trial(trial, same)
        assert_same_samples(one.samples(trial.number), other.samples(same.number))
    steps = [
        [
            (step.policy, step.version, step.seed, step.reason)
            for step in (each.step for each in store.steps())
        ]
        for store in (one, other)
    ]
    assert steps[0] == steps[1]


@pytest.mark.parametrize(
    ('command', 'number'),
    [('improve', signal.SIGTERM), ('demo', signal.SIGTERM), ('demo', signal.SIGINT)],
)
def test_interrupted_run_ends_after_the_ball_in_flight_and_is_resumed_as_if_it_had_not(
    tmp_path: Path, whole: tuple[Path, dict[str, Any]], command: str, number: signal.Signals
) -> None:
    with held_by_its_pipe([COMMAND, command, *RUN, '--output', 'run'], tmp_path) as running:
        assert running.stdout is not None
        first = [running.stdout.readline() for _ in range(3)]
        running.send_signal(number)
        out, err = running.communicate()
    assert running.returncode == INTERRUPTED, err
    assert 'Traceback' not in err
    assert 'Interrupted: go on with "llm-policy-improver resume run"' in err
    *trials, summary = map(json.loads, [*first, *out.splitlines()])
    assert 3 <= summary['trials'] == len(trials) < TRIALS
    folder = tmp_path / 'run'
    assert (folder / 'landings.png').exists()
    with RunStore.open(folder) as store:
        assert 'aborted' not in {trial.outcome for trial in store.trials()}
        assert len(store.trials()) == len(trials)
        made_with = stored_settings(store)
    assert made_with is not None
    if command == 'demo':  # which nodes, started again by themselves, leave as it is: a person has ended it
        memory = RunMemory(made_with.optimizer.space(), str(folder), resume=True)
        assert memory.interrupted(made_with.optimizer) is None
        memory.close()
    resumed = CliRunner().invoke(cli.cli, ['resume', str(folder), '--json'])
    assert resumed.exit_code == 0, resumed.output
    shown = [json.loads(line)['trial'] for line in resumed.stdout.splitlines()[:-1]]
    assert shown == list(range(len(trials) + 1, TRIALS + 1))
    assert summary_of(resumed.stdout) == whole[1]
    with RunStore.open(folder) as store, RunStore.open(whole[0]) as other:
        assert_same_run(store, other)
    again = CliRunner().invoke(cli.cli, ['resume', str(folder)])
    assert 'has come to its end: there is nothing to resume' in str(again.exception)


@pytest.mark.parametrize('command', ['demo', 'improve'])
def test_interrupt_does_not_wait_for_a_model_that_thinks(tmp_path: Path, command: str) -> None:
    with ChatServer(default=silence()) as server:
        call = [
            COMMAND,
            command,
            'far right',
            '--json',
            '--trials',
            '5',
            '--first-trials',
            '1',
            '--output',
            'run',
        ]
        call += ['--model', 'test-model', '--base-url', server.url]
        with process(call, tmp_path, OPENAI_API_KEY='none') as started:
            started.wait_until(lambda: server.requests, 'the first request')
            started.interrupt()
            assert started.end() == INTERRUPTED, started.err
            assert json.loads(started.out.splitlines()[-1])['trials'] == 1
            assert 'Traceback' not in started.err


def test_interrupt_while_a_model_reads_the_objective_is_no_error(tmp_path: Path) -> None:
    with ChatServer(default=silence()) as server:
        call = [COMMAND, 'improve', 'as elegant as a swan', '--model', 'test-model', '--base-url', server.url]
        with process(call, tmp_path, OPENAI_API_KEY='none') as started:
            started.wait_until(lambda: server.requests, 'the first request')
            started.interrupt()
            assert started.end() == INTERRUPTED, started.err
            assert (started.out, started.err.strip()) == ('', 'Interrupted.')


def test_interrupt_before_the_first_ball_says_how_to_go_on(tmp_path: Path) -> None:
    with process([COMMAND, 'demo', 'far right', '--output', 'run'], tmp_path) as started:
        started.wait_until(lambda: 'Method' in started.out, 'the heading')
        started.interrupt()
        assert started.end() == INTERRUPTED, started.err
        assert 'Traceback' not in started.err
        assert 'Interrupted: ' in started.err
