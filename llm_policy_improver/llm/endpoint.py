"""A client for any OpenAI-compatible chat endpoint, hosted or local, through the `openai` package.

An endpoint is not trusted. Each request has a time and a size in which all of it must come (`bounded_transport`), goes
to that endpoint alone, and gives a reply or one sentence, whatever is answered.

The key comes from the environment alone. It is held by the `openai` client and appears in no attribute,
log line, error or reply of this module; should an endpoint echo it, it is blotted out.
"""

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import openai

from llm_policy_improver.core.chat import Completion, EndpointError, Message
from llm_policy_improver.core.text import clean_line, clean_text
from llm_policy_improver.llm.address import DEFAULT_URL, KEY_VARIABLE, require_base_url
from llm_policy_improver.llm.bounded_transport import BoundedTransport, OversizedAnswerError
from llm_policy_improver.llm.chat_answer import ChatAnswer, NoReplyError
from llm_policy_improver.llm.endpoint_sentences import Sentences, redactor
from llm_policy_improver.llm.retrying import Retries
from llm_policy_improver.llm.waiting import Waiting, logged

URL_VARIABLE: Final = 'OPENAI_BASE_URL'

PROBE_TIMEOUT_S: Final = 10.0
"""Most seconds that `Endpoint.check_reachable` waits."""
LONGEST_MODEL: Final = 200
"""Characters of a model's name that are kept."""

_MOST_REDIRECTS: Final = 4
_NOT_READY: Final = frozenset({502, 503, 504})
_NOT_UNDERSTOOD: Final = frozenset({400, 422, 501})
"""Statuses of endpoints that do not know a part of the request."""
_OF_THE_SCHEMA = re.compile(r'response_?format|json_?schema|structured.?output|grammar|guided', re.IGNORECASE)


