"""A clip of a stored trial: what is recorded of a real run, drawn, encoded and decoded again."""

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.loop.step import Step
from llm_policy_improver.report.clip import HOLD, SPEED, Clip, asked_text
from llm_policy_improver.report.clip_file import RATES, Picture, write_clip
from llm_policy_improver.report.clip_text import heading
from llm_policy_improver.report.clip_trial import ClipTrial
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.simulation import drawing
from llm_policy_improver.table_tennis.simulation.marks import BALL, LANDING
from llm_policy_improver.table_tennis.simulation.off_screen import NoPictureError
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task import TableTennis

WORDS = 'far left corner'
LANDED, SHORT = 1, 2
"""Numbers of the trials."""
AIM_LIT = (0.98, 0.36, 0.42)
"""The colour of the aim under the scene's lights."""


@pytest.fixture(scope='module')
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two balls of the simulated arm, one that lands and one that comes down on the robot's own half."""
    folder, space, task = tmp_path_factory.mktemp('runs') / 'run', parameter_space(), TableTennis()
    with RunStore.create(folder, {}) as store:
        for version, factor in ((LANDED, 1.0), (SHORT, 0.6)):
            policy = space.at([factor] * space.dimension)
            store.add_step(WORDS, Step(version, policy, version, Proposal(policy, 'initial'), 0))
            trial = replace(task.run(policy, seed=0), version=version)
            assert (trial.outcome == 'landed') == (version == LANDED)
            store.add_trial(trial)
    return folder


def shown(run: Path, number: int) -> ClipTrial:
    with closing(RunRecords.look(run)) as store:
        return ClipTrial.stored(store, number)


@pytest.fixture(scope='module')
def pictures(run: Path) -> tuple[Clip, list[Picture]]:
    """All frames of the trial that lands, at the rate of a GIF, as they are before they are encoded."""
    clip = Clip([shown(run, LANDED)], RATES['.gif'])
    try:
        return clip, list(clip.frames())
    except NoPictureError as error:
        pytest.skip(str(error))


def near(picture: Picture, colour: tuple[float, ...], tolerance: int = 40) -> np.ndarray:
    """(n, 2) rows and columns of the pixels of about this colour, below the heading and above the footing."""
    wanted = 255.0 * np.array(colour[:3])
    view = picture[70 : 70 + drawing.HEIGHT - 4].astype(float)
    return np.argwhere(np.all(np.abs(view - wanted) < tolerance, axis=2))


def near_ink(picture: Picture) -> np.ndarray:
    """Which pixels are bright, as letters are."""
    return np.asarray(np.all(picture > 150, axis=2))


def from_above(picture: Picture) -> Picture:
    return picture[:, drawing.ROBOTS_SIDE.width :]


# --- what it says ----------------------------------------------------------------------------------------


def test_heading_says_where_a_return_landed_and_what_is_left_to_go(run: Path) -> None:
    trial = shown(run, LANDED)
    x, y = trial.trial.measures['landing_x'], trial.trial.measures['landing_y']
    left = parse_objective(WORDS).distance(trial.trial)
    assert trial.headline == f'Trial 1: landed at ({x:+z.2f}, {y:.2f}) m, {left:.3f} m to go'
    assert trial.asked == WORDS


def test_heading_says_in_words_what_became_of_a_ball_that_was_no_return(run: Path) -> None:
    assert shown(run, SHORT).headline.startswith(
        "Trial 2: own side: the ball came down on the robot's own half"
    )


def test_text_from_outside_is_shown_without_characters_that_nobody_sees(run: Path) -> None:
    trial = shown(run, SHORT)
    spoiled = replace(
        trial,
        trial=replace(trial.trial, note='it\x1b[2J\u202efell\nshort'),
        objective=Objective('far\u200b left\x07'),
    )
    assert spoiled.headline == 'Trial 2: own side: it[2Jfell short'
    assert spoiled.asked == 'far left'


def test_trial_without_a_known_objective_is_shown_without_an_aim(run: Path, tmp_path: Path) -> None:
    with RunStore.create(tmp_path / 'bare', {}) as store:
        store.add_trial(replace(shown(run, LANDED).trial, samples=shown(run, LANDED).motion.samples))
    bare = shown(tmp_path / 'bare', 1)
    assert bare.goal is None
    assert bare.headline.endswith(' m')


