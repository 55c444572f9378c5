"""Recorded replies of a reasoning language model, played again on the simulated arm."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from paths import FAR_RIGHT

from llm_policy_improver.core.chat import Completion, Message
from llm_policy_improver.core.objective import parse_objective
from llm_policy_improver.core.parameters import ParameterSpace
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.methods.sas.sas import SasPrompt
from llm_policy_improver.table_tennis.task import TableTennis


class Recorded:
    """Answers with the recorded replies in their order, whatever is asked."""

    model = 'recorded'

    def __init__(self, folder: Path) -> None:
        self.replies = [path.read_text() for path in sorted(folder.glob('*.reply.md'))]
        self.asked: list[tuple[Message, ...]] = []

    def complete(self, messages: Sequence[Message], schema: object = None) -> Completion:
        self.asked.append(tuple(messages))
        return Completion(self.replies[len(self.asked) - 1])


def test_a_reasoning_model_moves_the_landing_to_the_right_edge() -> None:
    recorded, space, task = Recorded(FAR_RIGHT), ParameterSpace(), TableTennis()
    objective = parse_objective('hit the ball as far right as possible')
    improvement = Improvement(objective, SasPrompt(recorded, space), space, trials=29)
    results = []
    while not improvement.done:
        step = improvement.propose()
        results.append(improvement.record(task.run(step.parameters, step.seed)))
    improved = results[24:]
    assert len(recorded.asked) == len(recorded.replies) == len(improved)
    assert all(result.step.proposal.proposed_by == 'sas:recorded' for result in improved)
    assert all(result.trace.landed and result.step.reason for result in improved)
    assert results[0].distance == pytest.approx(0.77, abs=0.03)
    assert improved[0].distance is not None
    assert improved[0].distance < 0.15
    assert results[-1].best_distance is not None
    assert results[-1].best_distance < 0.05
