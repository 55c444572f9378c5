"""A client for any OpenAI-compatible chat endpoint, hosted or local, through the `openai` package.

The key comes from the environment alone. It is held by the `openai` client and appears in no attribute,
log line, error or reply of this module; should an endpoint echo it, it is blotted out.
"""

import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import openai

from llm_policy_improver.core.chat import Completion, EndpointError, Message, clean_text

KEY_VARIABLE: Final = 'OPENAI_API_KEY'
URL_VARIABLE: Final = 'OPENAI_BASE_URL'
DEFAULT_URL: Final = 'https://api.openai.com/v1'

PROBE_TIMEOUT_S: Final = 10.0
"""Most seconds that `Endpoint.check_reachable` waits."""

_DETAIL: Final = 200
_SECRET = re.compile(r'\b(?:sk|pk|key|gsk|xai|hf)[-_][\w*.-]{6,}|(?<=bearer )\S+', re.IGNORECASE)
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


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ('http', 'https') and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid or '@' in url or '?' in url:
        raise EndpointError(
            'the base URL of the language model must look like http://127.0.0.1:8000/v1 or '
            f'{DEFAULT_URL}, without user, password or query in it'
        )
    return url


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One request: its answer, or why it failed and whether the schema may be to blame."""

    answer: object
    failure: str = ''
    schema_refused: bool = False
    schema_named: bool = False


class Endpoint:
    """An endpoint and a model on it.

    Args:
        model: name of the model.
        base_url: e.g. ``http://127.0.0.1:8000/v1``; where None, ``OPENAI_BASE_URL``, else OpenAI's own.
        timeout_s: seconds to wait for each attempt.
        max_retries: further attempts after a time-out, a broken connection, HTTP 408, 409, 429 or 5xx.
        temperature: of the sampling; not sent where None, as some models refuse it.
        environment: where the key is read from.
        clock: seconds; measures the duration of requests.

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
    ) -> None:
        if not model.strip():
            raise EndpointError('the name of the language model is empty: give one, e.g. gpt-4o')
        if not timeout_s > 0.0:
            raise EndpointError(f'the time-out must be more than 0 s; got {timeout_s:g}')
        if max_retries < 0:
            raise EndpointError(f'the number of retries must not be negative; got {max_retries}')
        self.model = model
        self.base_url = _checked_url(base_url or environment.get(URL_VARIABLE, '').strip() or DEFAULT_URL)
        self.timeout_s = timeout_s
        self.max_retries = max_retries
        self.temperature = temperature
        self._clock = clock
        self._takes_schema = True
        key = _key_from(environment)
        self._client = openai.OpenAI(
            api_key=key, base_url=self.base_url, timeout=timeout_s, max_retries=max_retries
        )
        self._redact = _redactor(key)

    def __repr__(self) -> str:
        return f'Endpoint(model={self.model!r}, base_url={self.base_url!r})'

    def check_reachable(self) -> None:
        """Ask for the list of models, to fail before the first trial and not during the run.

        An endpoint that has no such list is fine: it is there.

        Raises:
            EndpointError: nothing answers, the key is refused, or the endpoint says that it is not ready.
        """
        client = self._client.with_options(timeout=min(self.timeout_s, PROBE_TIMEOUT_S), max_retries=0)
        failure = ''
        try:
            client.models.list()
        except openai.APIStatusError as error:
            if error.status_code in (401, 403) or error.status_code in _NOT_READY:
                failure = self._sentence(error)
        except (openai.APITimeoutError, openai.APIConnectionError) as error:
            failure = f'{self._sentence(error)}; check the address and that the server runs'
        except (openai.OpenAIError, ValueError, TypeError, AttributeError):
            # Something answered, in a form of its own.
            return
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
        if attempt.failure:
            raise EndpointError(attempt.failure)
        return self._completion(attempt.answer, self._clock() - started)

    def _attempt(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> _Attempt:
        asked: Any = [{'role': role, 'content': text} for role, text in messages]
        options: dict[str, Any] = {} if self.temperature is None else {'temperature': self.temperature}
        if schema is not None:
            form = {'name': 'reply', 'strict': True, 'schema': dict(schema)}
            options['response_format'] = {'type': 'json_schema', 'json_schema': form}
        try:
            answer = self._client.chat.completions.create(model=self.model, messages=asked, **options)
        except openai.OpenAIError as error:
            said = str(error.body) if isinstance(error, openai.APIStatusError) else ''
            status = getattr(error, 'status_code', 0)
            named = bool(_OF_THE_SCHEMA.search(said))
            return _Attempt(None, self._sentence(error), named or status in _NOT_UNDERSTOOD, named)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            return _Attempt(
                None, f'{self._where} sent something that is no chat completion ({type(error).__name__})'
            )
        # Some gateways pass an error on with HTTP 200.
        named = _choice_in(answer) is None and bool(_OF_THE_SCHEMA.search(str(getattr(answer, 'error', ''))))
        return _Attempt(answer, '', named, named)

    @property
    def _where(self) -> str:
        return f'the language model endpoint {self.base_url}'

    def _completion(self, answer: object, seconds: float) -> Completion:
        choice = _choice_in(answer)
        message = getattr(choice, 'message', None)
        if message is None:
            raise EndpointError(f'{self._where} sent an answer without a reply in it')
        content = getattr(message, 'content', None)
        usage = getattr(answer, 'usage', None)
        return Completion(
            text=clean_text(self._redact(content if isinstance(content, str) else '')),
            prompt_tokens=_count(getattr(usage, 'prompt_tokens', 0)),
            completion_tokens=_count(getattr(usage, 'completion_tokens', 0)),
            seconds=seconds,
            model=clean_text(self._redact(str(getattr(answer, 'model', None) or self.model)))[:_DETAIL],
            cut_off=getattr(choice, 'finish_reason', None) == 'length',
        )

    def _sentence(self, error: openai.OpenAIError) -> str:
        if isinstance(error, openai.APITimeoutError):
            return f'{self._where} did not answer within {self.timeout_s:g} s'
        if isinstance(error, openai.APIConnectionError):
            cause = str(error.__cause__ or '').strip() or type(error.__cause__).__name__
            return f'{self._where} cannot be reached ({self._line(cause)})'
        if not isinstance(error, openai.APIStatusError):
            return f'{self._where} sent something that is no chat completion ({type(error).__name__})'
        status = error.status_code
        if status in (401, 403):
            # What it says of the key stays here: it may quote parts of it.
            return f'{self._where} refused the key (HTTP {status}): check {KEY_VARIABLE}'
        said = {
            404: f'knows no model "{self.model}" or no such path (HTTP 404)',
            429: 'is out of quota or wants fewer requests (HTTP 429)',
        }.get(status, f'failed with HTTP {status}')
        text = error.body.get('message') if isinstance(error.body, dict) else None
        quoted = f': "{self._line(text)}"' if isinstance(text, str) and text.strip() else ''
        return f'{self._where} {said}{quoted}'

    def _line(self, text: str) -> str:
        return ' '.join(_SECRET.sub('***', clean_text(self._redact(text))).split())[:_DETAIL]


def _redactor(key: str) -> Callable[[str], str]:
    # The closure keeps the key out of the attributes. Words like "none" are no secrets.
    spellings = {key, json.dumps(key)[1:-1]} if len(key) >= 6 else set()

    def redact(text: str) -> str:
        for spelling in spellings:
            text = text.replace(spelling, '***')
        return text

    return redact


def _choice_in(answer: object) -> object:
    # The client does not validate: every field may be missing or of another type.
    choices = getattr(answer, 'choices', None)
    return choices[0] if isinstance(choices, list) and choices else None


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
