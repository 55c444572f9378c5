"""What a task is to the loop."""

from typing import Protocol

from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.trial import Trial


class Task(Protocol):
    """What can be improved: something that runs a trial and says what happened."""

    def run(self, policy: Parameters, seed: int) -> Trial:
        """Run one trial; the seed draws everything that is random in it."""