def _key_from(environment: Mapping[str, str]) -> str:
    key = environment.get(KEY_VARIABLE, '').strip()
    if not key:
        raise EndpointError(
            f'no key for the language model: export {KEY_VARIABLE}=<your key>, '
            f'or export {KEY_VARIABLE}=none for a local endpoint that needs none'
        )
    if not key.isascii() or not key.isprintable():
        raise EndpointError(f'{KEY_VARIABLE} must be printable ASCII without line breaks: export it again')
    return key


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One request, its retries included: its answer, or why it failed and whether the schema may be to blame."""

    answer: ChatAnswer | None
    failure: str = ''
    schema_refused: bool = False
    schema_named: bool = False


class Endpoint:
    """An endpoint and a model on it.

    Args:
        model: name of the model.
        base_url: e.g. ``http://127.0.0.1:8000/v1``; where None, ``OPENAI_BASE_URL``, else OpenAI's own.
        timeout_s: seconds for each attempt, from finding the host to the last byte.
        max_retries: further attempts after a time-out, a broken connection, HTTP 408, 409, 429 or 5xx.
        temperature: of the sampling; not sent where None, as some models refuse it.
        environment: where the key is read from.
        clock: seconds; measures the duration of requests.
        waiting: told of the pauses before further attempts; the log where None.

    Raises:
        EndpointError: the key is missing, the URL or a number is not what it must be.
    """

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        *,
        timeout_s: float = 60.0,
        max_retries: int = 2,
        temperature: float | None = None,
        environment: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        waiting: Waiting | None = None,
    ) -> None:
        if not model.strip():
            raise EndpointError('the name of the language model is empty: give one, e.g. gpt-4o')
        if not timeout_s > 0.0:
            raise EndpointError(f'the time-out must be more than 0 s; got {timeout_s:g}')
        if max_retries < 0:
            raise EndpointError(f'the number of retries must not be negative; got {max_retries}')
        self.model = model
        self.base_url = base_url or environment.get(URL_VARIABLE, '').strip() or DEFAULT_URL
        require_base_url(self.base_url)
        self.timeout_s = timeout_s
        self.max_retries = max_retries
        self.temperature = temperature
        self._clock = clock
        self._takes_schema = True
        key = _key_from(environment)
        self._client = openai.OpenAI(
            api_key=key,
            base_url=self.base_url,
            timeout=timeout_s,
            max_retries=0,
            http_client=httpx2.Client(
                transport=BoundedTransport(self.base_url),
                follow_redirects=True,
                max_redirects=_MOST_REDIRECTS,
            ),
        )
        self._redact = redactor(key)
        self._sentences = Sentences(self.base_url, model, timeout_s, self._redact)
        self._retries = Retries(max_retries, waiting or logged())

    def __repr__(self) -> str:
        return f'Endpoint(model={self.model!r}, base_url={self.base_url!r})'

    def check_reachable(self) -> None:
        """Ask for the list of models, to fail before the first trial and not during the run.

        An endpoint that has no such list is fine: it is there. Takes at most the time-out and `PROBE_TIMEOUT_S`.

        Raises:
            EndpointError: nothing answers, the key is refused, or the endpoint says that it is not ready.
        """
        seconds = min(self.timeout_s, PROBE_TIMEOUT_S)
        sentences = Sentences(self.base_url, self.model, seconds, self._redact)
        failure = ''
        try:
            self._client.with_options(timeout=seconds).models.with_raw_response.list()
        except openai.APIStatusError as error:
            if error.status_code in (401, 403) or error.status_code in _NOT_READY:
                failure = sentences.failed(error)
        except openai.APIConnectionError as error:
            # A list that is too long is one.
            if not isinstance(error.__cause__, OversizedAnswerError):
                failure = f'{sentences.failed(error)}; check the address and that the server runs'
        if failure:
            raise EndpointError(failure)

    def complete(self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> Completion:
        """Answer a chat. Takes at most ``(max_retries + 1) * timeout_s`` and the pauses between attempts.

        An endpoint that refuses the schema is asked again without it, at once, and never with one again. A
        refusal that looks like a fault of the server (HTTP 5xx) is first repeated as those are.

        Args:
            messages: the chat.
            schema: JSON schema that the reply is held to (``response_format``, strict).

        Raises:
            EndpointError: the request failed in the end, or the answer holds no reply at all.
        """
        started = self._clock()
        sent = schema if self._takes_schema else None
        attempt = self._attempt(messages, sent)
        if sent is not None and attempt.schema_refused:
            plain = self._attempt(messages, None)
            # What fails without the schema, too, was wrong in another way.
            self._takes_schema = bool(plain.failure) and not attempt.schema_named
            attempt = plain
        # Raised out here, so that no exception with the request and its headers hangs on to it.
        if attempt.answer is None:
            raise EndpointError(attempt.failure)
        return self._completion(attempt.answer, self._clock() - started)

    def _attempt(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> _Attempt:
        asked: Any = [{'role': role, 'content': text} for role, text in messages]
        options: dict[str, Any] = {} if self.temperature is None else {'temperature': self.temperature}
        if schema is not None:
            form = {'name': 'reply', 'strict': True, 'schema': dict(schema)}
            options['response_format'] = {'type': 'json_schema', 'json_schema': form}
        # As it is: made into the package's own types, a small answer can take a hundred times its size.
        create = self._client.chat.completions.with_raw_response.create
        try:
            response = self._retries.ask(
                lambda: create(model=self.model, messages=asked, **options), self._sentences.failed
            )
            return _Attempt(ChatAnswer(response.content))
        except openai.OpenAIError as error:
            said = str(error.body) if isinstance(error, openai.APIStatusError) else ''
            status = getattr(error, 'status_code', 0)
            named = bool(_OF_THE_SCHEMA.search(said))
            return _Attempt(None, self._sentences.failed(error), named or status in _NOT_UNDERSTOOD, named)
        except NoReplyError as error:
            named = bool(_OF_THE_SCHEMA.search(error.said))
            return _Attempt(None, self._sentences.sent(str(error), error.said), named, named)

    def _completion(self, answer: ChatAnswer, seconds: float) -> Completion:
        return Completion(
            text=clean_text(self._redact(answer.text)),
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            seconds=seconds,
            model=clean_line(self._redact(answer.model or self.model), LONGEST_MODEL),
            finish=answer.finish,
        )
