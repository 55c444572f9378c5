from collections.abc import Callable

import httpx2
import openai
import pytest
from chat_server import Answer, ChatServer, fail, say

from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.llm.retrying import Retries

REQUEST = httpx2.Request('POST', 'http://here/v1')


def refusal(status: int, **headers: str) -> openai.APIStatusError:
    named = {name.replace('_', '-'): value for name, value in headers.items()}
    return openai.APIStatusError(
        'no', response=httpx2.Response(status, headers=named, request=REQUEST), body=None
    )


class Failing:
    """A request that fails so often; its clock stands still but for its own pauses."""

    def __init__(self, *errors: openai.OpenAIError) -> None:
        self.errors = list(errors)
        self.slept: list[float] = []
        self.told: list[tuple[float, str]] = []

    def request(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return 'reply'

    def ask(self, most: int) -> str:
        retries = Retries(
            most, lambda left, why: self.told.append((left, why)), self.slept.append, lambda: 784_111_770.0
        )
        return retries.ask(self.request, lambda error: 'busy')


def test_pause_that_an_endpoint_asks_for_is_counted_down() -> None:
    failing = Failing(refusal(429, retry_after='3.5'))
    assert failing.ask(1) == 'reply'
    assert failing.slept == [1.0, 1.0, 1.0, 0.5]
    assert failing.told == [(3.5, 'busy'), (2.5, 'busy'), (1.5, 'busy'), (0.5, 'busy'), (0.0, 'busy')]


@pytest.mark.parametrize(
    ('headers', 'seconds'),
    [
        ({}, 0.5),
        ({'retry_after': '2'}, 2.0),
        ({'retry_after_ms': '20'}, 0.02),
        ({'retry_after': '9', 'retry_after_ms': '20'}, 0.02),
        ({'retry_after': 'Sun, 06 Nov 1994 08:49:37 GMT'}, 7.0),
        ({'retry_after': 'Sun, 06 Nov 1994 07:00:00 GMT'}, 0.5),
        ({'retry_after': '-1'}, 0.5),
        ({'retry_after': 'nan'}, 0.5),
        ({'retry_after': 'soon'}, 0.5),
        ({'retry_after': 'Mon, 99 Foo 99999 99:99:99 GMT'}, 0.5),
    ],
)
def test_pause_is_what_is_asked_for_or_half_a_second(headers: dict[str, str], seconds: float) -> None:
    failing = Failing(refusal(503, **headers))
    assert failing.ask(1) == 'reply'
    assert sum(failing.slept) == pytest.approx(seconds)


@pytest.mark.parametrize(
    'error',
    [
        refusal(400),
        refusal(429, retry_after='121'),
        refusal(429, retry_after='inf'),
        refusal(500, x_should_retry='false'),
    ],
)
def test_what_would_fail_again_is_not_repeated(error: openai.OpenAIError) -> None:
    failing = Failing(error)
    with pytest.raises(openai.APIStatusError):
        failing.ask(5)
    assert failing.slept == []


def test_pauses_grow_and_short_ones_are_not_told() -> None:
    failing = Failing(*[openai.APITimeoutError(REQUEST)] * 6)
    with pytest.raises(openai.APITimeoutError):
        failing.ask(5)
    assert sum(failing.slept) == 0.5 + 1.0 + 2.0 + 4.0 + 8.0
    assert failing.told[0][0] == 1.0


def test_endpoint_tells_of_its_pauses_why_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[float, str]] = []
    monkeypatch.setattr('time.sleep', lambda seconds: None)
    with ChatServer() as server:
        server.script(Answer(429, b'{}', headers={'retry-after': '1.5'}), say('at last'))
        endpoint = Endpoint(
            'm', server.url, environment={'OPENAI_API_KEY': 'none'},
            waiting=lambda left, why: told.append((left, why)),
        )  # fmt: skip
        assert endpoint.complete((('user', 'hello'),)).text == 'at last'
    assert [left for left, _ in told] == [1.5, 0.5, 0.0]
    assert 'wants fewer requests (HTTP 429)' in told[0][1]


@pytest.mark.parametrize('again', [lambda: fail(500), lambda: fail(429)])
def test_last_failure_is_told(again: Callable[[], Answer]) -> None:
    with ChatServer(again()) as server:
        endpoint = Endpoint('m', server.url, max_retries=2, environment={'OPENAI_API_KEY': 'none'})
        with pytest.raises(EndpointError, match=r'HTTP'):
            endpoint.complete((('user', 'hello'),))
        assert len(server.requests) == 3
