"""The reply in what an endpoint answered: nothing in an answer is taken to be of the type that it should be."""

import json
from typing import Any, Final

from llm_policy_improver.core.chat import Finish

MOST_TOKENS: Final = 100_000_000
"""That are believed of one request."""

_FINISHES: Final = {
    'length': Finish.LENGTH,
    'content_filter': Finish.FILTERED,
    'tool_calls': Finish.TOOL_CALL,
    'function_call': Finish.TOOL_CALL,
}


class NoReplyError(ValueError):
    """An answer holds no reply.

    Attributes:
        said: what the endpoint says of it; may be empty.
    """

    def __init__(self, problem: str, said: str = '') -> None:
        super().__init__(problem)
        self.said = said


class ChatAnswer:
    """What an endpoint answered to a chat.

    Args:
        content: its body.

    Attributes:
        text: of the reply; of a refusal what it says; empty where there is none.
        finish: how the reply came to its end.
        prompt_tokens, completion_tokens: 0 where the endpoint does not say, or says what cannot be.
        model: as the endpoint names it; may be empty.

    Raises:
        NoReplyError: it is no JSON, or there is no reply in it.
    """

    def __init__(self, content: bytes) -> None:
        answer = _read(content)
        message, reason = _message_of(answer)
        text, refusal = _text(message.get('content')), _text(message.get('refusal'))
        self.text = text or refusal
        self.finish = _FINISHES.get(_text(reason), Finish.STOP)
        if refusal and not text:
            self.finish = Finish.REFUSAL
        elif not text and (message.get('tool_calls') or message.get('function_call')):
            self.finish = Finish.TOOL_CALL
        usage = _object(answer.get('usage'))
        self.prompt_tokens = _count(usage.get('prompt_tokens'))
        self.completion_tokens = _count(usage.get('completion_tokens'))
        self.model = _text(answer.get('model'))


def _read(content: bytes) -> dict[str, Any]:
    try:
        return _object(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise NoReplyError(f'something that is no chat completion ({type(error).__name__})') from None


def _message_of(answer: dict[str, Any]) -> tuple[dict[str, Any], object]:
    """The first choice's message, and why it ended."""
    choices = answer.get('choices')
    choice = _object(choices[0]) if isinstance(choices, list) and choices else {}
    message = choice.get('message')
    if not isinstance(message, dict):
        # Some gateways pass an error on with HTTP 200.
        error = answer.get('error')
        said = error if isinstance(error, str) else _object(error).get('message')
        raise NoReplyError('an answer without a reply in it', _text(said))
    return message, choice.get('finish_reason')


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ''


def _count(value: object) -> int:
    return value if type(value) is int and 0 < value <= MOST_TOKENS else 0
