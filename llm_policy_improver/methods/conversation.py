"""Asking a language model for one proposal, once or several times, and keeping all that was said."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from llm_policy_improver.core.chat import Completer, Exchange, Message
from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.llm.asking import Answer, ask

Value = TypeVar('Value')


class Conversation:
    """The requests of one proposal, each a chat of its own.

    Args:
        model: answers.
        repairs: further requests where a reply cannot be used.

    Attributes:
        exchanges: all requests so far, in order.
    """

    def __init__(self, model: Completer, repairs: int) -> None:
        self.exchanges: tuple[Exchange, ...] = ()
        self._model = model
        self._repairs = repairs

    def ask(
        self,
        messages: tuple[Message, ...],
        read: Callable[[str], Value],
        wanted: str,
        schema: Mapping[str, Any] | None = None,
    ) -> Value:
        """What is read out of a reply; where it cannot be used, the model is told why and asked again.

        Args:
            messages: the chat.
            read: reads a reply; raises `ReplyError` where it cannot be used.
            wanted: what a reply must hold, a noun phrase.
            schema: JSON schema of the reply; None where it is no JSON.

        Raises:
            ProposalError: no reply could be used; it carries all exchanges.
        """
        answer = self.answer(messages, read, wanted, schema)
        if answer.value is None:
            raise ProposalError(answer.problem, self.exchanges)
        return answer.value

    def answer(
        self,
        messages: tuple[Message, ...],
        read: Callable[[str], Value],
        wanted: str,
        schema: Mapping[str, Any] | None = None,
    ) -> Answer[Value]:
        """The same, where nothing usable is no reason to give up.

        Raises:
            ProposalError: no reply came; it carries all exchanges.
        """

        def repair(problem: str) -> str:
            return prompt(__package__, 'repair').substitute(problem=problem.rstrip('.'), wanted=wanted)

        answer = ask(
            self._model, messages, schema, lambda reply: (read(reply), 'accepted'), repair, self._repairs
        )
        self.exchanges += answer.exchanges
        if answer.failed:
            raise ProposalError(answer.problem, self.exchanges)
        return answer
