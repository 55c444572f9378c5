"""What the commands of experiments share: options, running, and how a report is shown."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from llm_policy_improver.cli.former_option import former_method_option
from llm_policy_improver.cli.main import INTERRUPTED
from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.experiments.cells import CELLS, Shard
from llm_policy_improver.experiments.executors import EXECUTORS, Executor, make_executor
from llm_policy_improver.experiments.report import Report
from llm_policy_improver.experiments.rows import ExperimentError
from llm_policy_improver.report.progress import without_nan
from llm_policy_improver.report.progress_bar import Step, under_progress_bar
from llm_policy_improver.report.tables import print_table
from llm_policy_improver.runs.store import StoreError

_QUICK: Final = '-quick'


def many(name: str, values: Iterable[str], what: str) -> Callable[..., Any]:
    """An option that may be given several times."""
    return click.option(name, multiple=True, type=click.Choice(list(values)), help=what)


def common(command: Callable[..., None]) -> Callable[..., None]:
    """The options that all comparisons of methods share."""
    command = computed(command)
    for option in reversed(
        (
            click.option(
                '--method', 'methods', multiple=True, metavar='NAME',
                help='Repeatable.  [all that ask no model; with --model, those that ask it too]',
            ),
            former_method_option,
            click.option('--model', default='', help='Name of the language model.'),
            click.option('--base-url', default='', help='Of an OpenAI-compatible endpoint.  [$OPENAI_BASE_URL]'),
            click.option(
                '--request-timeout', type=click.FloatRange(min=0.0, min_open=True), default=120.0,
                show_default=True, help='Seconds for one request to the model.',
            ),
            click.option('--seeds', type=click.IntRange(1), help='Repetitions, from seed 0 on.'),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def computed(command: Callable[..., None]) -> Callable[..., None]:
    """The options of all that is computed cell by cell."""
    for option in reversed(
        (
            click.option('--quick', is_flag=True, help='A small form, to see that all works.'),
            click.option(
                '--output', type=click.Path(path_type=Path, file_okay=False),
                help='Folder of the rows; what it holds already is not computed again.  [experiments/NAME]',
            ),
            click.option(
                '--executor', type=click.Choice(EXECUTORS), default=EXECUTORS[0], show_default=True,
                help='Who computes what asks no model.',
            ),
            click.option('--processes', type=click.IntRange(1), help='Of this machine.  [all cores]'),
            click.option(
                '--ray-address', default='', help='Of a Ray cluster that is up, e.g. "auto".  [one of this machine]'
            ),
            click.option('--shard', default='1/1', metavar='I/N', help='The I-th of N shares of the cells.'),
            click.option('--json', 'as_json', is_flag=True, help='One JSON object.'),
        )
    ):  # fmt: skip
        command = option(command)
    return command


class Options:
    """The shared options of one command."""

    def __init__(self, name: str, given: dict[str, Any]) -> None:
        self.quick: bool = given['quick']
        self.as_json: bool = given['as_json']
        self.folder: Path = given['output'] or Path('experiments') / (name + _QUICK * self.quick)
        self._given = given

    def seeds(self, usual: int, quick: int) -> int:
        """Repetitions."""
        return int(self._given['seeds'] or self.pick(usual, quick))

    def pick(self, usual: Any, quick: Any) -> Any:
        """The usual value, or that of the quick form."""
        return quick if self.quick else usual

    def who(self, numeric: Sequence[str], with_model: Sequence[str], usual: Sequence[str] = ()) -> Any:
        """Who takes part, of those that can; ``usual`` where nobody is named."""
        from llm_policy_improver.experiments.participants import ModelChoice, participants

        given = self._given
        model = ModelChoice(given['model'], given['base_url'], given['request_timeout'])
        return participants(given['methods'] or usual, model, numeric, with_model)

    def executor(self) -> Executor:
        """Who computes what asks no language model.

        Raises:
            ExperimentError: Ray is asked for and not installed, or an address of it and not Ray.
        """
        return make_executor(self._given['executor'], self._given['processes'], self._given['ray_address'])

    def shard(self) -> Shard:
        """Which of the cells.

        Raises:
            ExperimentError: it is none.
        """
        return Shard.of(self._given['shard'])

    def compare(
        self,
        experiment: Callable[..., Report],
        plan: object,
        numeric: Sequence[str],
        with_model: Sequence[str],
        usual: Sequence[str] = (),
    ) -> None:
        """Run a comparison of methods and show its report; all take plan, participants, folder, executor and shard."""
        self.run(
            lambda step: experiment(
                plan, self.who(numeric, with_model, usual), self.folder, self.executor(), self.shard(), step
            )
        )

    def run(self, work: Callable[[Step], Report]) -> None:
        """Run the experiment and show its report."""
        try:
            report = under_progress_bar(work)
        except (ExperimentError, EndpointError, StoreError) as error:
            fail(str(error))
        except KeyboardInterrupt:
            click.echo(
                f'Interrupted. What is done is kept in {self.folder}: run the same command again.', err=True
            )
            sys.exit(INTERRUPTED)
        for note in report.notes:
            click.echo(note, err=True)
        if self.as_json:
            json.dump(without_nan(report.as_json()), sys.stdout)
            print()
            return
        _show(report)


def _show(report: Report) -> None:
    for lines in report.tables:
        print_table(lines.headings, lines.rows, lines.title)
        print()
    click.echo(f'Rows: {report.folder / CELLS} ({len(report.rows)})', err=True)
    for plot in report.plots:
        click.echo(f'Plot: {plot}', err=True)


def fail(message: str) -> NoReturn:
    """One sentence, and exit code 2."""
    click.echo(f'Error: {message}', err=True)
    sys.exit(2)
