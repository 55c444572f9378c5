"""What went wrong with an endpoint, in one sentence for people that holds no key."""

import json
from collections.abc import Callable
from typing import Final

import openai

from llm_policy_improver.core.text import clean_line
from llm_policy_improver.llm.address import KEY_VARIABLE, SECRET
from llm_policy_improver.llm.bounded_transport import MOST_BYTES, ElsewhereError, OversizedAnswerError

LONGEST_SENTENCE: Final = 250
"""Characters; whatever an endpoint says is cut to what is left of them."""
LONGEST_NAME: Final = 60
"""Characters of a model's or a host's name that are shown."""


class Sentences:
    """Of one endpoint.

    Args:
        base_url: of it.
        model: asked for.
        timeout_s: for a request.
        redact: takes the key out of a text.
    """

    def __init__(self, base_url: str, model: str, timeout_s: float, redact: Callable[[str], str]) -> None:
        self._where = f'the language model endpoint {base_url}'
        self._model = clean_line(model, LONGEST_NAME)
        self._timeout_s = timeout_s
        self._redact = redact

    def failed(self, error: openai.OpenAIError) -> str:
        """Of a request that failed."""
        if isinstance(error, openai.APIStatusError):
            return self._of_status(error)
        cause = error.__cause__
        if isinstance(error, openai.APITimeoutError):
            return f'{self._where} did not answer within {self._timeout_s:g} s'
        if isinstance(cause, OversizedAnswerError):
            return f'{self._where} sent more than {MOST_BYTES >> 20} MiB, which is no reply: the rest was not read'
        if isinstance(cause, ElsewhereError):
            elsewhere = clean_line(cause.elsewhere, LONGEST_NAME)
            return f'{self._where} redirects to {elsewhere}, which is not asked: give that base URL if it is right'
        if isinstance(error, openai.APIConnectionError):
            why = self._shown(
                str(cause or '') or type(cause).__name__, LONGEST_SENTENCE - len(self._where) - 20
            )
            return f'{self._where} cannot be reached ({why})'
        return self.sent(f'something that is no chat completion ({type(error).__name__})')

    def _of_status(self, error: openai.APIStatusError) -> str:
        status = error.status_code
        if status in (401, 403):
            # What it says of the key stays here: it may quote parts of it.
            return f'{self._where} refused the key (HTTP {status}): check {KEY_VARIABLE}'
        said = {
            404: f'knows no model "{self._model}" or no such path (HTTP 404)',
            429: 'is out of quota or wants fewer requests (HTTP 429)',
        }.get(status, f'failed with HTTP {status}')
        text = error.body.get('message') if isinstance(error.body, dict) else None
        return self.quoting(f'{self._where} {said}', text if isinstance(text, str) else '')

    def sent(self, what: str, said: str = '') -> str:
        """Of an answer that cannot be used, and what the endpoint says of it."""
        return self.quoting(f'{self._where} sent {what}', said)

    def quoting(self, sentence: str, said: str) -> str:
        """The sentence, and behind it what an endpoint said, as far as it may be shown and there is room."""
        quoted = self._shown(said, LONGEST_SENTENCE - len(sentence))
        return f'{sentence}: "{quoted}"' if quoted else sentence

    def _shown(self, text: str, longest: int) -> str:
        return SECRET.sub('***', clean_line(self._redact(text)))[:longest]


def redactor(key: str) -> Callable[[str], str]:
    """Takes a key out of a text; words like "none" are no keys."""
    # A closure keeps the key out of the attributes.
    spellings = {key, json.dumps(key)[1:-1]} if len(key) >= 6 else set()

    def redact(text: str) -> str:
        for spelling in spellings:
            text = text.replace(spelling, '***')
        return text

    return redact