def test_words_that_the_font_has_no_shapes_for_are_shown_as_they_were_understood(run: Path) -> None:
    trial = shown(run, LANDED)
    chinese = replace(trial, objective=replace(parse_objective(WORDS), words='打到左远角'))
    assert asked_text(trial) == f'asked: “{WORDS}”'
    assert asked_text(chinese) == f'asked: {parse_objective(WORDS).sentence}'


def test_heading_that_is_too_long_is_cut_where_the_picture_ends() -> None:
    whole, cut = heading(400, 'Trial 1: out', ''), heading(400, f'Trial 1: {"a very long way out " * 20}', '')
    assert whole.shape == cut.shape
    assert not np.any(near_ink(cut[:, -12:]))
    assert np.any(near_ink(cut[:, 300:]))


# --- what it shows ---------------------------------------------------------------------------------------


def test_trials_are_synchronised_at_the_hit(run: Path) -> None:
    one, other = shown(run, LANDED), shown(run, SHORT)
    shifted = replace(
        other,
        motion=replace(other.motion, meeting=other.motion.meeting + 0.5, end=other.motion.end + 0.5),
    )
    clip = Clip([one, shifted], 25.0)
    assert clip.times[0] == pytest.approx(-shifted.motion.meeting)
    assert clip.times[-1] == pytest.approx(max(each.motion.end - each.motion.meeting for each in clip.trials))


def test_every_frame_is_drawn_and_the_last_one_stays(pictures: tuple[Clip, list[Picture]]) -> None:
    clip, frames = pictures
    assert len(frames) == len(clip)
    motion = clip.trials[0].motion
    lasts = (motion.end - motion.begin) / SPEED + HOLD
    assert len(frames) / clip.rate == pytest.approx(lasts, abs=2.0 / clip.rate)
    assert {each.shape for each in frames} == {(*clip.size[::-1], 3)}
    assert np.array_equal(frames[-1], frames[len(clip.times) - 1])
    assert not np.array_equal(frames[-1], frames[len(clip.times) - 2])


def test_ball_flies_away_from_the_robot_in_the_view_from_above(pictures: tuple[Clip, list[Picture]]) -> None:
    clip, frames = pictures
    returning = [frame for frame, time in zip(frames, clip.times, strict=False) if time > 0.1]
    farthest = [near(from_above(frame), BALL)[:, 0].min() for frame in returning]
    assert farthest[0] - farthest[-1] > 100  # rows count downwards
    assert farthest == sorted(farthest, reverse=True)


def test_arm_swings_before_the_hit(pictures: tuple[Clip, list[Picture]]) -> None:
    clip, frames = pictures
    at_hit = int(np.argmin(np.abs(clip.times)))
    orange = [
        near(frame[:, : drawing.ROBOTS_SIDE.width], (0.9, 0.42, 0.1), 60)
        for frame in (frames[0], frames[at_hit])
    ]
    assert all(len(each) > 500 for each in orange)
    assert np.linalg.norm(orange[0].mean(axis=0) - orange[1].mean(axis=0)) > 5.0


def test_aim_is_at_the_left_far_corner_and_the_landing_where_it_was_once_it_was(
    pictures: tuple[Clip, list[Picture]],
) -> None:
    clip, frames = pictures
    trial, scale = clip.trials[0], drawing.HEIGHT / drawing.ABOVE.height
    aim = near(from_above(frames[0]), AIM_LIT, 30).mean(axis=0)
    middle = np.array([drawing.HEIGHT / 2.0 - 2.0, drawing.ABOVE.width / 2.0])
    y, x = (middle - aim) / scale * (1.0, -1.0) + (drawing.ABOVE.looks_at[1], 0.0)
    goal = trial.goal
    assert goal is not None
    assert (x, y) == pytest.approx((goal.x, goal.y), abs=0.05)
    landing = trial.trial.measures['landing_x'], trial.trial.measures['landing_y']
    column, row = (
        round(middle[1] + landing[0] * scale),
        round(middle[0] - (landing[1] - drawing.ABOVE.looks_at[1]) * scale),
    )

    def whites(frame: Picture) -> int:
        around = near(from_above(frame), LANDING, 50) - (row, column)
        return int(np.sum(np.all(np.abs(around) < 7, axis=1)))

    assert whites(frames[-1]) > whites(frames[0]) + 5


