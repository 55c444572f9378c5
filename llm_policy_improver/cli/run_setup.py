"""What the commands that play a run share: options, settings, store, reporter, picture."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from llm_policy_improver.cli.former_option import former_method_option
from llm_policy_improver.cli.main import INTERRUPTED
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.settings import SettingsError, read_settings
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.improvement_result import ImprovementResult
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.registry import CHOICES, PROGRAMS
from llm_policy_improver.report.progress import ConsoleReporter, JsonReporter, Reporter
from llm_policy_improver.runs.playing import description_of, with_noise
from llm_policy_improver.runs.run_folder import default_run_folder
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.space import Searched

verbose_option = click.option(
    '-v', '--verbose', is_flag=True, help='With the reason of every trial, and what would be kept.'
)
json_lines_option = click.option(
    '--json', 'as_json', is_flag=True, help='One JSON line per trial and one at the end.'
)


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments and options of a run."""
    for option in reversed(
        (
            click.argument('objective'),
            click.option('--trials', type=int, help='Balls to play, the first trials included.  [39]'),
            click.option('--first-trials', type=int, help='Balls before the method is asked.  [24]'),
            click.option(
                '--method',
                metavar='NAME',
                help=f'Who proposes: {", ".join((*CHOICES, *PROGRAMS))}.  [auto]',
            ),
            former_method_option,
            click.option('--model', help='Name of the language model.'),
            click.option('--base-url', help='Of an OpenAI-compatible endpoint.  [$OPENAI_BASE_URL]'),
            click.option(
                '--request-timeout', type=float, help='Seconds for one request to the model.  [120]'
            ),
            click.option('--request-retries', type=int, help='Further attempts of a failed request.  [2]'),
            click.option(
                '--parameters',
                type=click.Choice([each.value for each in Searched]),
                help='What is searched.  [attenuation]',
            ),
            click.option(
                '--all-trials/--until-reached',
                default=None,
                help='Play all trials even when the objective is reached before, or nothing worth a trial is left.',
            ),
            click.option(
                '--rank-by-model/--understood',
                default=None,
                help='Let the language model rank the trials by its word alone.',
            ),
            click.option('--seed', type=int, help='Draws the first trials and the balls.  [0]'),
            click.option('--vary-balls/--same-ball', default=None, help='Another ball in every trial.'),
            click.option(
                '--config', type=click.Path(path_type=Path), help='Parameter file, as those in config/.'
            ),
            click.option(
                '--output',
                type=click.Path(path_type=Path),
                help='New folder of the run.  [runs/TIME-OBJECTIVE]',
            ),
            verbose_option,
            json_lines_option,
        )
    ):
        command = option(command)
    return command


noisy_option = click.option(
    '--noisy', is_flag=True, help="A real arm's camera noise and delays, and landings that scatter by them."
)


def reporter_of(as_json: bool, verbose: bool) -> Reporter:
    """Shows a run, as `json_lines_option` and `verbose_option` say; progress bars and colours only for people."""
    # A file has no width to wrap at.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    return JsonReporter() if as_json else ConsoleReporter(console, verbose)


