"""A language model that ranks the trials for a query, given the bare table."""

from collections.abc import Sequence
from typing import Any, Final

from llm_policy_improver.core.chat import Message
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.experiments.kept_model import KeptModel
from llm_policy_improver.llm.asking import Answer, ask
from llm_policy_improver.llm.json_objects import json_objects, without_thinking
from llm_policy_improver.llm.reply import ReplyError
from llm_policy_improver.llm.reply_vectors import number_in
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.methods.sas.told import parameters_text
from llm_policy_improver.methods.sas.trial_table import TrialTable
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief

OPTIONS: Final = SasOptions(distances=False, effects=False, digits=2)
"""Of the table: what is asked for is not computed for the reader."""

SCHEMA: Final[dict[str, Any]] = {
    'type': 'object',
    'properties': {
        'criterion': {'type': 'string', 'description': 'What decides, in one sentence.'},
        'ranking': {
            'type': 'array',
            'description': 'Numbers of the ten best trials, the best one first.',
            'items': {'type': 'integer'},
        },
    },
    'required': ['criterion', 'ranking'],
    'additionalProperties': False,
}


class RetrievalReader:
    """Ranks trials.

    Args:
        model: asked.
    """

    def __init__(self, model: KeptModel) -> None:
        self._model = model

    def messages(self, traces: Sequence[Trial], objective: Objective) -> tuple[Message, ...]:
        """The chat that `rank` starts with."""
        brief = make_brief(parameter_space())
        table = TrialTable(brief, objective, OPTIONS, brief.space.names)
        lines = [table.header(), *(table.row(traces, position) for position in range(len(traces)))]
        text = prompt(__package__, 'retrieval').substitute(
            domain=brief.text,
            dimension=brief.space.dimension,
            parameters=parameters_text(brief, brief.space.names),
            trials='\n'.join(lines),
            query=objective.words,
        )
        return (('user', text),)

    def rank(self, traces: Sequence[Trial], objective: Objective) -> Answer[list[int]]:
        """Numbers of the trials that it thinks fulfil the objective best, the best one first.

        Raises:
            ExperimentError: the endpoint is gone.
        """
        known = {trial.number for trial in traces}
        answer = ask(
            self._model,
            self.messages(traces, objective),
            SCHEMA,
            lambda text: (read_ranking(text, known), 'accepted'),
            lambda problem: prompt(__package__, 'retrieval_repair').substitute(problem=problem),
        )
        if answer.failed:
            self._model.require()
        return answer


def read_ranking(text: str, known: set[int]) -> list[int]:
    """The ranking in a reply. Repeated numbers, and those that no trial has, are passed over.

    Raises:
        ReplyError: there is none, or no number of a trial in it.
    """
    for found in json_objects(without_thinking(text)):
        ranking = found.get('ranking')
        if not isinstance(ranking, list):
            continue
        values = [number_in(item) for item in ranking]
        numbers = [int(value) for value in values if value is not None and value.is_integer()]
        usable = [number for number in dict.fromkeys(numbers) if number in known]
        if not usable:
            raise ReplyError('"ranking" holds no number of a trial')
        return usable
    raise ReplyError('the reply holds no JSON object with a list "ranking"')
