"""What a task is to the loop."""

from typing import Any, Protocol

from llm_policy_improver.core.trial import Trial


class Task(Protocol):
    """What can be improved: something that runs a trial and says what happened."""

    def run(self, policy: Any, seed: int) -> Trial:
        """Run one trial.

        Args:
            policy: `Parameters` or a `Program`, whichever the task takes.
            seed: draws everything that is random in it; a task of several episodes draws theirs from it.
        """
