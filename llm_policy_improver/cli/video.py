"""``llm-policy-improver video``: a stored trial as a clip, or live in a window."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llm_policy_improver.cli.main import fail
from llm_policy_improver.cli.run_commands import looked_into, say_damage
from llm_policy_improver.core.packages import MissingPackageError
from llm_policy_improver.report.clip_file import (
    GIF,
    MP4,
    RATES,
    ClipFileError,
    Picture,
    require_mp4,
    require_writable,
    write_clip,
)
from llm_policy_improver.report.progress_bar import Step, under_progress_bar
from llm_policy_improver.table_tennis.simulation.off_screen import NoPictureError, require_usable_choice

if TYPE_CHECKING:
    from llm_policy_improver.report.clip_trial import ClipTrial


@click.command('video')
@click.argument('folder', metavar='RUN', type=click.Path(path_type=Path))
@click.option('--trial', type=click.IntRange(1), required=True, help='Number of the trial.')
@click.option('--beside', type=click.IntRange(1), help='Number of another trial, shown side by side.')
@click.option(
    '--output',
    type=click.Path(path_type=Path),
    help='File, .mp4 or .gif.  [RUN/trial-0001.mp4, by the number]',
)
@click.option('--view', is_flag=True, help="Show the trial in a loop in MuJoCo's viewer instead.")
def video_command(folder: Path, trial: int, beside: int | None, output: Path | None, view: bool) -> None:
    """Draw a stored trial of the arm, simulated or not, as a clip in slow motion.

    It shows what was recorded, joints and sightings of the ball, and simulates nothing. Two trials are shown side
    by side, synchronised at the hit.

    Example: llm-policy-improver video runs/far-right --trial 30 --beside 1
    """
    if view and (beside is not None or output is not None):
        fail('--view shows one trial in a window: leave --beside and --output out, or --view')
    numbers = [trial] if beside is None else [trial, beside]
    try:
        require_usable_choice()  # before anything imports MuJoCo
        if view:
            _show(folder, trial)
        else:
            _write(folder, numbers, output)
    except (ClipFileError, MissingPackageError, NoPictureError) as error:
        fail(str(error))


def _show(folder: Path, trial: int) -> None:
    from llm_policy_improver.report.clip import at_speed
    from llm_policy_improver.table_tennis.simulation.live_view import NoWindowError, show_live

    (shown,) = _stored(folder, [trial])
    try:
        show_live(partial(at_speed, shown))
    except NoWindowError as error:
        fail(str(error))


def _write(folder: Path, numbers: list[int], output: Path | None) -> None:
    from llm_policy_improver.report.clip import Clip

    why_gif = ''
    if output is None:
        output = folder / f'trial-{"-beside-".join(f"{each:04d}" for each in numbers)}{MP4}'
        try:
            require_mp4()
        except MissingPackageError as error:
            output, why_gif = output.with_suffix(GIF), f'It is an animated GIF: {error}'
    shown = _stored(folder, numbers)
    require_writable(output)
    clip = Clip(shown, RATES[output.suffix])

    def counted(step: Step) -> Iterator[Picture]:
        for number, frame in enumerate(clip.frames(), start=1):
            step('frames', number, len(clip))
            yield frame

    under_progress_bar(lambda step: write_clip(output, counted(step)))
    click.echo(f'Clip: {output}')
    if why_gif:
        click.echo(why_gif, err=True)


def _stored(folder: Path, numbers: list[int]) -> 'list[ClipTrial]':
    from llm_policy_improver.report.clip_trial import ClipTrial

    with looked_into(folder) as store:
        say_damage(store)
        return [ClipTrial.stored(store, number) for number in numbers]
