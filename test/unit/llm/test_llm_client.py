import json
import logging
import socket
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from chat_server import Answer, ChatServer, fail, good, no_choices, raw, say, silence

from llm_policy_improver.core.chat import EndpointError, Finish
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.llm.schema import reply_schema
from llm_policy_improver.loop.settings import OptimizerSettings

KEY = 'sk-very-secret-0123456789'
ASK = (('user', 'hello'),)


def endpoint(server: ChatServer, key: str = KEY, **options: float) -> Endpoint:
    settings = {'timeout_s': 2.0, 'max_retries': 0, **options}
    return Endpoint('test-model', server.url, environment={'OPENAI_API_KEY': key}, **settings)  # type: ignore[arg-type]


def test_completion_carries_text_tokens_and_model() -> None:
    with ChatServer(say('hello back', prompt_tokens=7, completion_tokens=3)) as server:
        completion = endpoint(server).complete(ASK)
    assert completion.text == 'hello back'
    assert (completion.prompt_tokens, completion.completion_tokens) == (7, 3)
    assert completion.model == 'test-model-answered'
    assert completion.seconds > 0
    assert completion.finish is Finish.STOP


def test_request_names_model_and_messages_and_sends_the_key() -> None:
    with ChatServer(say('x')) as server:
        endpoint(server, temperature=0.2).complete((('system', 'be brief'), ('user', 'hello')))
        endpoint(server).complete(ASK)
    first, second = server.requests
    assert first['model'] == 'test-model'
    assert first['messages'] == [
        {'role': 'system', 'content': 'be brief'},
        {'role': 'user', 'content': 'hello'},
    ]
    assert first['temperature'] == 0.2
    assert 'temperature' not in second
    assert server.authorizations[0] == f'Bearer {KEY}'


def test_seconds_come_from_the_clock_passed_in() -> None:
    ticks = iter([10.0, 12.5])
    with ChatServer(say('x')) as server:
        client = Endpoint('m', server.url, environment={'OPENAI_API_KEY': 'none'}, clock=lambda: next(ticks))
        assert client.complete(ASK).seconds == 2.5


@pytest.mark.parametrize('environment', [{}, {'OPENAI_API_KEY': ''}, {'OPENAI_API_KEY': '  '}])
def test_missing_key_says_what_to_export(environment: dict[str, str]) -> None:
    with pytest.raises(EndpointError, match=r'export OPENAI_API_KEY=none for a local endpoint') as caught:
        Endpoint('m', 'http://127.0.0.1:1/v1', environment=environment)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    'url',
    [
        '127.0.0.1:8000',
        'ftp://here/v1',
        'http://',
        'http://here:x/v1',
        'http://here/v1 ',
        'http://here/' + 'v' * 100,
        'http://hеre/v1',  # with a Cyrillic letter
    ],
)
def test_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(EndpointError, match=r'must look like http'):
        Endpoint('m', url, environment={'OPENAI_API_KEY': 'none'})


@pytest.mark.parametrize(
    'url',
    [
        'http://me:hunter2@here/v1',
        'http://hunter2@here/v1',
        'http://here/v1?key=hunter2',
        'http://here/v1#hunter2',
        'http://here/sk-hunter2-0123456789/v1',
    ],
)
def test_key_in_a_url_is_refused_with_one_sentence_that_does_not_quote_it(url: str) -> None:
    for give in (
        lambda: Endpoint('m', url, environment={'OPENAI_API_KEY': 'none'}),
        lambda: Endpoint('m', environment={'OPENAI_API_KEY': 'none', 'OPENAI_BASE_URL': url}),
        lambda: OptimizerSettings(model='m', base_url=url),
    ):
        with pytest.raises((EndpointError, SettingsError), match=r'export the key as OPENAI_API_KEY') as caught:
            give()
        assert 'hunter2' not in str(caught.value)
        assert len(str(caught.value)) < 300


def test_numbers_and_names_are_checked() -> None:
    environment = {'OPENAI_API_KEY': 'none'}
    with pytest.raises(EndpointError, match=r'more than 0 s; got 0'):
        Endpoint('m', timeout_s=0.0, environment=environment)
    with pytest.raises(EndpointError, match=r'must not be negative; got -1'):
        Endpoint('m', max_retries=-1, environment=environment)
    with pytest.raises(EndpointError, match=r'name of the language model is empty'):
        Endpoint(' ', environment=environment)


