"""Recorded replies of a reasoning language model, played again on the simulated arm."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from paths import RIGHT_EDGE

from llm_policy_improver.core.chat import Completion, Message
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.methods.sas.sas import SasPrompt
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.task_brief import make_brief


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
    recorded, space = Recorded(RIGHT_EDGE), parameter_space()
    objective = parse_objective('hit the ball as far right as possible')
    improvement = Improvement(objective, SasPrompt(recorded, make_brief(space)), space, trials=29)
    results = list(run_improvement(improvement, TableTennis()))
    improved = results[24:]
    assert len(recorded.asked) == len(recorded.replies) == len(improved)
    assert all(result.step.proposal.proposed_by == 'sas:recorded' for result in improved)
    assert all(result.trial.succeeded and result.step.reason for result in improved)
    assert results[0].distance == pytest.approx(0.77, abs=0.03)
    assert improved[0].distance is not None
    assert improved[0].distance < 0.05
    assert results[-1].best_distance is not None
    assert results[-1].best_distance < 0.05
