"""Asking a language model until its reply can be used, and keeping all that was said."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from llm_policy_improver.bench.experiments.rows import ExperimentError, RowFile
from llm_policy_improver.llm.chat import Completion, EndpointError, Exchange, Message, clean_text
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.llm.reply import ReplyError

Value = TypeVar('Value')

REPAIRS: Final = 1
"""Further requests where a reply cannot be used."""

LONGEST_QUOTE: Final = 4_000
"""Characters of a bad reply, from its end, that are sent back with the request to repair it."""

EXCHANGES: Final = 'exchanges.jsonl'


@dataclass(frozen=True, slots=True)
class Answer(Generic[Value]):
    """What asking came to.

    Attributes:
        value: what was read out of the reply; None where no reply could be used.
        exchanges: all requests made for it, in order.
    """

    value: Value | None
    exchanges: tuple[Exchange, ...]


def exchanges_file(folder: Path) -> RowFile:
    """All prompts and replies of an experiment, in ``exchanges.jsonl`` in its folder."""
    return RowFile(folder / EXCHANGES, ('job', 'request'))


class KeptModel:
    """A language model whose replies are kept: what an interrupted experiment asked is not asked again.

    Args:
        endpoint: answers.
        file: where they are kept, from `exchanges_file`.
        job: name of what the requests are made for. The same request of another job is asked anew.

    Attributes:
        lost: why the endpoint answers no longer; empty while it does.
    """

    def __init__(self, endpoint: Endpoint, file: RowFile, job: str) -> None:
        self.lost = ''
        self._endpoint = endpoint
        self._job = job
        self._file = file
        kept = [row for row in file.rows if row['job'] == job]
        self._number = len(kept)
        self._kept: dict[tuple[Message, ...], deque[Completion]] = defaultdict(deque)
        for row in kept:
            messages = tuple((role, text) for role, text in row['messages'])
            names = ('prompt_tokens', 'completion_tokens', 'seconds', 'model', 'cut_off')
            self._kept[messages].append(Completion(row['reply'], **{name: row[name] for name in names}))

    @property
    def model(self) -> str:
        """Name of the model asked for."""
        return self._endpoint.model

    def complete(self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> Completion:
        """Answer a chat, as the first time where this job asked it before.

        Raises:
            EndpointError: no reply came; where the endpoint is gone altogether, `lost` says so.
        """
        if kept := self._kept[tuple(messages)]:
            return kept.popleft()
        try:
            completion = self._endpoint.complete(messages, schema)
        except EndpointError:
            try:
                self._endpoint.check_reachable()
            except EndpointError as error:
                self.lost = str(error)
            raise
        self._number += 1
        self._file.add({
            'job': self._job, 'request': self._number, 'messages': [list(message) for message in messages],
            'reply': completion.text, 'model': completion.model, 'prompt_tokens': completion.prompt_tokens,
            'completion_tokens': completion.completion_tokens, 'seconds': completion.seconds,
            'cut_off': completion.cut_off,
        })  # fmt: skip
        return completion

    def require(self) -> None:
        """Raise `ExperimentError` where the endpoint is gone: going on would measure nothing but the fallback."""
        if self.lost:
            raise ExperimentError(
                f'{self.lost}; all rows and replies so far are kept: run the same command again'
            )


def ask(
    model: KeptModel,
    messages: tuple[Message, ...],
    schema: Mapping[str, Any],
    read: Callable[[str], Value],
    repair: Callable[[str], str],
) -> Answer[Value]:
    """Ask; where the reply cannot be used, say why and ask again, `REPAIRS` times.

    Args:
        model: asked.
        messages: the chat.
        schema: JSON schema of the reply.
        read: reads the reply; raises `ReplyError` where it cannot be used.
        repair: the request for a better reply, from what was wrong.

    Raises:
        ExperimentError: the endpoint is gone.
    """
    exchanges: list[Exchange] = []
    for _ in range(1 + REPAIRS):
        try:
            completion = model.complete(messages, schema)
        except EndpointError as error:
            model.require()
            exchanges.append(Exchange(messages, '', model.model, verdict=f'failed: {error}'))
            break
        reply, problem = clean_text(completion.text), ''
        try:
            value = read(reply)
        except ReplyError as error:
            problem = str(error)
        exchanges.append(
            Exchange(
                messages, reply, completion.model or model.model, completion.prompt_tokens,
                completion.completion_tokens, completion.seconds,
                f'refused: {problem}' if problem else 'accepted',
            )
        )  # fmt: skip
        if not problem:
            return Answer(value, tuple(exchanges))
        messages += (('assistant', reply[-LONGEST_QUOTE:] or '(empty)'), ('user', repair(problem)))
    return Answer(None, tuple(exchanges))


def costs(exchanges: Sequence[Exchange]) -> dict[str, int]:
    """Columns of a row: requests, refused replies and tokens."""
    return {
        'requests': len(exchanges),
        'refused': sum(exchange.verdict.startswith('refused') for exchange in exchanges),
        'prompt_tokens': sum(exchange.prompt_tokens for exchange in exchanges),
        'completion_tokens': sum(exchange.completion_tokens for exchange in exchanges),
    }
