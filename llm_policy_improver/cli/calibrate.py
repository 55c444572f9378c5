"""``llm-policy-improver calibrate``: a cell's own coefficients, from recordings of its balls and of its arm."""

import json
import sys
from pathlib import Path

import click

from llm_policy_improver.core.settings import read_settings, with_settings
from llm_policy_improver.report.progress import without_nan
from llm_policy_improver.report.progress_bar import under_progress_bar
from llm_policy_improver.report.tables import print_table
from llm_policy_improver.table_tennis.calibration.calibrate import CellBefore, calibrate
from llm_policy_improver.table_tennis.calibration.parameter_file import settings_of
from llm_policy_improver.table_tennis.calibration.picture import draw
from llm_policy_improver.table_tennis.calibration.recordings import read_recordings
from llm_policy_improver.table_tennis.calibration.told import as_json as plain_data
from llm_policy_improver.table_tennis.calibration.told import not_written, rows
from llm_policy_improver.table_tennis.settings import ControllerSettings


@click.command('calibrate')
@click.argument('recordings', nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    '--output',
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help='Parameter file to write.',
)
@click.option(
    '--config',
    type=click.Path(path_type=Path),
    help='Parameter file of the cell so far, e.g. config/hardware.yaml: what is not determined stays as it is there.',
)
@click.option(
    '--ball-topic', default='', help='Topic of the sightings in rosbags.  [that ends in ball/position]'
)
@click.option(
    '--plot', type=click.Path(path_type=Path, dir_okay=False), help='Where to save the picture.  [OUTPUT.png]'
)
@click.option('--json', 'as_json', is_flag=True, help='One JSON object.')
def calibrate_command(
    recordings: tuple[Path, ...],
    output: Path,
    config: Path | None,
    ball_topic: str,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Measure the cell's own coefficients, and write them as a parameter file.

    RECORDINGS are runs of this package, rosbags (MCAP), CSV files with t, x, y, z in s and m, or folders of these. What
    they do not determine stays as it was, and is told.

    Example: llm-policy-improver calibrate runs/today balls.csv --output config/my_cell.yaml
    """
    settings = (
        ControllerSettings() if config is None else read_settings(config, ControllerSettings, 'controller')
    )
    known = settings.controller
    before = CellBefore(known.ball, known.filter, known.latency, settings.cameras)
    read = read_recordings(recordings, ball_topic, settings.driver_joint_names)
    found = under_progress_bar(lambda step: calibrate(read, before, step))
    on_the_arm = not settings.lockstep
    text = with_settings(config, settings_of(found, on_the_arm))
    picture = plot or output.with_suffix('.png')
    try:
        output.write_text(text)
        draw(found, picture)
    except OSError as error:
        click.echo(
            f'Error: {error.filename}: cannot be written ({error.strerror}); name a file in a folder',
            err=True,
        )
        sys.exit(2)
    if as_json:
        json.dump(without_nan(plain_data(found)), sys.stdout)
        print()
    else:
        title = f'{len(found.flights)} flights in {found.recordings} recordings'
        print_table(('coefficient', 'before', 'measured', ''), rows(found), title)
        first, last = (f'{1e3 * each:.0f} mm' for each in found.held_out_m)
        click.echo(
            f'Held-out flights, 0.25 s ahead through the bounce: {first} off before, {last} after (median).'
        )
        if found.held_out_m[1] > found.held_out_m[0]:
            click.echo('They are predicted no better than before: look at the picture before you use the file.')
        for sentence in not_written(found, on_the_arm):
            click.echo(f'Not written: {sentence}.')
    click.echo(f'Parameter file: {output}; picture: {picture}', err=True)
