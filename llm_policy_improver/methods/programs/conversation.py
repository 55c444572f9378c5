"""Asking a language model several things for one proposal, and keeping all that was said."""

from collections.abc import Callable
from typing import TypeVar

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

    def ask(self, messages: tuple[Message, ...], read: Callable[[str], Value], wanted: str) -> Value:
        """What is read out of a reply; where it cannot be used, the model is told why and asked again.

        Args:
            messages: the chat.
            read: reads a reply; raises `ReplyError` where it cannot be used.
            wanted: what a reply must hold, a noun phrase.

        Raises:
            ProposalError: no reply could be used; it carries all exchanges.
        """
        answer = self.answer(messages, read, wanted)
        if answer.value is None:
            raise ProposalError(answer.problem, self.exchanges)
        return answer.value

    def answer(
        self, messages: tuple[Message, ...], read: Callable[[str], Value], wanted: str
    ) -> Answer[Value]:
        """The same, where nothing usable is no reason to give up.

        Raises:
            ProposalError: no reply came; it carries all exchanges.
        """

        def repair(problem: str) -> str:
            return prompt(__package__, 'repair').substitute(problem=problem.rstrip('.'), wanted=wanted)

        answer = ask(
            self._model, messages, None, lambda reply: (read(reply), 'accepted'), repair, self._repairs
        )
        self.exchanges += answer.exchanges
        if answer.failed:
            raise ProposalError(answer.problem, self.exchanges)
        return answer


def to_mend(source: str, error: str) -> tuple[Message, ...]:
    """What is added to the request that a program was written for: the program, and how it failed."""
    told = prompt(__package__, 'crash').substitute(error=error)
    return (('assistant', f'```python\n{source}```'), ('user', told))
