"""Which improvement each trial of a run is of: its own, and of a round of balls that of the round's program."""

from collections.abc import Container

from llm_policy_improver.core.method import INITIAL
from llm_policy_improver.loop.step import Step
from llm_policy_improver.report.map_view import Shown
from llm_policy_improver.report.run_view import RunView
from llm_policy_improver.report.told_steps import ToldStep, told_steps


def told_trials(view: RunView) -> dict[int, tuple[ToldStep, Step]]:
    """What is told of the improvement, and its step, by the numbers of the trials that were played for it."""
    # The first trials, which nobody reasoned about, are told by nobody.
    steps = [(step, trial) for _, step, trial in view.played if step.proposed_by != INITIAL]
    told = list(zip(told_steps(view), steps, strict=True))
    versions = {step.version: (said, step) for said, (step, _) in told}
    own = {one.number: versions[one.trial.version] for one in view.shown if _of_any(one, versions)}
    if view.of_programs:
        return own
    # Several steps may have played one version; a ball that said nothing was played again for its step.
    return own | {trial.number: (said, step) for said, (step, trial) in told if trial is not None}


def _of_any(one: Shown, versions: Container[int]) -> bool:
    return not one.first and one.trial.version in versions
