"""The bounds of a request, on real connections; the campaign in short."""

import gzip
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from endpoint_campaign import CASES, Case, asked, loop_goes_on, probed
from fault_server import Connection, FaultServer, completion
from faults_of_time import FAULTS as NEVER_ENDING

from llm_policy_improver.core.chat import Completion, EndpointError
from llm_policy_improver.llm.endpoint import Endpoint

ASK = (('user', 'hello'),)
TIMEOUT_S = 0.5
AT_ONCE = 12


def endpoint(url: str, timeout_s: float = 20.0) -> Endpoint:
    return Endpoint('m', url, timeout_s=timeout_s, max_retries=0, environment={'OPENAI_API_KEY': 'none'})


def test_every_fault_ends_in_time_and_in_one_sentence() -> None:
    def wrong(case: Case) -> list[str]:
        made = [(asked(case, TIMEOUT_S), 'asked'), (probed(case, TIMEOUT_S), 'probed')]
        said = [
            f'{case.name}, {kind}: {figures.wrong(TIMEOUT_S)}'
            for figures, kind in made
            if figures.wrong(TIMEOUT_S)
        ]
        # Faults are what they are said to be.
        early = [
            kind for figures, kind in made if case.name in NEVER_ENDING and figures.seconds < 0.9 * TIMEOUT_S
        ]
        return said + [f'{case.name}, {kind}: ended early' for kind in early]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert [said for each in pool.map(wrong, CASES) for said in each] == []


def test_redirect_within_the_endpoint_is_followed() -> None:
    def moved(connection: Connection) -> None:
        request = connection.read_request()
        if request.startswith(b'POST /v1/moved '):
            connection.answer(completion(content=json.loads(request.partition(b'\r\n\r\n')[2])['model']))
        else:
            connection.answer(b'', b'Location: /v1/moved', status=b'307 T')

    with FaultServer(moved) as server:
        assert endpoint(server.url).complete(ASK).text == 'm'


def test_nobody_else_is_asked() -> None:
    """Neither what is asked nor the key goes to another address, not even to another port of the same host."""
    reached = threading.Event()

    def elsewhere(connection: Connection) -> None:
        reached.set()
        connection.answer(completion(content='mine'))

    with FaultServer(elsewhere) as other:

        def redirects(connection: Connection) -> None:
            connection.read_request()
            connection.answer(b'', b'Location: ' + other.url.encode(), status=b'307 T')

        with FaultServer(redirects) as server:
            with pytest.raises(
                EndpointError, match=r'redirects to http://127\.0\.0\.1:\d+, which is not asked'
            ):
                endpoint(server.url).complete(ASK)
            with pytest.raises(EndpointError, match=r'redirects to'):
                endpoint(server.url).check_reachable()
    assert not reached.is_set()


def test_answer_that_is_too_large_is_told_and_not_read_to_its_end() -> None:
    def floods(connection: Connection) -> None:
        connection.read_request()
        connection.send(b'HTTP/1.1 200 OK\r\n\r\n')
        while True:
            connection.send(b' ' * 65536)

    with FaultServer(floods) as server:
        with pytest.raises(EndpointError, match=r'sent more than 1 MiB'):
            endpoint(server.url).complete(ASK)
        endpoint(server.url).check_reachable()


def test_packed_answer_is_read() -> None:
    def packs(connection: Connection) -> None:
        connection.read_request()
        connection.answer(gzip.compress(completion(content='packed')), b'Content-Encoding: gzip')

    with FaultServer(packs) as server:
        assert endpoint(server.url).complete(ASK).text == 'packed'


def test_cookies_are_not_kept() -> None:
    requests: list[bytes] = []

    def sets_cookie(connection: Connection) -> None:
        requests.append(connection.read_request())
        connection.answer(completion(content='x'), b'Set-Cookie: a=b')

    with FaultServer(sets_cookie) as server:
        asking = endpoint(server.url)
        asking.complete(ASK)
        asking.complete(ASK)
    assert len(requests) == 2
    assert not any(b'cookie' in request.lower() for request in requests)


def test_resolver_that_never_answers_runs_into_the_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hangs(*_: object, **__: object) -> list[object]:
        over.wait()
        return []

    monkeypatch.setattr(socket, 'getaddrinfo', hangs)
    try:
        with pytest.raises(EndpointError, match=r'did not answer within 0\.2 s'):
            endpoint('http://some.invalid/v1', timeout_s=0.2).complete(ASK)
    finally:
        over.set()


def test_host_with_several_addresses_is_reached_at_one_that_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(
        lambda connection: connection.answer(completion(content=connection.read_request()[:4].decode()))
    ) as server:
        port = int(server.url.rpartition(':')[2].removesuffix('/v1'))
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, '', (host, port)) for host in ('127.0.0.2', '127.0.0.1')
        ]
        monkeypatch.setattr(socket, 'getaddrinfo', lambda *_, **__: found)
        assert endpoint(f'http://two.invalid:{port}/v1').complete(ASK).text == 'POST'


def test_proxy_of_the_environment_is_used_and_one_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def proxy(connection: Connection) -> None:
        connection.answer(completion(content=connection.read_request().split(b' ')[1].decode()))

    for name in ('no_proxy', 'NO_PROXY', 'all_proxy', 'ALL_PROXY', 'HTTP_PROXY'):
        monkeypatch.delenv(name, raising=False)
    with FaultServer(proxy) as server:
        monkeypatch.setenv('http_proxy', server.url.removesuffix('/v1'))
        answered: Completion = endpoint('http://model.invalid/v1').complete(ASK)
    assert answered.text == 'http://model.invalid/v1/chat/completions'
    monkeypatch.setenv('http_proxy', 'socks5://127.0.0.1:9')
    with pytest.raises(
        EndpointError, match=r'names a proxy for model\.invalid that cannot be used: set HTTP_PROXY'
    ):
        endpoint('http://model.invalid/v1')


@pytest.mark.parametrize(
    'name', ['usage of 10**30', 'refusal', 'control characters', 'body by the byte', '50 MiB', 'another port']
)
def test_optimizer_goes_on_with_what_stands_in(tmp_path: Path, name: str) -> None:
    case = next(case for case in CASES if case.name == name)
    assert loop_goes_on(case, TIMEOUT_S, tmp_path / 'run') == ''
