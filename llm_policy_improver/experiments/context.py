"""``bench context``: improvements that begin with 24, 50, 100 or 200 trials in the cache."""

from pathlib import Path
from typing import Final

from llm_policy_improver.experiments import plots
from llm_policy_improver.experiments.cells import Shard
from llm_policy_improver.experiments.executors import Executor
from llm_policy_improver.experiments.improvement import Campaign, ImprovementPlan
from llm_policy_improver.experiments.participants import Participants
from llm_policy_improver.experiments.report import Report
from llm_policy_improver.report.progress_bar import Step

CACHES: Final = (24, 50, 100, 200)


def run(
    plan: ImprovementPlan, who: Participants, folder: Path, executor: Executor, shard: Shard, progress: Step
) -> Report:
    """Run what is missing of a shard, and report on all that the folder holds.

    Raises:
        ExperimentError: the folder cannot be used, or the endpoint or the workers are gone.
        EndpointError: the endpoint cannot be reached at the start.
    """
    campaign = Campaign('context', folder, plan, executor, shard, progress)
    campaign.run(who)
    return campaign.report(plots.draw_context, folder / 'context.png', notes=who.missing)
