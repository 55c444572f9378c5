"""``llm-policy-improver bench functions | retrieval | improvement | context | ablation``."""

from typing import Any, Final

import click

from llm_policy_improver.cli.experiment_options import Options, common, many
from llm_policy_improver.cli.method_experiments import (
    methods_command,
    references_command,
    simulated_trials_command,
)
from llm_policy_improver.table_tennis.bench.reachable_best import OBJECTIVES
from llm_policy_improver.table_tennis.space import Searched
from llm_policy_improver.tasks.functions import LANDSCAPES, TURNED

_NAMES: Final = tuple(OBJECTIVES)


_objectives = many('--objective', _NAMES, 'Repeatable.  [all ten]')
_improvements = click.option('--improvements', type=click.IntRange(1), help='Trials proposed in a run.  [20]')
_noisy = click.option('--noisy', is_flag=True, help='Published camera noise and delays.')


@click.command('functions')
@many('--function', (*LANDSCAPES, *TURNED), 'f1 ... f4: turned; repeatable.  [the four that are not]')
@click.option(
    '--dimension', 'dimensions', multiple=True, type=click.IntRange(2, 64), help='Repeatable.  [2, 8]'
)
@click.option('--evaluations', type=click.IntRange(6), help='Of a run.  [100]')
@common
def functions_command(
    function: tuple[str, ...], dimensions: tuple[int, ...], evaluations: int | None, **given: Any
) -> None:
    """Methods on test functions whose optimum is at a random place."""
    from llm_policy_improver.experiments import functions
    from llm_policy_improver.methods.registry import MINIMIZERS

    options = Options('functions', given)
    plan = functions.FunctionPlan(
        function or tuple(LANDSCAPES), dimensions or (2, 8), options.seeds(50, 2),
        evaluations or options.pick(100, 20),
    )  # fmt: skip
    options.compare(functions.run, plan, MINIMIZERS, functions.WITH_MODEL)


@click.command('retrieval')
@many('--query', _NAMES, 'Kind of query; repeatable.  [all ten]')
@click.option(
    '--cache', 'caches', multiple=True, type=click.IntRange(10), help='Trials; repeatable.  [20, 50, 100]'
)
@click.option('--queries', type=click.IntRange(1), help='Most queries put to a language model.  [all]')
@_noisy
@common
def retrieval_command(
    query: tuple[str, ...], caches: tuple[int, ...], queries: int | None, noisy: bool, **given: Any
) -> None:
    """Who finds the trial that fulfils a query best? A language model, a random pick, a numeric oracle."""
    from llm_policy_improver.experiments import retrieval

    options = Options('retrieval', given)
    plan = retrieval.RetrievalPlan(
        query or _NAMES, caches or options.pick((20, 50, 100), (20,)), options.seeds(100, 3), queries, noisy
    )
    options.compare(retrieval.run, plan, retrieval.READERS, retrieval.WITH_MODEL)


def _improving(
    options: Options, objectives: tuple[str, ...], improvements: int | None, noisy: bool, **plan: Any
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
@common
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

    options = Options('improvement', given)
    plan = _improving(
        options, objective, improvements, noisy, seeds=options.seeds(10, 2), caches=(24,), after=after or '',
        parameters=parameters,
    )  # fmt: skip
    options.compare(improvement.run, plan, NUMERIC, improvement.WITH_MODEL)


@click.command('context')
@_objectives
@_improvements
@click.option(
    '--cache', 'caches', multiple=True, type=click.IntRange(4), help='Repeatable.  [24, 50, 100, 200]'
)
@_noisy
@common
def context_command(
    objective: tuple[str, ...], improvements: int | None, caches: tuple[int, ...], noisy: bool, **given: Any
) -> None:
    """Improvements that begin with 24, 50, 100 and 200 trials in the cache."""
    from llm_policy_improver.experiments import context, improvement
    from llm_policy_improver.methods.registry import NUMERIC

    options = Options('context', given)
    plan = _improving(
        options, objective, improvements, noisy, seeds=options.seeds(5, 1),
        caches=tuple(sorted(set(caches or options.pick(context.CACHES, (24, 50))))),
    )  # fmt: skip
    options.compare(context.run, plan, NUMERIC, improvement.WITH_MODEL)


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
@common
def ablation_command(
    variants: tuple[str, ...], objective: tuple[str, ...], improvements: int | None, noisy: bool, **given: Any
) -> None:
    """SAS-Prompt with one thing changed at a time; needs a language model."""
    from llm_policy_improver.experiments import ablation

    options = Options('ablation', given)
    plan = _improving(
        options, objective or _ABLATED, improvements, noisy, seeds=options.seeds(3, 1), caches=(24,),
        variants=variants or options.pick(tuple(ablation.VARIANTS), ('as usual', 'no analysis')),
    )  # fmt: skip
    options.compare(ablation.run, plan, (), _SAS, _SAS)


_SAS: Final = ('sas',)
_ABLATED: Final = ('far right', 'left corner', 'point')
"""Objectives of the ablation: an edge, a corner that takes all parameters, and a place in the middle."""

EXPERIMENTS: Final = (
    methods_command, references_command, simulated_trials_command, functions_command, retrieval_command,
    improvement_command, context_command, ablation_command,
)  # fmt: skip
