"""What a task is to the loop."""

from typing import Protocol

from llm_policy_improver.core.parameters import PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace


class Task(Protocol):
    """What can be improved: something that runs a trial and says what happened."""

    def run(self, parameters: PolicyParameters, seed: int) -> ExecutionTrace:
        """Run one trial; the seed draws everything that is random in it."""
