"""``llm-policy-improver bench methods | references``."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from llm_policy_improver.cli.experiment_options import Options, common, many
from llm_policy_improver.experiments.example_variants import AS_USUAL, EXAMPLE_VARIANTS
from llm_policy_improver.experiments.executors import EXECUTORS
from llm_policy_improver.report.progress_bar import Step, under_progress_bar
from llm_policy_improver.tasks.problems import MANIPULATION, PROBLEMS
from llm_policy_improver.tasks.registry import TASKS


@click.command('methods')
@many('--task', (*PROBLEMS, *TASKS), 'Repeatable.  [all]')
@click.option('--evaluations', type=click.IntRange(2), help='Of a run.  [as each task says]')
@click.option(
    '--unseen',
    type=click.IntRange(2),
    help='Episodes that score a program in the end.  [100; 20 with --quick]',
)
@click.option(
    '--conversations', type=click.IntRange(1), default=4, show_default=True, help='With a model, at a time.'
)
@click.option(
    '--executor',
    type=click.Choice(EXECUTORS),
    default=EXECUTORS[0],
    show_default=True,
    help='Who computes what asks no model.',
)
@many('--variant', EXAMPLE_VARIANTS, 'Of the solved examples of icpi and its peers; repeatable.  [as_usual]')
@click.option('--shard', default='1/1', metavar='I/N', help='Only every N-th cell, from the I-th on.')
@common
def methods_command(
    task: tuple[str, ...],
    evaluations: int | None,
    unseen: int | None,
    conversations: int,
    executor: str,
    variant: tuple[str, ...],
    shard: str,
    **given: Any,
) -> None:
    """Every method on every task, with the same budgets, goals and seeds."""
    from llm_policy_improver.experiments import methods
    from llm_policy_improver.experiments.cells import Shard
    from llm_policy_improver.experiments.executors import make_executor

    options = Options('methods', given)
    plan = methods.MethodsPlan(
        task or options.pick((*PROBLEMS, *TASKS), ('slide_gc', 'rope_swing_gc', 'f1_2', 'noise_world_0')),
        options.seeds(10, 2), evaluations or options.pick(0, 12), conversations, unseen or options.pick(100, 20),
        variant or (AS_USUAL,),
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


@click.command('references')
@many('--task', MANIPULATION, 'Repeatable.  [all]')
@click.option(
    '--output', type=click.Path(path_type=Path, file_okay=False), required=True, help='Folder of the files.'
)
def references_command(task: tuple[str, ...], output: Path) -> None:
    """Brute force for slide, roll and rope: solved examples, and the least error of each goal."""
    from llm_policy_improver.tasks.dynamic_manipulation import references

    names = task or MANIPULATION
    output.mkdir(parents=True, exist_ok=True)

    def work(step: Step) -> list[Path]:
        return [references.make(output, name, partial(step, name)) for name in names]

    for path in under_progress_bar(work):
        click.echo(path)
