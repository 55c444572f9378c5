"""A language model whose replies are kept, so that an interrupted experiment asks nothing twice."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.core.chat import Completion, EndpointError, Finish, Message
from llm_policy_improver.experiments.rows import ExperimentError, RowFile
from llm_policy_improver.llm.endpoint import Endpoint

EXCHANGES: Final = 'exchanges'
"""Folder of the conversations of an experiment, in its own."""


class KeptModel:
    """A language model whose replies are kept: what an interrupted experiment asked is not asked again.

    Args:
        endpoint: answers.
        folder: where the conversations are kept, each in a file.
        job: name of the cell that the requests are made for. The same request of another one is asked anew.

    Attributes:
        lost: why the endpoint answers no longer; empty while it does.
    """

    def __init__(self, endpoint: Endpoint, folder: Path, job: str) -> None:
        self.lost = ''
        self._endpoint = endpoint
        self._job = job
        self._file = RowFile(folder / f'{job}.jsonl', ('job', 'request'))
        kept = self._file.rows
        self._number = len(kept)
        self._kept: dict[tuple[Message, ...], deque[Completion]] = defaultdict(deque)
        for row in kept:
            messages = tuple((role, text) for role, text in row['messages'])
            names = ('prompt_tokens', 'completion_tokens', 'seconds', 'model')
            self._kept[messages].append(
                Completion(row['reply'], **{name: row[name] for name in names}, finish=_finish(row))
            )

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
            'finish': completion.finish.name,
        })  # fmt: skip
        return completion

    def require(self) -> None:
        """Raise `ExperimentError` where the endpoint is gone: going on would measure nothing but the fallback."""
        if self.lost:
            raise ExperimentError(
                f'{self.lost}; all rows and replies so far are kept: run the same command again'
            )


def _finish(row: Mapping[str, Any]) -> Finish:
    """Earlier versions kept whether a reply was cut off, and nothing else."""
    return Finish[row.get('finish', 'LENGTH' if row.get('cut_off') else 'STOP')]