def test_base_url_defaults_to_the_environment() -> None:
    environment = {'OPENAI_API_KEY': 'none', 'OPENAI_BASE_URL': 'http://127.0.0.1:9/v1'}
    assert Endpoint('m', environment=environment).base_url == 'http://127.0.0.1:9/v1'
    assert Endpoint('m', environment={'OPENAI_API_KEY': 'none'}).base_url == 'https://api.openai.com/v1'


@pytest.mark.parametrize('models', [None, fail(404), fail(405), raw(b'hello', 'text/plain'), fail(429)])
def test_endpoint_that_answers_is_reachable_even_without_a_list_of_models(models: object) -> None:
    with ChatServer(models=models) as server:  # type: ignore[arg-type]
        endpoint(server).check_reachable()


@pytest.mark.parametrize('status', [401, 403])
def test_refused_key_is_told_at_the_start(status: int) -> None:
    with (
        ChatServer(models=fail(status, f'Incorrect key {KEY}')) as server,
        pytest.raises(EndpointError, match=r'refused the key .*check OPENAI_API_KEY') as caught,
    ):
        endpoint(server).check_reachable()
    assert KEY not in str(caught.value)


def test_endpoint_that_is_still_loading_is_told_at_the_start() -> None:
    with (
        ChatServer(models=fail(503, 'Loading model')) as server,
        pytest.raises(EndpointError, match=r'HTTP 503: "Loading model"'),
    ):
        endpoint(server).check_reachable()


def test_nobody_listening_is_told_in_one_sentence() -> None:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        url = f'http://127.0.0.1:{free.getsockname()[1]}/v1'
    client = Endpoint('m', url, max_retries=0, environment={'OPENAI_API_KEY': KEY})
    with pytest.raises(EndpointError, match=r'cannot be reached .*check the address') as caught:
        client.check_reachable()
    assert '\n' not in str(caught.value)
    with pytest.raises(EndpointError, match=r'cannot be reached'):
        client.complete(ASK)


def test_unknown_host_is_told_in_one_sentence() -> None:
    client = Endpoint(
        'm', 'http://no-such-host.invalid/v1', max_retries=0, environment={'OPENAI_API_KEY': KEY}
    )
    with pytest.raises(EndpointError, match=r'no-such-host\.invalid/v1 cannot be reached'):
        client.check_reachable()


def test_silent_endpoint_times_out() -> None:
    with ChatServer(silence(), models=silence()) as server:
        client = endpoint(server, timeout_s=0.1)
        with pytest.raises(EndpointError, match=r'did not answer within 0.1 s'):
            client.complete(ASK)
        with pytest.raises(EndpointError, match=r'did not answer within 0.1 s; check the address'):
            client.check_reachable()


@pytest.mark.parametrize(
    ('answer', 'said'),
    [
        (fail(429), r'wants fewer requests \(HTTP 429\)'),
        (fail(500), 'failed with HTTP 500: "the server is not well"'),
        (fail(400, 'bad temperature'), 'HTTP 400: "bad temperature"'),
        (fail(404), 'knows no model "test-model"'),
        (no_choices(), 'without a reply in it'),
        (raw(b'{"choices": null}'), 'without a reply in it'),
        (raw(b'{"choices": [null]}'), 'without a reply in it'),
        (raw(b'{"choices": [{"message": 5}]}'), 'without a reply in it'),
        (raw(b'{"error": {"message": "no such model"}}'), 'without a reply in it: "no such model"'),
        (raw(b'[1]'), 'without a reply in it'),
        (raw(b'{"choices": [{'), 'no chat completion'),
        (raw(b'\xff\xfe\x00', 'text/plain'), 'no chat completion'),
    ],
)
def test_every_failure_is_one_sentence_of_our_own_kind(answer: object, said: str) -> None:
    with ChatServer(answer) as server:  # type: ignore[arg-type]
        client = endpoint(server)
        with pytest.raises(EndpointError, match=said) as caught:
            client.complete(ASK)
    assert '\n' not in str(caught.value)


def test_failures_that_pass_are_retried() -> None:
    with ChatServer() as server:
        server.script(fail(429), fail(500), say('third time'))
        assert endpoint(server, max_retries=2).complete(ASK).text == 'third time'
        assert len(server.requests) == 3


