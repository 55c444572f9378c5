"""Faults of a method: the loop bears them, a comparison must not."""

from llm_policy_improver.core.finding import Failure
from llm_policy_improver.experiments.rows import ExperimentError
from llm_policy_improver.loop.improvement import Improvement


def require_sound(improvement: Improvement, method: str, task: str, seed: int) -> None:
    """Raise `ExperimentError` where the method had a fault in one of the steps."""
    for step in improvement.steps:
        for vain in step.in_vain:
            if vain.failure is Failure.ERROR:
                raise ExperimentError(f'{method} broke on {task}, seed {seed}: {vain.detail}')