class RunSetup:
    """Of one run in simulation.

    Args:
        asked: the objective: a person's words, or as it was understood before.
        simulator, controller, trace_logger, optimizer: settings of the parts.
        folder: of the run.
        reporter: shows the run.

    Raises:
        SettingsError: the settings do not fit together.
        ObjectiveError: nobody can work towards these words.
        EndpointError: the language model cannot be reached.
    """

    def __init__(
        self,
        asked: str | Objective,
        simulator: SimulatorSettings,
        controller: ControllerSettings,
        trace_logger: TraceLoggerSettings,
        optimizer: OptimizerSettings,
        folder: Path,
        reporter: Reporter,
    ) -> None:
        from llm_policy_improver.table_tennis.task import require_one_period

        try:
            require_one_period(simulator.simulation, controller.controller)
        except ValueError as error:
            raise SettingsError(str(error)) from None
        if not (controller.lockstep and trace_logger.lockstep):
            raise SettingsError(
                'lockstep must be true here, as the simulator leads; settings for the arm are for hardware.launch.py'
            )
        if optimizer.vary_balls:
            simulator = simulator.in_rally()
        self.reporter = reporter
        self.assembly = assemble(optimizer, waiting=self.reporter.waiting)
        if self.assembly.programs is not None:
            controller = replace(controller, programs=True)
        self.simulator, self.controller, self.trace_logger = simulator, controller, trace_logger
        self.objective = asked if isinstance(asked, Objective) else self.assembly.objective(asked)
        # As the node has them, so that whoever resumes the run knows what it is towards.
        self.optimizer = replace(optimizer, objective=self.objective.words)
        self.folder = folder

    @classmethod
    def of_options(cls, options: dict[str, Any]) -> 'RunSetup':
        """From the options of `run_options`."""
        config: Path | None = options.pop('config')
        output: Path | None = options.pop('output')
        reporter = reporter_of(options.pop('as_json'), options.pop('verbose'))
        words: str = options.pop('objective')
        noisy: bool = options.pop('noisy')
        chosen = {name: value for name, value in options.items() if value is not None}
        optimizer = replace(replace(_read(config, OptimizerSettings, 'optimizer'), feed_balls=True), **chosen)
        optimizer.require_improvements()
        simulator: SimulatorSettings = _read(config, SimulatorSettings, 'simulator')
        controller: ControllerSettings = _read(config, ControllerSettings, 'controller')
        trace_logger: TraceLoggerSettings = _read(config, TraceLoggerSettings, 'trace_logger')
        if noisy:
            simulator, controller, optimizer = with_noise(simulator, controller, optimizer)
            trace_logger = replace(trace_logger, filter=controller.controller.filter)
        return cls(
            words,
            simulator,
            controller,
            trace_logger,
            optimizer,
            output or default_run_folder(words, datetime.now()),
            reporter,
        )

    def create(self) -> RunStore:
        """Make the run's store.

        Raises:
            StoreError: the folder holds a run already, or cannot be written.
        """
        return RunStore.create(
            self.folder,
            description_of(self.optimizer, self.assembly.method.name, self.simulator, self.controller),
        )

    def begin(self) -> None:
        """Show the heading."""
        self.reporter.begin(
            self.objective.words, self.objective.sentence, self.assembly.said, self.optimizer.trials
        )

    def end(self, result: ImprovementResult, store: RunStore) -> int:
        """Draw the picture and show the summary; returns the exit status."""
        picture = draw_run(store, self.objective, self.optimizer.first_trials, self.assembly.method.name)
        self.reporter.end(result, self.folder, picture)
        if result.end is None:
            self.say_interrupted(store)
        return INTERRUPTED if result.end is None else 2 if result.end.early else 0

    def say_interrupted(self, store: RunStore) -> None:
        """Say how to go on."""
        how = f'go on with "llm-policy-improver resume {self.folder}"'
        if not store.settings():
            how = 'no ball was played yet, so begin it again'
        elif self.assembly.programs is not None:
            how = 'a run of programs cannot be resumed, so begin it again'
        click.echo(f'Interrupted: {how}', err=True)


def draw_run(
    store: RunRecords, objective: Objective, first_trials: int, method: str, number: int | None = None
) -> Path | None:
    """Draw ``landings.png`` into the folder of a run in a store; None without trials, or where it fails, which is said.

    The run is that of this number, from 1, or the last one. Trials that were played are never lost to a drawing error.
    """
    from llm_policy_improver.report.landing_map import draw_stored

    try:
        return draw_stored(store, objective, first_trials, method, number)
    except Exception as error:
        said = f'landings.png was not drawn: {error or type(error).__name__}'
        click.echo(' '.join(said.split()), err=True)
        return None


def _read(config: Path | None, kind: type[Any], node: str) -> Any:
    return kind() if config is None else read_settings(config, kind, node)
