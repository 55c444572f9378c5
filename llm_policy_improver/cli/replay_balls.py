"""``llm-policy-improver replay-balls``: recorded balls through filter and controller, with the arm in simulation."""

import json
import sys
from collections import Counter
from pathlib import Path

import click

from llm_policy_improver.core.settings import SettingsError, read_settings
from llm_policy_improver.report.progress import without_nan
from llm_policy_improver.report.progress_bar import under_progress_bar
from llm_policy_improver.report.tables import print_table
from llm_policy_improver.table_tennis.calibration.flights_of import flights_of
from llm_policy_improver.table_tennis.calibration.recordings import read_recordings
from llm_policy_improver.table_tennis.calibration.replay_balls import replay_balls
from llm_policy_improver.table_tennis.settings import ControllerSettings, SimulatorSettings
from llm_policy_improver.table_tennis.task import require_one_period


@click.command('replay-balls')
@click.argument('recordings', nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    '--config', type=click.Path(path_type=Path), help='Parameter file, e.g. what calibrate has written.'
)
@click.option(
    '--ball-topic', default='', help='Topic of the sightings in rosbags.  [that ends in ball/position]'
)
@click.option('--json', 'as_json', is_flag=True, help='One JSON object.')
def replay_balls_command(
    recordings: tuple[Path, ...], config: Path | None, ball_topic: str, as_json: bool
) -> None:
    """Play recorded balls through filter and controller, with the arm in simulation.

    RECORDINGS are as for calibrate. The controller sees the recorded sightings of every ball that comes to the robot;
    the ball that the simulated racket meets starts as the recorded one was fitted.

    Example: llm-policy-improver replay-balls balls.csv --config config/my_cell.yaml
    """
    simulator, controller = SimulatorSettings(), ControllerSettings()
    if config is not None:
        simulator = read_settings(config, SimulatorSettings, 'simulator')
        controller = read_settings(config, ControllerSettings, 'controller')
    try:
        require_one_period(simulator.simulation, controller.controller)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    read = read_recordings(recordings, ball_topic, controller.driver_joint_names)
    flights = flights_of(read, controller.cameras)
    result = under_progress_bar(
        lambda step: replay_balls(
            flights,
            simulator.simulation,
            controller.controller,
            lambda done, total: step('balls', done, total),
        )
    )
    if as_json:
        json.dump(without_nan(result.as_json()), sys.stdout)
        print()
        return
    count = len(result.balls)
    told = result.as_json()
    outcomes = Counter(ball.outcome.value for ball in result.balls)
    print_table(
        ('figure', 'of the recorded balls'),
        [
            ('come to the robot, of all flights', f'{count} of {result.flights}'),
            ('hit', f'{told["hit"]} ({told["hit"] / count:.0%})'),
            ('returned onto the other half', f'{told["returned"]} ({told["returned"] / count:.0%})'),
            ('outcomes', ', '.join(f'{name} {number}' for name, number in outcomes.most_common())),
            ('predicted 0.25 s before the arm, off by (median)', f'{1e3 * result.prediction_m:.0f} mm'),
        ],
        'Recorded balls, played by the simulated arm',
    )
