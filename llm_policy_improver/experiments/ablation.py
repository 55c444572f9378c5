"""``bench ablation``: SAS-Prompt with one thing changed at a time."""

from pathlib import Path
from typing import Final

from llm_policy_improver.experiments import plots
from llm_policy_improver.experiments.cells import Shard
from llm_policy_improver.experiments.executors import Executor
from llm_policy_improver.experiments.improvement import Campaign, ImprovementPlan
from llm_policy_improver.experiments.participants import Participants
from llm_policy_improver.experiments.report import Report
from llm_policy_improver.experiments.rows import ExperimentError
from llm_policy_improver.methods.sas.sas import DEFAULT_OPTIONS
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.report.progress_bar import Step

VARIANTS: Final[dict[str, SasOptions]] = {
    'as usual': DEFAULT_OPTIONS,
    'no analysis': SasOptions(analysis=False),
    'no distances': SasOptions(distances=False),
    'no effects': SasOptions(effects=False),
    'regression': SasOptions(landing_model=False),
    'nothing computed': SasOptions(distances=False, effects=False, feedback=False),
    'renamed': SasOptions(names=('q', 'w', 'z', 'k', 'v', 'm', 'j', 'u')),
    '1 digit': SasOptions(digits=1),
    '2 digits': SasOptions(digits=2),
    '4 digits': SasOptions(digits=4),
    'best last': SasOptions(order='best_last'),
    'random order': SasOptions(order='random'),
}
"""Names, and the options; the usual ones show three digits, oldest trial first."""


def run(
    plan: ImprovementPlan, who: Participants, folder: Path, executor: Executor, shard: Shard, progress: Step
) -> Report:
    """Run what is missing of a shard, and report on all that the folder holds.

    The executor finds the first trials; the model is asked one request after the other.

    Raises:
        ExperimentError: an unknown variant, the folder cannot be used, or the endpoint or the workers are gone.
        EndpointError: the endpoint cannot be reached at the start.
    """
    unknown = [name for name in plan.variants if name not in VARIANTS]
    if unknown:
        raise ExperimentError(f'unknown variant "{unknown[0]}"; there are {", ".join(VARIANTS)}')
    campaign = Campaign('ablation', folder, plan, executor, shard, progress)
    campaign.run(who, lambda run: VARIANTS[run.variant])
    return campaign.report(plots.draw_regrets, folder / 'ablation.png')
