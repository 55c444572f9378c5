"""What a task is to the loop."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from llm_policy_improver.core.trial import Trial


class Task(Protocol):
    """What can be improved: something that runs a trial and says what happened."""

    def run(self, policy: Any, seed: int) -> Trial:
        """Run one trial.

        Args:
            policy: `Parameters` or a `Program`, whichever the task takes.
            seed: draws everything that is random in it; a task of several episodes draws theirs from it.
        """


@runtime_checkable
class LearningTask(Task, Protocol):
    """A task that goes by what earlier trials showed of the world, beside the policy."""

    def informed_by(self, trials: Sequence[Trial], version: int) -> Task:
        """The task as it is for all trials of a version of the policy; this one stays as it is.

        Args:
            trials: all so far, oldest first.
            version: of the next trial. What was known when it was published holds for all trials of it.
        """
