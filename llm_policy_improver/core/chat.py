"""What a language model is to this package: chat messages in, a text and its cost out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

Message = tuple[str, str]
"""Role (``'system'``, ``'user'`` or ``'assistant'``) and text."""


class EndpointError(RuntimeError):
    """A request to a language model failed; the message says how in one sentence, without any key."""


class Finish(StrEnum):
    """How a reply came to its end; the value says it to people."""

    STOP = 'the reply is complete'
    LENGTH = 'the reply was cut off at its length limit'
    REFUSAL = 'the model refused to answer'
    FILTERED = 'a content filter took the reply'
    TOOL_CALL = 'the model called a tool instead of answering'


@dataclass(frozen=True, slots=True)
class Completion:
    """A reply and its cost.

    Attributes:
        text: of the reply; may be empty.
        prompt_tokens, completion_tokens: as the endpoint counts them; 0 where it does not say.
        seconds: duration of the request, retries included.
        model: that answered, as the endpoint names it.
        finish: how it came to its end.
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    model: str = ''
    finish: Finish = Finish.STOP


class Ending(StrEnum):
    """What came of a request."""

    ACCEPTED = 'accepted'
    REFUSED = 'refused'
    """The reply could not be used."""
    FAILED = 'failed'
    """No reply came."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to a language model and what came back.

    Attributes:
        messages: the chat messages sent, as role and text.
        reply: the text that came back; empty where the request failed.
        model: the model's name.
        prompt_tokens, completion_tokens: as counted by the endpoint; 0 where it does not say.
        seconds: duration of the request.
        verdict: of the checks, for people; of a request that failed, why.
        ending: what came of it.
    """

    messages: tuple[tuple[str, str], ...]
    reply: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    verdict: str = 'accepted'
    ending: Ending = Ending.ACCEPTED


class Completer(Protocol):
    """Something that answers a chat, e.g. `endpoint.Endpoint`."""

    @property
    def model(self) -> str:
        """Name of the model asked for."""

    def complete(self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> Completion:
        """Answer a chat.

        Args:
            messages: the chat.
            schema: JSON schema of the reply, for endpoints that can hold a model to one.

        Raises:
            EndpointError: no reply came.
        """


ModelMaker = Callable[[], Completer]
"""Makes the language model, or gives the one that there is: it is loaded only when it is asked."""
