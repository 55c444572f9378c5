"""What a language model is to this package: chat messages in, a text and its cost out."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

Message = tuple[str, str]
"""Role (``'system'``, ``'user'`` or ``'assistant'``) and text."""


_CONTROL = re.compile(r'[\x00-\x08\x0b-\x1f\x7f]')


class EndpointError(RuntimeError):
    """A request to a language model failed; the message says how in one sentence, without any key."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A reply and its cost.

    Attributes:
        text: of the reply; may be empty.
        prompt_tokens, completion_tokens: as the endpoint counts them; 0 where it does not say.
        seconds: duration of the request, retries included.
        model: that answered, as the endpoint names it.
        cut_off: whether the reply ended at a length limit.
    """

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    model: str = ''
    cut_off: bool = False


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


def clean_text(text: str) -> str:
    """The text as it can be stored and sent: lone surrogates replaced, control characters left out."""
    return _CONTROL.sub('', text.encode('utf-8', errors='replace').decode('utf-8'))