def test_reply_that_is_empty_or_null_is_an_empty_text() -> None:
    with ChatServer() as server:
        server.script(say(''), say(None))
        assert [endpoint(server).complete(ASK).text for _ in range(2)] == ['', '']


def test_characters_that_cannot_be_stored_are_cleaned() -> None:
    body = b'{"choices":[{"message":{"content":"a\\ud800b\\u0000c\\nd"}}]}'
    with ChatServer(raw(body)) as server:
        assert endpoint(server).complete(ASK).text == 'a?bc\nd'


def test_key_appears_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    echo = f'you sent Bearer {KEY} and sk-another***tail9'
    said: list[str] = []
    with caplog.at_level(logging.DEBUG), ChatServer() as server:
        client = endpoint(server)
        server.script(*(fail(status, echo) for status in (400, 401, 403, 404, 429, 500)), silence())
        for _ in range(7):
            slow = endpoint(server, timeout_s=0.5)
            with pytest.raises(EndpointError) as caught:
                slow.complete(ASK)
            said += [
                ''.join(traceback.format_exception(caught.value)),
                repr(caught.value.__context__),
                repr(caught.value.__cause__),
            ]
        server.script(good([1.0] * 8), say(echo))
        said += [repr(client), str(vars(client)), repr(client.complete(ASK)), repr(client.complete(ASK))]
    everything = '\n'.join([*said, caplog.text])
    assert KEY not in everything
    assert 'tail9' not in '\n'.join(said[:-1])
    assert 'you sent Bearer ***' in said[-1]


SCHEMA = reply_schema(('x1', 'x2'))
UNKNOWN = 'Unrecognized request argument supplied: response_format'


def takes_no_schema(refusal: Answer) -> Callable[[dict[str, Any]], Answer]:
    return lambda request: refusal if 'response_format' in request else say('as text')


def sent(server: ChatServer) -> list[bool]:
    return ['response_format' in request for request in server.requests]


def test_schema_is_sent_in_the_form_of_structured_outputs() -> None:
    with ChatServer(say('{}')) as server:
        client = endpoint(server)
        client.complete(ASK, SCHEMA)
        client.complete(ASK)
    form = server.requests[0]['response_format']
    assert form['type'] == 'json_schema'
    assert form['json_schema'] == {'name': 'reply', 'strict': True, 'schema': SCHEMA}
    assert sent(server) == [True, False]


@pytest.mark.parametrize(
    'refusal',
    [
        fail(400, UNKNOWN),
        fail(400, 'bad request'),
        fail(422, 'extra fields not permitted'),
        fail(501, 'not implemented'),
        fail(404, 'no endpoints found that support structured outputs'),
        fail(500, 'failed to parse grammar'),
        raw(json.dumps({'error': {'message': 'json_schema is not supported', 'code': 400}}).encode()),
    ],
)
def test_endpoint_that_refuses_the_schema_is_asked_without_it_from_then_on(refusal: Answer) -> None:
    with ChatServer(takes_no_schema(refusal)) as server:
        client = endpoint(server)
        assert [client.complete(ASK, SCHEMA).text for _ in range(3)] == ['as text'] * 3
    assert sent(server) == [True, False, False, False]


@pytest.mark.parametrize('status', [400, 422])
def test_request_that_is_wrong_in_another_way_fails_in_one_sentence_and_schemas_stay(status: int) -> None:
    with ChatServer(say('fine')) as server:
        client = endpoint(server)
        server.script(*[fail(status, 'the prompt is too long')] * 2)
        with pytest.raises(EndpointError, match=f'HTTP {status}: "the prompt is too long"') as caught:
            client.complete(ASK, SCHEMA)
        assert '\n' not in str(caught.value)
        client.complete(ASK, SCHEMA)
    assert sent(server) == [True, False, True]


@pytest.mark.parametrize('answer', [fail(401), fail(429), fail(500), no_choices(), raw(b'[1]'), silence()])
def test_other_failures_are_not_asked_again_without_the_schema(answer: Answer) -> None:
    with ChatServer(answer) as server:
        with pytest.raises(EndpointError):
            endpoint(server, timeout_s=0.2).complete(ASK, SCHEMA)
        assert sent(server) == [True]
