"""``llm-policy-improver bench methods | functions | retrieval | improvement | context | ablation``."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.experiments.executors import EXECUTORS
from llm_policy_improver.experiments.report import Report
from llm_policy_improver.experiments.rows import ExperimentError
from llm_policy_improver.report.progress import without_nan
from llm_policy_improver.report.progress_bar import Step, under_progress_bar
from llm_policy_improver.runs.store import StoreError
from llm_policy_improver.table_tennis.bench.reachable import OBJECTIVES
from llm_policy_improver.table_tennis.space import Searched
from llm_policy_improver.tasks.functions import LANDSCAPES
from llm_policy_improver.tasks.problems import PROBLEMS
from llm_policy_improver.tasks.registry import TASKS

_INTERRUPTED = 130

_NAMES: Final = tuple(OBJECTIVES)
_QUICK: Final = '-quick'


def _many(name: str, values: Iterable[str], what: str) -> Callable[..., Any]:
    return click.option(name, multiple=True, type=click.Choice(list(values)), help=what)


_objectives = _many('--objective', _NAMES, 'Repeatable.  [all ten]')
_improvements = click.option('--improvements', type=click.IntRange(1), help='Trials proposed in a run.  [20]')
_noisy = click.option('--noisy', is_flag=True, help='Published camera noise and delays.')


def _common(command: Callable[..., None]) -> Callable[..., None]:
    """The options that all experiments share."""
    for option in reversed(
        (
            click.option(
                '--method', '--optimizer', 'optimizers', multiple=True, metavar='NAME',
                help='Repeatable.  [all that ask no model; with --model, those that ask it too]',
            ),
            click.option('--model', default='', help='Name of the language model.'),
            click.option('--base-url', default='', help='Of an OpenAI-compatible endpoint.'),
            click.option(
                '--request-timeout', type=click.FloatRange(min=0.0, min_open=True), default=120.0,
                show_default=True, help='Seconds for one request to the model.',
            ),
            click.option('--seeds', type=click.IntRange(1), help='Repetitions, from seed 0 on.'),
            click.option('--quick', is_flag=True, help='A small form, to see that all works.'),
            click.option(
                '--output', type=click.Path(path_type=Path, file_okay=False),
                help='Folder of the rows; what it holds already is not computed again.  [experiments/NAME]',
            ),
            click.option('--processes', type=click.IntRange(1), help='For numeric optimizers.  [all cores]'),
            click.option('--json', 'as_json', is_flag=True, help='One JSON object.'),
        )
    ):  # fmt: skip
        command = option(command)
    return command


class _Options:
    """The shared options of one command."""

    def __init__(self, name: str, given: dict[str, Any]) -> None:
        self.quick: bool = given['quick']
        self.processes: int | None = given['processes']
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
        from llm_policy_improver.experiments.optimizers import ModelChoice, participants

        given = self._given
        model = ModelChoice(given['model'], given['base_url'], given['request_timeout'])
        return participants(given['optimizers'] or usual, model, numeric, with_model)

    def run(self, work: Callable[[Step], Report]) -> None:
        """Run the experiment and show its report."""
        try:
            report = under_progress_bar(work)
        except (ExperimentError, EndpointError, StoreError) as error:
            _fail(str(error))
        except KeyboardInterrupt:
            click.echo(
                f'Interrupted. What is done is kept in {self.folder}: run the same command again.', err=True
            )
            sys.exit(_INTERRUPTED)
        for note in report.notes:
            click.echo(note, err=True)
        if self.as_json:
            json.dump(without_nan(report.as_json()), sys.stdout)
            print()
            return
        _show(report)


def _show(report: Report) -> None:
    # A file has no width to wrap at.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 240)
    for lines in report.tables:
        table = Table(title=lines.title, title_justify='left', box=None, padding=(0, 2, 0, 0))
        for heading in lines.headings:
            table.add_column(heading)
        for row in lines.rows:
            table.add_row(*row)
        console.print(table)
        console.print()
    click.echo(f'Rows: {report.folder / "rows.jsonl"} ({len(report.rows)})', err=True)
    for plot in report.plots:
        click.echo(f'Plot: {plot}', err=True)


def _fail(message: str) -> None:
    click.echo(f'Error: {message}', err=True)
    sys.exit(2)


@click.command('functions')
@_many('--function', LANDSCAPES, 'Repeatable.  [all four]')
@click.option(
    '--dimension', 'dimensions', multiple=True, type=click.IntRange(2, 64), help='Repeatable.  [2, 8]'
)
@click.option('--evaluations', type=click.IntRange(6), help='Of a run.  [100]')
@_common
def functions_command(
    function: tuple[str, ...], dimensions: tuple[int, ...], evaluations: int | None, **given: Any
) -> None:
    """Optimizers on test functions whose optimum is at a random place."""
    from llm_policy_improver.experiments import functions
    from llm_policy_improver.methods.registry import MINIMIZERS

    options = _Options('functions', given)
    plan = functions.FunctionPlan(
        function or tuple(LANDSCAPES), dimensions or (2, 8), options.seeds(50, 2),
        evaluations or options.pick(100, 20),
    )  # fmt: skip
    options.run(
        lambda step: functions.run(
            plan,
            options.who(MINIMIZERS, functions.WITH_MODEL),
            options.folder,
            options.processes,
            step,
        )
    )


@click.command('methods')
@_many('--task', (*PROBLEMS, *TASKS), 'Repeatable.  [all]')
@click.option('--evaluations', type=click.IntRange(2), help='Of a run.  [as each task says]')
@click.option(
    '--conversations', type=click.IntRange(1), default=4, show_default=True, help='With a model, at a time.'
)
@click.option(
    '--executor', type=click.Choice(EXECUTORS), default=EXECUTORS[0], show_default=True,
    help='Who computes what asks no model.',
)
@click.option('--shard', default='1/1', metavar='I/N', help='Only every N-th cell, from the I-th on.')
@_common
def methods_command(
    task: tuple[str, ...],
    evaluations: int | None,
    conversations: int,
    executor: str,
    shard: str,
    **given: Any,
) -> None:
    """Every method on every task, with the same budgets, goals and seeds."""
    from llm_policy_improver.experiments import methods
    from llm_policy_improver.experiments.cells import Shard
    from llm_policy_improver.experiments.executors import make_executor

    options = _Options('methods', given)
    plan = methods.MethodsPlan(
        task or options.pick((*PROBLEMS, *TASKS), ('slide_gc', 'rope_swing_gc', 'ackley_2', 'noise_world_0')),
        options.seeds(10, 2), evaluations or options.pick(0, 12), conversations, options.pick(100, 20),
    )  # fmt: skip
    options.run(
        lambda step: methods.run(
            plan,
            options.who(methods.WITHOUT_MODEL, methods.WITH_MODEL),
            options.folder,
            make_executor(executor, options.processes),
            Shard.of(shard),
            step,
        )
    )


@click.command('retrieval')
@_many('--query', _NAMES, 'Kind of query; repeatable.  [all ten]')
@click.option(
    '--cache', 'caches', multiple=True, type=click.IntRange(10), help='Trials; repeatable.  [20, 50, 100]'
)
@click.option('--queries', type=click.IntRange(1), help='Most queries put to a language model.  [all]')
@_noisy
@_common
def retrieval_command(
    query: tuple[str, ...], caches: tuple[int, ...], queries: int | None, noisy: bool, **given: Any
) -> None:
    """Who finds the trial that fulfils a query best? A language model, a random pick, a numeric oracle."""
    from llm_policy_improver.experiments import retrieval

    options = _Options('retrieval', given)
    plan = retrieval.RetrievalPlan(
        query or _NAMES, caches or options.pick((20, 50, 100), (20,)), options.seeds(100, 3), queries, noisy
    )
    options.run(
        lambda step: retrieval.run(
            plan,
            options.who(retrieval.READERS, retrieval.WITH_MODEL),
            options.folder,
            options.processes,
            step,
        )
    )


def _improving(
    options: _Options, objectives: tuple[str, ...], improvements: int | None, noisy: bool, **plan: Any
) -> Any:
    from llm_policy_improver.experiments.improvement import ImprovementPlan

    chosen = objectives or options.pick(_NAMES, ('far right', 'near the net'))
    return ImprovementPlan(
        objectives=chosen, improvements=improvements or options.pick(20, 4), noisy=noisy, **plan
    )


@click.command('improvement')
@_objectives
@_improvements
@click.option(
    '--after',
    type=click.Choice(_NAMES),
    help='Begin with all trials of the runs for this objective.',
)
@click.option(
    '--parameters',
    type=click.Choice([each.value for each in Searched]),
    default=Searched.ATTENUATION.value,
    show_default=True,
    help='What is searched.',
)
@_noisy
@_common
def improvement_command(
    objective: tuple[str, ...],
    improvements: int | None,
    after: str | None,
    parameters: str,
    noisy: bool,
    **given: Any,
) -> None:
    """Ten objectives from 24 first trials on the wrong side, then 20 improvements."""
    from llm_policy_improver.experiments import improvement
    from llm_policy_improver.methods.registry import NUMERIC

    options = _Options('improvement', given)
    plan = _improving(
        options, objective, improvements, noisy, seeds=options.seeds(10, 2), caches=(24,), after=after or '',
        parameters=parameters,
    )  # fmt: skip
    options.run(
        lambda step: improvement.run(
            plan, options.who(NUMERIC, improvement.WITH_MODEL), options.folder, options.processes, step
        )
    )


@click.command('context')
@_objectives
@_improvements
@click.option(
    '--cache', 'caches', multiple=True, type=click.IntRange(4), help='Repeatable.  [24, 50, 100, 200]'
)
@_noisy
@_common
def context_command(
    objective: tuple[str, ...], improvements: int | None, caches: tuple[int, ...], noisy: bool, **given: Any
) -> None:
    """The same with 24, 50, 100 and 200 trials in the cache."""
    from llm_policy_improver.experiments import context, improvement
    from llm_policy_improver.methods.registry import NUMERIC

    options = _Options('context', given)
    plan = _improving(
        options, objective, improvements, noisy, seeds=options.seeds(5, 1),
        caches=tuple(sorted(set(caches or options.pick(context.CACHES, (24, 50))))),
    )  # fmt: skip
    options.run(
        lambda step: context.run(
            plan, options.who(NUMERIC, improvement.WITH_MODEL), options.folder, options.processes, step
        )
    )


@click.command('ablation')
@click.option(
    '--variant',
    'variants',
    multiple=True,
    metavar='NAME',
    help='Of SAS-Prompt, e.g. "no analysis"; repeatable.  [all]',
)
@_objectives
@_improvements
@_noisy
@_common
def ablation_command(
    variants: tuple[str, ...], objective: tuple[str, ...], improvements: int | None, noisy: bool, **given: Any
) -> None:
    """SAS-Prompt with one thing changed at a time; needs a language model."""
    from llm_policy_improver.experiments import ablation

    options = _Options('ablation', given)
    plan = _improving(
        options, objective or _ABLATED, improvements, noisy, seeds=options.seeds(3, 1), caches=(24,),
        variants=variants or options.pick(tuple(ablation.VARIANTS), ('as usual', 'no analysis')),
    )  # fmt: skip
    options.run(lambda step: ablation.run(plan, options.who((), _SAS, _SAS), options.folder, step))


_SAS: Final = ('sas',)
_ABLATED: Final = ('far right', 'left corner', 'point')
"""Objectives of the ablation: an edge, a corner that takes all parameters, and a place in the middle."""

EXPERIMENTS: Final = (
    methods_command, functions_command, retrieval_command, improvement_command, context_command, ablation_command,
)  # fmt: skip
