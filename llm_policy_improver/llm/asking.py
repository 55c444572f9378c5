"""Asking a language model until its reply can be used, and keeping all that was said."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from llm_policy_improver.core.chat import (
    Completer,
    Ending,
    EndpointError,
    Exchange,
    Finish,
    Message,
)
from llm_policy_improver.core.text import clean_text
from llm_policy_improver.llm.reply import ReplyError

Value = TypeVar('Value')

LONGEST_QUOTE: Final = 4_000
"""Characters of a bad reply, from its end, that are sent back with the request to repair it."""


class RefusedError(ReplyError):
    """The reply could be read, but what it proposes is refused.

    Attributes:
        verdict: what is recorded of it; the message itself goes back to the model.
    """

    def __init__(self, problem: str, verdict: str) -> None:
        super().__init__(problem)
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """What asking came to.

    Attributes:
        value: what was read out of the reply; None where no reply could be used.
        exchanges: all requests made for it, in order.
        problem: why there is no value: what was wrong with the last reply, or why none came.
        failed: whether no reply came in the end.
    """

    value: Value | None
    exchanges: tuple[Exchange, ...]
    problem: str = ''
    failed: bool = False


def ask(
    model: Completer,
    messages: tuple[Message, ...],
    schema: Mapping[str, Any] | None,
    read: Callable[[str], tuple[Value, str]],
    repair: Callable[[str], str],
    repairs: int = 1,
) -> Answer[Value]:
    """Ask; where the reply cannot be used, say why and ask again.

    Any other exception of ``read`` is no fault of the reply: it ends the asking, and what was said is kept.

    Args:
        model: asked.
        messages: the chat.
        schema: JSON schema of the reply; None where it is no JSON.
        read: reads the reply: its value, and the verdict to record; raises `ReplyError` where it cannot be used.
        repair: the request for a better reply, from what was wrong.
        repairs: further requests at most.
    """
    exchanges: list[Exchange] = []
    problem = ''
    for _ in range(1 + repairs):
        try:
            completion = model.complete(messages, schema)
        except EndpointError as error:
            exchanges.append(Exchange(messages, '', model.model, verdict=str(error), ending=Ending.FAILED))
            return Answer(None, tuple(exchanges), str(error), failed=True)
        reply = clean_text(completion.text)
        value: Value | None = None
        broken, ending = False, Ending.REFUSED
        try:
            value, verdict = read(reply)
            ending = Ending.ACCEPTED
        except RefusedError as error:
            problem, verdict = str(error), error.verdict
        except ReplyError as error:
            problem = str(error)
            verdict = f'refused: {_with_finish(problem, completion.finish)}'
        except Exception as error:
            problem, broken = f'internal error, {type(error).__name__}: {error}', True
            verdict = f'refused: {problem}'
        exchanges.append(
            Exchange(
                messages,
                reply,
                completion.model or model.model,
                completion.prompt_tokens,
                completion.completion_tokens,
                completion.seconds,
                verdict,
                ending,
            )
        )
        if value is not None:
            return Answer(value, tuple(exchanges))
        if broken:
            break
        messages += (('assistant', reply[-LONGEST_QUOTE:] or '(empty)'), ('user', repair(problem)))
    return Answer(None, tuple(exchanges), _with_finish(problem, completion.finish))


def _with_finish(problem: str, finish: Finish) -> str:
    """For people: the model is not told, so that the prompts follow from its replies alone, as replays need."""
    return problem if finish is Finish.STOP else f'{finish}; {problem}'


def costs(exchanges: Sequence[Exchange]) -> dict[str, int]:
    """Requests, refused replies and tokens."""
    return {
        'requests': len(exchanges),
        'refused': sum(exchange.ending is Ending.REFUSED for exchange in exchanges),
        'prompt_tokens': sum(exchange.prompt_tokens for exchange in exchanges),
        'completion_tokens': sum(exchange.completion_tokens for exchange in exchanges),
    }
