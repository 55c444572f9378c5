"""The command line: ``llm-policy-improver demo``, ``improve``, and the commands of other modules."""

import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console

from llm_policy_improver.cli.bench import bench
from llm_policy_improver.cli.rehearse_command import rehearse_command
from llm_policy_improver.cli.run_commands import audit_command, prompt_command, replay_command
from llm_policy_improver.cli.understand import understand_command
from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.core.interrupts import HeldInterrupt
from llm_policy_improver.core.objective import Objective, ObjectiveError, parse_objective
from llm_policy_improver.core.settings import SettingsError, read_settings, to_mapping
from llm_policy_improver.loop.choice import choose_optimizer
from llm_policy_improver.loop.improvement import Improvement, ImprovementError
from llm_policy_improver.loop.improvement_result import ImprovementResult
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.registry import CHOICES
from llm_policy_improver.report.landing_map import draw_landing_map
from llm_policy_improver.report.progress import ConsoleReporter, JsonReporter, Reporter, TrialReport
from llm_policy_improver.runs.improvement_record import store_step
from llm_policy_improver.runs.run_folder import default_run_folder
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.table_tennis.rehearsal import Rehearsal
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.simulation.config import PAUSE
from llm_policy_improver.table_tennis.task import TableTennis, require_one_period

_BAD_INPUT = (SettingsError, ObjectiveError, EndpointError, StoreError, ImprovementError)
_INTERRUPTED = 130


