"""What is done with a stored run: it is resumed, or why not and what to do is said; it is drawn again."""

import json
import shlex
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, good, say
from curved_map import CurvedMap

from llm_policy_improver.cli import main as cli
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.settings import to_mapping
from llm_policy_improver.core.term import Extreme, Term
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.runs.objective_folder import to_draw
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import RunSettings
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.measures.landing import LANDING_X
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.settings import ControllerSettings, SimulatorSettings
from llm_policy_improver.table_tennis.tracing.observed import Outcome, trial_of

SETTINGS = OptimizerSettings(trials=3, first_trials=2, objective='far right', all_trials=True)
IN_PROCESS = {
    'simulator': to_mapping(SimulatorSettings()),
    'controller': to_mapping(ControllerSettings()),
    'optimizer': to_mapping(SETTINGS),
}
"""What improve and demo describe a run by."""
TASK = CurvedMap(0)

Command = Callable[..., tuple[object, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Calls a command as its program does: exit status, output, errors."""

    def call(*arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, 'argv', ['llm-policy-improver', *arguments])
        status: object = 0
        try:
            cli.main()
        except SystemExit as ended:
            status = ended.code or 0
        return (status, *capfd.readouterr())

    return call


def assert_refused(found: tuple[object, str, str], sentence: str) -> None:
    status, out, err = found
    assert (status, out) == (2, ''), err
    assert err.startswith('Error: ')
    assert sentence in err
    assert len(err.splitlines()) == 1


# --- resume ----------------------------------------------------------------------------------------------


PROGRAMS = replace(SETTINGS, method='prompt_po', model='m', vary_balls=True)
NOT_RESUMED: dict[str, tuple[dict[str, Any], OptimizerSettings | None, str | None, str]] = {
    'has ended': (IN_PROCESS, SETTINGS, 'finished', 'has come to its end: there is nothing to resume'),
    'not begun': (IN_PROCESS, None, None, 'was interrupted before its first ball: begin it again'),
    'no settings': ({}, None, None, 'does not hold its settings'),
    'rehearsal': (
        {'stand_in_arm': {}},
        SETTINGS,
        'cancelled',
        'is a rehearsal in real time, which cannot be',
    ),
    'programs': (IN_PROCESS, PROGRAMS, 'cancelled', 'begin it again with "llm-policy-improver demo"'),
    'launched': ({}, SETTINGS, None, 'that were launched: launch them again with output_folder:='),
    'launched and cancelled': ({}, SETTINGS, 'cancelled', 'resume:=true, and call set_objective'),
}


@pytest.mark.parametrize('case', NOT_RESUMED)
def test_run_that_cannot_be_resumed_says_why_and_what_to_do(
    tmp_path: Path, command: Command, case: str
) -> None:
    description, settings, state, sentence = NOT_RESUMED[case]
    with RunStore.create(tmp_path / 'run', description) as store:
        if settings is not None:
            RunSettings(settings, history=0).store(store)
        if state is not None:
            store.add_end(state, '')
    assert_refused(command('resume', str(tmp_path / 'run')), sentence)


def test_resumed_run_aims_at_what_was_understood_and_asks_nobody_again(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    understood = Objective(
        'as elegant as a swan', (Term(LANDING_X, Extreme.SMALLEST),), 'far out on the left'
    )
    with ChatServer(default=good([1.05] * 8)) as server:  # no meaning: who asks for one is refused
        settings = replace(
            SETTINGS, first_trials=1, trials=2, model='m', base_url=server.url, objective=understood.words
        )
        with RunStore.create(tmp_path / 'run', IN_PROCESS) as store:
            RunSettings(settings, history=0, objective=understood).store(store)
        status, out, err = command('resume', str(tmp_path / 'run'), '--json')
        assert status == 0, err
        assert len(server.requests) == 1
    *trials, summary = map(json.loads, out.splitlines())
    assert summary['aim'] == 'far out on the left'
    assert trials[0]['distance_m'] == pytest.approx(trials[0]['landing_m'][0] + 0.7625, abs=1e-3)


def test_run_whose_words_were_misread_ends_with_a_sentence_and_is_over(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    folder = tmp_path / 'run'
    with ChatServer(default=say('{"misread": "as far left as possible"}')) as server:
        status, out, err = command(
            'improve', 'as far right as possible', '--model', 'm', '--base-url', server.url, '--first-trials', '2',
            '--trials', '5', '--json', '--output', str(folder),
        )  # fmt: skip
    assert status == 2, err
    assert 'Traceback' not in err
    *trials, summary = map(json.loads, out.splitlines())
    assert len(trials) == summary['trials'] == 2
    assert '"as far left as possible" instead of "as far right as possible": say it' in summary['stopped']
    status, _, err = command('resume', str(folder))
    assert status == 2
    assert 'nothing to resume' in err or 'ended' in err


# --- plot, and the folders of further objectives ---------------------------------------------------------


def play(folder: Path, words: str, steps: int, aborted: bool = False) -> None:
    """What nodes store of a run; its first trial is aborted and played again where that is said."""
    objective = parse_objective(words)
    with closing(RunMemory(SETTINGS.space(), str(folder))) as memory, RunStore.open(folder) as logger:
        run = memory.begin(SETTINGS, objective, SETTINGS.trials)
        improvement = assemble(SETTINGS).improvement(
            objective, history=run.history, first_version=memory.version + 1
        )
        for _ in range(steps):
            step = improvement.propose()
            memory.take_step(objective, step)
            if aborted and step.number == 1:
                logger.add_trial(
                    step.played(trial_of(Modulation.of(step.parameters), Outcome.ABORTED, {}, ''))
                )
            trial = logger.add_trial(step.play(TASK, improvement.history))
            memory.learn(trial)
            improvement.record(trial)


def test_plot_draws_every_objective_into_its_own_folder(tmp_path: Path, command: Command) -> None:
    play(tmp_path, 'far left', 3)
    play(tmp_path, 'near the net', 0)  # begun, and nothing played yet
    told = (tmp_path / '2-near-net' / 'run.json').read_text()
    status, out, err = command('plot', str(tmp_path))
    assert (status, out) == (0, f'Picture: {tmp_path / "landings.png"}\n'), err
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0].isdigit()) == ['2-near-net']
    assert (tmp_path / '2-near-net' / 'run.json').read_text() == told
    play(tmp_path, 'far right', 2)
    status, out, err = command('plot', str(tmp_path))
    pictures = [Path(line.removeprefix('Picture: ')) for line in out.splitlines()]
    assert (status, pictures) == (
        0,
        [tmp_path / 'landings.png', tmp_path / '3-far-right' / 'landings.png'],
    ), err
    assert all(picture.read_bytes().startswith(b'\x89PNG') for picture in pictures)
    with RunStore.open(tmp_path) as store:
        _, trials, first, _ = to_draw(store, parse_objective('far left'), 2, number=1)
        assert (len(trials), first) == (3, 2), 'a later run is no part of the first'
        _, trials, first, _ = to_draw(store, parse_objective('far right'), 2, number=3)
        assert (len(trials), first) == (5, 3)


def test_trial_that_was_played_again_does_not_shift_where_the_first_trials_end(tmp_path: Path) -> None:
    play(tmp_path, 'far left', 3, aborted=True)
    with RunStore.open(tmp_path) as store:
        _, trials, first, _ = to_draw(store, parse_objective('far left'), 2)
        assert [trial.proposed_by for trial in trials] == ['initial'] * 3 + ['least_squares']
        assert first == 3


def test_nothing_to_draw_is_said(tmp_path: Path, command: Command) -> None:
    play(tmp_path, 'far left', 0)
    assert_refused(command('plot', str(tmp_path)), 'has no trials yet')


@pytest.mark.parametrize('call', ['plot', 'replay', 'audit', 'resume', 'prompt --run'])
def test_folder_of_a_further_objective_says_where_its_trials_are(
    tmp_path: Path, command: Command, call: str
) -> None:
    for words in ('far left', 'far right'):
        play(tmp_path, words, 0)
    found = command(*shlex.split(call), str(tmp_path / '2-far-right'))
    assert_refused(found, f'further objective of the run in {tmp_path}: give that folder')
