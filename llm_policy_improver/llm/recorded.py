"""A language model that says again what it said in a recorded run; no endpoint is needed."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from llm_policy_improver.core.chat import Completion, Ending, EndpointError, Exchange, Message


class RecordedModel:
    """Answers with recorded exchanges, one a request, in their order; a request that failed fails again.

    Args:
        model: name of the model that the recorded run asked.

    Attributes:
        model: the same.
        asked: the chats asked so far.
        differing: numbers of the exchanges whose messages were not those asked.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self.asked: list[tuple[Message, ...]] = []
        self.differing: list[int] = []
        self._next: deque[tuple[int, Exchange]] = deque()

    def load(self, exchanges: Sequence[Exchange], first: int = 1) -> None:
        """Answer with these from now on.

        Args:
            exchanges: in their order.
            first: number of the first of them.
        """
        self._next = deque(enumerate(exchanges, start=first))

    @property
    def left(self) -> int:
        """How many of the exchanges loaded were not asked for yet."""
        return len(self._next)

    def complete(self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> Completion:
        """The recorded answer to the next request.

        Raises:
            EndpointError: the recorded request failed, with the same message, or no further one was recorded.
        """
        chat = tuple((role, text) for role, text in messages)
        self.asked.append(chat)
        if not self._next:
            raise EndpointError('no further request to the language model was recorded here')
        number, exchange = self._next.popleft()
        if chat != exchange.messages:
            self.differing.append(number)
        if exchange.ending is Ending.FAILED:
            raise EndpointError(exchange.verdict)
        return Completion(
            exchange.reply,
            exchange.prompt_tokens,
            exchange.completion_tokens,
            exchange.seconds,
            exchange.model,
        )
