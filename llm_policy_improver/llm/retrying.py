"""Asking an endpoint again after a failure that may pass, and telling how long until then."""

import email.utils
import math
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import openai

from llm_policy_improver.llm.bounded_transport import ElsewhereError, OversizedAnswerError
from llm_policy_improver.llm.waiting import Waiting

Value = TypeVar('Value')

LONGEST_PAUSE: Final = 120.0
"""s that an endpoint may ask for; one that wants more is not asked again."""
SHORTEST_TOLD: Final = 1.0
"""s of a pause that anybody is told of."""

_FIRST_PAUSE: Final = 0.5
_LONGEST_OWN: Final = 8.0
_MAY_PASS: Final = frozenset({408, 409, 429})


class Retries:
    """Repeats requests.

    Args:
        most: further attempts of a request.
        waiting: told of the pauses.
        sleep: for so many seconds.
        now: seconds since 1970, for endpoints that give a date.
    """

    def __init__(
        self,
        most: int,
        waiting: Waiting,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._most = most
        self._waiting = waiting
        self._sleep = sleep
        self._now = now

    def ask(self, request: Callable[[], Value], sentence: Callable[[openai.OpenAIError], str]) -> Value:
        """What the request gives; after a failure that may pass it is made again.

        Args:
            request: to be made.
            sentence: what went wrong, for people.

        Raises:
            openai.OpenAIError: of the last attempt.
        """
        for attempt in range(self._most):
            try:
                return request()
            except openai.OpenAIError as error:
                seconds = self._pause_after(error, attempt)
                if seconds is None:
                    raise
                why = sentence(error)
            self._pause(seconds, why)
        return request()

    def _pause(self, seconds: float, why: str) -> None:
        told, left = seconds >= SHORTEST_TOLD, seconds
        while left > 0.0:
            if told:
                self._waiting(left, why)
            piece = min(left, 1.0)
            self._sleep(piece)
            left -= piece
        if told:
            self._waiting(0.0, why)

    def _pause_after(self, error: openai.OpenAIError, attempt: int) -> float | None:
        """Seconds; None where the same would happen again."""
        own = min(_FIRST_PAUSE * 2.0 ** min(attempt, 10), _LONGEST_OWN)
        if isinstance(error, openai.APIConnectionError):
            final = isinstance(error.__cause__, ElsewhereError | OversizedAnswerError)
            return None if final else own
        if not isinstance(error, openai.APIStatusError):
            return None
        headers, status = error.response.headers, error.status_code
        said = headers.get('x-should-retry')
        if said == 'false' or (said != 'true' and status not in _MAY_PASS and status < 500):
            return None
        wanted = _wanted_pause(headers, self._now())
        if wanted is None:
            return own
        return wanted if wanted <= LONGEST_PAUSE else None


def _wanted_pause(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds, above 0, that an endpoint asks for; None where it asks for none."""
    seconds = math.nan
    for name, unit in (('retry-after', 1.0), ('retry-after-ms', 1e-3)):
        try:
            seconds = float(headers[name]) * unit
        except (KeyError, ValueError):
            continue
    date = email.utils.parsedate_tz(headers.get('retry-after', ''))
    if math.isnan(seconds) and date is not None:
        try:
            seconds = email.utils.mktime_tz(date) - now
        except (ValueError, OverflowError, OSError):
            return None
    return seconds if seconds > 0.0 else None
