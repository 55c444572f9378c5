"""``llm-policy-improver bench methods | references | simulated-trials``."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from llm_policy_improver.cli.experiment_options import Options, common, computed, many
from llm_policy_improver.experiments.example_variants import AS_USUAL, EXAMPLE_VARIANTS
from llm_policy_improver.report.progress_bar import Step, under_progress_bar
from llm_policy_improver.table_tennis.space import Searched
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
    '--episodes', type=click.IntRange(1, 1000), help='That a program is tried in, or a learner.  [5]'
)
@click.option(
    '--candidates', type=click.IntRange(1, 100), help='Programs that prompt_po asks for in a round.  [3]'
)
@click.option(
    '--conversations', type=click.IntRange(1), default=4, show_default=True, help='With a model, at a time.'
)
@click.option(
    '--training-steps', type=click.IntRange(100), help='Of reinforcement learning.  [50000; --quick: 5000]'
)
@many('--variant', EXAMPLE_VARIANTS, 'Of the solved examples of icpi and its peers; repeatable.  [as_usual]')
@common
def methods_command(
    task: tuple[str, ...],
    evaluations: int | None,
    unseen: int | None,
    episodes: int | None,
    candidates: int | None,
    conversations: int,
    variant: tuple[str, ...],
    training_steps: int | None,
    **given: Any,
) -> None:
    """Every method on every task, with the same budgets, goals and seeds."""
    from llm_policy_improver.experiments import methods
    from llm_policy_improver.experiments.learning_cells import STEPS as LEARNING_STEPS
    from llm_policy_improver.experiments.program_cells import EPISODES
    from llm_policy_improver.methods.prompt_po.options import CANDIDATES

    options = Options('methods', given)
    plan = methods.MethodsPlan(
        task or options.pick((*PROBLEMS, *TASKS), ('slide_gc', 'rope_swing_gc', 'f1_2', 'noise_world_0')),
        options.seeds(10, 2), evaluations or options.pick(0, 12), conversations, unseen or options.pick(100, 20),
        variant or (AS_USUAL,), training_steps or options.pick(LEARNING_STEPS, 5_000), candidates or CANDIDATES,
        episodes or EPISODES,
    )  # fmt: skip
    options.compare(methods.run, plan, methods.WITHOUT_MODEL, methods.WITH_MODEL)


@click.command('simulated-trials')
@click.option('--trials', type=click.IntRange(1), help='In hundreds.  [10000; 200 with --quick]')
@click.option(
    '--parameters',
    type=click.Choice([each.value for each in Searched]),
    default=Searched.ATTENUATION.value,
    show_default=True,
    help='Which are spread; the others stay neutral.',
)
@click.option('--noisy', is_flag=True, help='Published camera noise and delays.')
@computed
def simulated_trials_command(trials: int | None, parameters: str, noisy: bool, **given: Any) -> None:
    """What the simulated arm does with parameters spread as those of first trials: data for a prior."""
    from llm_policy_improver.experiments import simulated_trials

    options = Options('simulated-trials', given)
    plan = simulated_trials.TrialsPlan(trials or options.pick(10_000, 200), Searched(parameters), noisy)
    options.run(
        lambda step: simulated_trials.run(plan, options.folder, options.executor(), options.shard(), step)
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
