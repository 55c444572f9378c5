"""``llm-policy-improver video``: a file for whoever asks for a trial, or one clear sentence."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from paths import ROOT

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.policy import Program
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.verify import verify
from llm_policy_improver.table_tennis.simulation.drawing import Drawing
from llm_policy_improver.table_tennis.simulation.off_screen import NoPictureError

STORED = ROOT / 'test' / 'recordings' / 'format_3' / 'far_right'
"""A run of an older version, with the trial 1."""

Called = tuple[int, str, str]
Video = Callable[..., Called]


@pytest.fixture
def video(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Video:
    """Calls the command as its program does: exit status, output, errors."""

    def call(*arguments: object) -> Called:
        from llm_policy_improver.cli.main import main

        monkeypatch.setattr(sys, 'argv', ['llm-policy-improver', 'video', *map(str, arguments)])
        status: object = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
        assert isinstance(status, int)
        return (status, *capfd.readouterr())

    return call


@pytest.fixture
def run(tmp_path: Path) -> Path:
    shutil.copytree(STORED, tmp_path / 'run')
    return tmp_path / 'run'


@pytest.fixture
def drawn() -> None:
    """Skips where this machine cannot draw."""
    try:
        Drawing().close()
    except NoPictureError as error:
        pytest.skip(str(error))


def assert_refused(found: Called, sentence: str) -> None:
    status, out, err = found
    assert status == 2
    assert out.strip() == ''
    assert err.startswith('Error: ')
    assert sentence in err
    assert len(err.splitlines()) == 1


@pytest.mark.usefixtures('drawn')
def test_without_the_package_for_mp4_a_gif_is_made_and_said_why(
    run: Path, video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'av', None)
    found = verify(run)
    status, out, err = video(run, '--trial', 1)
    assert (status, out.strip()) == (0, f'Clip: {run / "trial-0001.gif"}')
    assert err.strip() == (
        "It is an animated GIF: MP4 needs the package av: pip install 'llm-policy-improver[video]'"
    )
    assert (run / 'trial-0001.gif').read_bytes().startswith(b'GIF89a')
    assert verify(run) == found


@pytest.mark.usefixtures('drawn')
def test_clip_of_two_trials_goes_into_the_run_under_their_numbers(run: Path, video: Video) -> None:
    pytest.importorskip('av', reason='MP4 needs the extra video')
    status, out, err = video(run, '--trial', 1, '--beside', 1)
    assert (status, err.strip()) == (0, '')
    assert out.strip() == f'Clip: {run / "trial-0001-beside-0001.mp4"}'
    assert (run / 'trial-0001-beside-0001.mp4').read_bytes()[4:8] == b'ftyp'


def test_mp4_that_was_asked_for_by_name_is_refused_without_its_package(
    run: Path, video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'av', None)
    assert_refused(
        video(run, '--trial', 1, '--output', run / 'x.mp4'), "pip install 'llm-policy-improver[video]'"
    )


@pytest.mark.parametrize(
    ('output', 'sentence'),
    [
        ('missing/x.gif', 'there is no such folder; make it first'),
        ('trials', 'names no kind of clip that can be written, expected .mp4 or .gif at its end'),
        ('x.mov', 'names no kind of clip that can be written, expected .mp4 or .gif at its end'),
        ('folder.gif', 'is a folder: give the name of a file'),
    ],
)
def test_place_that_cannot_be_written_is_refused_before_anything_is_drawn(
    run: Path, video: Video, output: str, sentence: str
) -> None:
    (run / 'folder.gif').mkdir()
    assert_refused(video(run, '--trial', 1, '--output', run / output), sentence)


def test_trial_that_is_not_there_is_named(run: Path, video: Video) -> None:
    assert_refused(video(run, '--trial', 99), 'has no trial 99')
    assert_refused(video(run, '--trial', 1, '--beside', 99), 'has no trial 99')


def test_damaged_samples_are_refused_and_not_drawn(run: Path, video: Video) -> None:
    path = run / 'trials' / '0001.mcap'
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    assert_refused(video(run, '--trial', 1), 'could not read the samples of trial 1')
    assert not list(run.glob('trial-*'))


def test_folder_without_a_run_is_refused(tmp_path: Path, video: Video) -> None:
    assert_refused(video(tmp_path, '--trial', 1), 'holds no run')


def test_episodes_of_another_task_are_refused(tmp_path: Path, video: Video) -> None:
    program = Program('class Policy:\n    def act(self, obs):\n        return 0\n', 'Policy')
    with RunStore.create(tmp_path / 'run', {}) as store:
        store.add_trial(Trial(program, 'played', samples=(Episode((0.0,), (), ()),)))
    assert_refused(video(tmp_path / 'run', '--trial', 1), 'holds episodes of another task')


def test_trial_of_which_nothing_was_seen_is_refused(tmp_path: Path, video: Video) -> None:
    with RunStore.create(tmp_path / 'run', {}) as store:
        store.add_trial(Trial(Program('', 'Policy'), 'aborted'))
    assert_refused(
        video(tmp_path / 'run', '--trial', 1), 'cannot be drawn: it holds no sightings of the ball'
    )


def test_window_shows_one_trial_and_makes_no_file(run: Path, video: Video) -> None:
    assert_refused(video(run, '--trial', 1, '--view', '--beside', 1), 'leave --beside and --output out')


@pytest.mark.parametrize(
    ('environment', 'options', 'sentence'),
    [
        ({'MUJOCO_GL': 'off'}, (), 'nothing can be drawn: MUJOCO_GL is off; unset it'),
        ({'MUJOCO_GL': 'vulkan'}, (), "MUJOCO_GL is 'vulkan', expected egl, osmesa or nothing"),
        ({'DISPLAY': ':98765', 'WAYLAND_DISPLAY': ''}, ('--view',), 'no window can be opened here'),
    ],
)
def test_machine_that_cannot_show_it_is_told_in_a_sentence(
    run: Path, environment: dict[str, str], options: tuple[str, ...], sentence: str
) -> None:
    # MuJoCo and GLFW look at the environment once, so in a process of its own.
    done = subprocess.run(
        [sys.executable, '-m', 'llm_policy_improver', 'video', str(run), '--trial', '1', *options],
        env=os.environ | {'PYTHONPATH': str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    assert sentence in done.stderr
    assert 'Traceback' not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_help_needs_no_mujoco() -> None:
    assert 'slow motion' in CliRunner().invoke(cli, ['video', '--help']).output