def test_another_trial_looks_different_at_the_same_moment(
    run: Path, pictures: tuple[Clip, list[Picture]]
) -> None:
    clip, frames = pictures
    other = shown(run, SHORT)
    with drawing.Drawing() as draw:
        motion = other.motion
        picture = draw.picture(motion.joints(motion.meeting), other.marks(motion.meeting))
    at_hit = int(np.argmin(np.abs(clip.times)))
    assert np.mean(np.any(picture != frames[at_hit][68 : 68 + drawing.HEIGHT], axis=2)) > 0.005


def test_two_trials_stand_side_by_side(run: Path) -> None:
    pair = Clip([shown(run, LANDED), shown(run, SHORT)], 2.0)
    try:
        frame = next(pair.frames())
    except NoPictureError as error:
        pytest.skip(str(error))
    assert frame.shape == (*pair.size[::-1], 3)
    assert pair.size[0] > 2 * drawing.WIDTH
    assert not np.array_equal(frame[:68, : drawing.WIDTH], frame[:68, -drawing.WIDTH :])


# --- the file --------------------------------------------------------------------------------------------


def test_mp4_decoded_again_has_every_frame_in_its_size_and_time(
    tmp_path: Path, pictures: tuple[Clip, list[Picture]]
) -> None:
    av = pytest.importorskip('av', reason='MP4 needs the extra video')
    frames = pictures[1]
    write_clip(tmp_path / 'clip.mp4', iter(frames))
    with av.open(str(tmp_path / 'clip.mp4')) as container:
        (stream,) = container.streams.video
        assert stream.codec_context.name == 'h264'
        assert stream.pix_fmt == 'yuv420p'
        decoded = [frame.to_ndarray(format='rgb24') for frame in container.decode(stream)]
        assert float(stream.duration * stream.time_base) == pytest.approx(len(frames) / RATES['.mp4'])
    assert len(decoded) == len(frames)
    for index in (0, len(frames) // 2, -1):
        assert decoded[index].shape == frames[index].shape
        assert np.mean(np.abs(decoded[index].astype(int) - frames[index])) < 4.0


def test_gif_read_again_shows_the_same_for_as_long_without_the_package_for_mp4(
    tmp_path: Path, pictures: tuple[Clip, list[Picture]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'av', None)
    clip, frames = pictures
    write_clip(tmp_path / 'clip.gif', iter(frames))
    with Image.open(tmp_path / 'clip.gif') as image:
        assert image.size == clip.size
        assert image.info['loop'] == 0
        lasting = [frame.info['duration'] for frame in ImageSequence.Iterator(image)]
        image.seek(0)
        first = np.asarray(image.convert('RGB'))
    assert sum(lasting) / 1000.0 == pytest.approx(len(frames) / clip.rate, abs=0.01)
    assert np.mean(np.abs(first.astype(int) - frames[0])) < 8.0
    assert len(near(from_above(first), AIM_LIT, 30)) > 20  # few pixels, and yet a colour of their own


def test_interrupted_clip_leaves_no_file(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Picture]:
        yield np.zeros((16, 16, 3), dtype=np.uint8)
        raise KeyboardInterrupt

    for name in ('clip.gif', *(['clip.mp4'] if _has_av() else [])):
        with pytest.raises(KeyboardInterrupt):
            write_clip(tmp_path / name, interrupted())
    assert list(tmp_path.iterdir()) == []


def test_clip_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    name = f'{"x" * 250}.gif'  # as long as a name may be: none is left for the part
    (tmp_path / name).write_bytes(b'before')
    with pytest.raises(StoreError, match='cannot be written'):
        write_clip(tmp_path / name, iter([np.zeros((16, 16, 3), dtype=np.uint8)]))
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b'before']


def _has_av() -> bool:
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True