@click.group(context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(package_name='llm-policy-improver', prog_name='llm-policy-improver')
def cli() -> None:
    """Say where the ball should go; a language model tunes the robot until it does.

    The language model is any OpenAI-compatible endpoint: --model NAME, --base-url URL where it is not OpenAI's,
    the key in the environment variable OPENAI_API_KEY. Without --model a regression proposes.
    """


def _run_options(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments and options of a run."""
    for option in reversed(
        (
            click.argument('objective'),
            click.option('--trials', type=int, help='Balls to play, the first trials included.  [39]'),
            click.option('--first-trials', type=int, help='Balls before the optimizer is asked.  [24]'),
            click.option(
                '--optimizer',
                metavar='NAME',
                help=f'Who proposes: {", ".join(CHOICES)}.  [auto]',
            ),
            click.option('--model', help='Name of the language model.'),
            click.option('--base-url', help='Of an OpenAI-compatible endpoint.'),
            click.option(
                '--request-timeout', type=float, help='Seconds for one request to the model.  [120]'
            ),
            click.option('--request-retries', type=int, help='Further attempts of a failed request.  [2]'),
            click.option('--seed', type=int, help='Draws the first trials and the balls.  [0]'),
            click.option('--vary-balls/--same-ball', default=None, help='Another ball in every trial.'),
            click.option(
                '--config', type=click.Path(path_type=Path), help='Parameter file, as config/sim.yaml.'
            ),
            click.option(
                '--output',
                type=click.Path(path_type=Path),
                help='New folder of the run.  [runs/TIME-OBJECTIVE]',
            ),
            click.option(
                '--json', 'as_json', is_flag=True, help='One JSON line per trial and one at the end.'
            ),
        )
    ):
        command = option(command)
    return command


class _Run:
    """What both commands share: settings, store, reporter."""

    def __init__(self, options: dict[str, Any]) -> None:
        config: Path | None = options.pop('config')
        output: Path | None = options.pop('output')
        as_json: bool = options.pop('as_json')
        words: str = options.pop('objective')
        self.simulator = _read(config, SimulatorSettings, 'simulator')
        self.controller = _read(config, ControllerSettings, 'controller')
        self.trace_logger = _read(config, TraceLoggerSettings, 'trace_logger')
        try:
            require_one_period(self.simulator.simulation, self.controller.controller)
        except ValueError as error:
            raise SettingsError(str(error)) from None
        if not (self.controller.lockstep and self.trace_logger.lockstep):
            raise SettingsError(
                f'{config}: lockstep must be true here, as the simulator leads; settings for the arm are for '
                'hardware.launch.py'
            )
        chosen = {name: value for name, value in options.items() if value is not None}
        read = replace(_read(config, OptimizerSettings, 'optimizer'), feed_balls=True)
        self.optimizer: OptimizerSettings = replace(read, **chosen)
        self.objective: Objective = parse_objective(words)
        self.choice = choose_optimizer(self.optimizer)
        self.choice.require(self.objective)
        if self.optimizer.vary_balls and not self.simulator.simulation.varies:
            varied = replace(self.simulator.simulation, balls='rally')
            self.simulator = replace(self.simulator, simulation=varied)
        self.folder = output or default_run_folder(words, datetime.now())
        # Progress bars and colours only where a person looks.
        # A file has no width to wrap at.
        console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
        self.reporter: Reporter = JsonReporter() if as_json else ConsoleReporter(console)

    def begin(self) -> RunStore:
        """Make the run's store and show the heading."""
        settings = self.optimizer
        store = RunStore.create(
            self.folder,
            {'objective': self.objective.words, 'proposed_by': self.choice.optimizer.name,
             'version': version('llm-policy-improver'), 'simulator': to_mapping(self.simulator),
             'controller': to_mapping(self.controller), 'optimizer': to_mapping(settings)},
        )  # fmt: skip
        self.reporter.begin(self.objective.words, self.objective.metric, self.choice.said, settings.trials)
        return store

    def end(self, result: ImprovementResult, store: RunStore) -> None:
        """Draw the picture and show the summary; trials that were played are never lost to a drawing error."""
        traces = store.trials()
        picture = self.folder / 'landings.png' if traces else None
        failed = ''
        if picture is not None:
            try:
                draw_landing_map(
                    picture, traces, self.objective, self.optimizer.first_trials, self.choice.optimizer.name
                )
            except Exception as error:
                failed = ' '.join(f'{picture} was not drawn: {error or type(error).__name__}'.split())
                picture = None
        self.reporter.end(result, self.folder, picture)
        if failed:
            click.echo(failed, err=True)


def _read(config: Path | None, kind: type[Any], node: str) -> Any:
    return kind() if config is None else read_settings(config, kind, node)


@cli.command()
@_run_options
def demo(**options: Any) -> None:
    """Improve in simulation, through the real ROS 2 nodes composed in one process.

    Example: llm-policy-improver demo "hit the ball as far right as possible"
    """
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    run = _Run(options)
    try:
        from llm_policy_improver.nodes.demo import Demo, DemoSettings, RunFailedError
    except ImportError as error:
        _fail(
            f'ROS 2 is not installed here ({error}): use "llm-policy-improver improve", the same loop without ROS'
        )
    with closing(run.reporter), closing(run.begin()) as store:
        folder = str(run.folder)
        settings = DemoSettings(
            run.simulator, run.controller, replace(run.trace_logger, output_folder=folder),
            replace(run.optimizer, output_folder=folder, objective=''),
        )  # fmt: skip
        with Demo(settings, namespace=f'demo_{os.getpid()}') as nodes:
            try:
                result = nodes.improve(run.objective.words, run.optimizer.trials, run.reporter.trial)
            except RunFailedError as error:
                run.reporter.close()
                _fail(str(error))
            run.end(result, store)
        if result.stopped:
            sys.exit(2)
        if result.trials < run.optimizer.trials:
            sys.exit(_INTERRUPTED)


@cli.command()
@_run_options
def improve(**options: Any) -> None:
    """The same loop in process, without ROS.

    Example: llm-policy-improver improve "just behind the net" --json
    """
    run = _Run(options)
    settings = run.optimizer
    task = TableTennis(run.simulator.simulation, run.controller.controller)
    improvement = Improvement(
        run.objective, run.choice.optimizer, settings.space(), trials=settings.trials,
        first_trials=settings.first_trials, seed=settings.seed, vary_balls=settings.vary_balls,
        fallback=run.choice.fallback, repeats_allowed=run.choice.repeats_allowed,
        gates=[Rehearsal(settings.rehearsal, settings.seed)] if settings.rehearse else (),
    )  # fmt: skip
    interrupted = False
    # As if the trials were played in real time one after the other, so that their series do not overlap.
    start = time.time_ns()
    with closing(run.reporter), closing(run.begin()) as store:
        try:
            while not improvement.done:
                step = improvement.propose()
                with HeldInterrupt() as interrupt:
                    store_step(store, improvement.objective, step)
                    trace = store.add_trial(task.run(step.parameters, step.seed), start)
                    start += task.simulator.stamp + PAUSE
                    run.reporter.trial(TrialReport.of(improvement.record(trace)))
                if interrupt.asked:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            interrupted = True
        run.end(improvement.result(), store)
    if interrupted:
        sys.exit(_INTERRUPTED)
    if improvement.stopped:
        sys.exit(2)


for _command in (audit_command, bench, prompt_command, rehearse_command, replay_command, understand_command):
    cli.add_command(_command)


def _fail(message: str) -> NoReturn:
    """One sentence, status 2."""
    click.echo(f'Error: {message}', err=True)
    sys.exit(2)


def main() -> None:
    """Entry point of the ``llm-policy-improver`` command."""
    try:
        cli()
    except _BAD_INPUT as error:
        _fail(str(error))


if __name__ == '__main__':
    main()
