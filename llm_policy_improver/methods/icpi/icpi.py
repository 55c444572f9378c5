"""ICPI: a language model says how to change the last parameters, by continuing a pattern of solved examples.

In-Context Iterative Policy Improvement, arXiv 2508.15021: parameters and error in, change of the parameters out; the
20 nearest of some hundred examples, farthest first; plain numbers. Beside the paper's pattern, the model is told the
trials of the run itself and which of them was best.
"""

from collections.abc import Sequence

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.chat import Completer, Message
from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.asking import RefusedError, ask
from llm_policy_improver.methods.checks import check
from llm_policy_improver.methods.icpi.experience import Experience
from llm_policy_improver.methods.icpi.pattern import NEIGHBOURS, Pattern
from llm_policy_improver.methods.icpi.query import Query, number_of, query_for
from llm_policy_improver.methods.numeric.untried import require_terms
from llm_policy_improver.methods.setup import MethodSetup


class Icpi:
    """Proposes the last parameters, changed as a language model says.

    Args:
        model: answers the chat.
        brief: of the task.
        experience: where solved examples come from, and how they are told; the run's own trials, with hindsight,
            where None.
        neighbours: examples shown.
        repairs: further requests where a reply cannot be used.
    """

    def __init__(
        self,
        model: Completer,
        brief: Brief,
        experience: Experience | None = None,
        *,
        neighbours: int = NEIGHBOURS,
        repairs: int = 1,
    ) -> None:
        self.brief = brief
        self._model = model
        self._experience = experience or Experience(brief.space)
        self._pattern = Pattern(brief, neighbours, self._experience.told)
        self._repairs = repairs

    @property
    def name(self) -> str:
        """``'icpi:'`` and the model's name."""
        return f'icpi:{self._model.model}'

    def messages(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> tuple[Message, ...]:
        """The chat that `propose` starts with: exactly what is sent."""
        return (('user', self._text(self._query(history, objective), history, objective)),)

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """Ask the model; where its reply cannot be used, tell it why and ask again.

        Raises:
            ProposalError: nothing measures the objective, no trial could be measured, the endpoint failed, or no
                reply could be used; it carries the exchanges.
        """
        query, space = self._query(history, objective), self.brief.space

        def read(reply: str) -> tuple[tuple[float, ...], str]:
            change = self._pattern.read(reply)
            values = space.rounded(query.values + change)
            verdict = check(values, history, space, objective)
            if not verdict.accepted:
                raise RefusedError('; '.join(verdict.reasons), str(verdict))
            return verdict.values, str(verdict)

        messages: tuple[Message, ...] = (('user', self._text(query, history, objective)),)
        answer = ask(self._model, messages, None, read, self._pattern.repair, self._repairs)
        if answer.value is None:
            raise ProposalError(answer.problem, answer.exchanges)
        said = answer.exchanges[-1].reply.strip()
        changed = number_of(query.trial, history)
        reason = f'{self.name}: the parameters of trial {changed}, changed as the examples suggest.'
        return Proposal(
            space.at(answer.value), self.name, synthesis=said, reason=reason, exchanges=answer.exchanges
        )

    def _query(self, history: Sequence[Trial], objective: Objective) -> Query:
        require_terms(objective, self.name)
        return query_for(history, objective, self.brief.space, self.name)

    def _text(self, query: Query, history: Sequence[Trial], objective: Objective) -> str:
        return self._pattern.text(self._experience.examples(history, objective), query, history, objective)


def make(setup: MethodSetup) -> Icpi:
    """As registered."""
    experience = Experience(setup.brief.space, setup.examples, seed=setup.seed, told=setup.told)
    return Icpi(setup.model, setup.brief, experience)
