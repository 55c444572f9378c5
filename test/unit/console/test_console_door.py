"""Who may look at the console: asked of the running one by plain HTTP, by polling, and by web sockets."""

import asyncio
import base64
import http.client
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from console_process import Console, console
from made_up_runs import make_run

pytest.importorskip('nicegui', reason='the console needs the extra "console"')

from starlette.requests import Request

from llm_policy_improver.console.guard import COOKIE, Door, guarded
from llm_policy_improver.console.guard import cookie_of as value_of

TOKEN = 'a-token-of-24-characters'
POLLING = '/_nicegui_ws/socket.io/?EIO=4&transport=polling'
SOCKET = '/_nicegui_ws/socket.io/?EIO=4&transport=websocket'


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('runs')
    make_run(root / 'one', 2)
    return root


@pytest.fixture(scope='module')
def open_console(folder: Path) -> Iterator[Console]:
    with console(folder) as opened:
        yield opened


@pytest.fixture(scope='module')
def token_console(folder: Path) -> Iterator[Console]:
    with console(folder, '--host', '127.0.0.1', LLM_POLICY_IMPROVER_CONSOLE_TOKEN=TOKEN) as opened:
        yield opened


def get(opened: Console, path: str = '/', **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection('127.0.0.1', opened.port, timeout=20)
    connection.request('GET', path, headers={name.replace('_', '-'): value for name, value in headers.items()})
    response = connection.getresponse()
    response.body = response.read().decode()  # type: ignore[attr-defined]
    return response


def handshake(opened: Console, **headers: str) -> int:
    """Status of the answer to a web socket's handshake; 101 where it is accepted."""
    told = {
        'Host': f'127.0.0.1:{opened.port}', 'Connection': 'Upgrade', 'Upgrade': 'websocket',
        'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': base64.b64encode(os.urandom(16)).decode(),
        **{name.replace('_', '-'): value for name, value in headers.items()},
    }  # fmt: skip
    lines = ''.join(f'{name}: {value}\r\n' for name, value in told.items())
    with socket.create_connection(('127.0.0.1', opened.port), timeout=20) as connection:
        connection.sendall(f'GET {SOCKET} HTTP/1.1\r\n{lines}\r\n'.encode())
        return int(connection.recv(200).split()[1])


def cookie_of(opened: Console) -> str:
    given = get(opened, f'/?token={TOKEN}').headers['set-cookie']
    return str(given).split(';')[0]


def test_this_machine_looks_without_a_token_by_each_of_its_names(open_console: Console) -> None:
    for name in ('127.0.0.1', 'localhost', '[::1]'):
        assert get(open_console, Host=f'{name}:{open_console.port}').status == 200
    assert handshake(open_console) == 101


@pytest.mark.parametrize('name', ['evil.example', 'evil.example:8080', '', '127.0.0.1.evil.example', 'localhost.evil'])
def test_name_of_somebody_else_that_leads_here_is_refused(open_console: Console, name: str) -> None:
    assert get(open_console, Host=name).status == 421
    assert get(open_console, POLLING, Host=name).status == 421
    assert handshake(open_console, Host=name) == 421


@pytest.mark.parametrize('origin', ['http://evil.example', 'null', 'http://127.0.0.1:1', 'http://localhost.evil.example'])
def test_page_of_somebody_else_reaches_neither_pages_nor_web_socket(open_console: Console, origin: str) -> None:
    assert get(open_console, Origin=origin).status == 403
    assert get(open_console, POLLING, Origin=origin).status == 403
    assert handshake(open_console, Origin=origin) == 403


def test_its_own_page_reaches_the_web_socket(open_console: Console) -> None:
    own = f'http://127.0.0.1:{open_console.port}'
    assert handshake(open_console, Origin=own) == 101
    assert get(open_console, POLLING, Origin=own).status == 200


def test_page_of_somebody_else_loads_nothing_without_an_origin_but_may_link_here(open_console: Console) -> None:
    assert get(open_console, Sec_Fetch_Site='cross-site', Sec_Fetch_Mode='no-cors').status == 403
    assert get(open_console, Sec_Fetch_Site='cross-site', Sec_Fetch_Mode='navigate').status == 200


def test_without_the_token_or_with_another_nothing_is_answered(token_console: Console) -> None:
    wrong = f'{COOKIE}=0123456789abcdef'
    for path in ('/', '/?token=wrong', f'/?token={TOKEN}x', '/run?name=one', POLLING, '/_nicegui/nothing'):
        assert get(token_console, path).status == 401
        assert get(token_console, path, Cookie=wrong).status == 401
    assert handshake(token_console) == 401
    assert handshake(token_console, Cookie=wrong) == 401
    assert handshake(token_console, Cookie=f'{COOKIE}={TOKEN}') == 401  # the cookie is not the token


def test_link_with_the_token_gives_a_cookie_that_scripts_and_other_pages_cannot_use(token_console: Console) -> None:
    answer = get(token_console, f'/run?name=one&token={TOKEN}')
    assert answer.status == 200
    given = answer.headers['set-cookie']
    assert 'HttpOnly' in given
    assert 'SameSite=Strict' in given
    assert TOKEN not in given
    assert TOKEN not in answer.body  # type: ignore[attr-defined]
    assert 'url=/run?name=one' in answer.body  # type: ignore[attr-defined]


def test_cookie_opens_pages_polling_and_web_socket(token_console: Console) -> None:
    cookie = cookie_of(token_console)
    assert get(token_console, '/run?name=one', Cookie=cookie).status == 200
    assert get(token_console, POLLING, Cookie=cookie).status == 200
    assert handshake(token_console, Cookie=cookie) == 101
    assert handshake(token_console, Cookie=cookie, Origin='http://evil.example') == 403


def test_link_with_the_token_leads_to_no_other_machine(token_console: Console) -> None:
    body = get(token_console, f'//evil.example/%22%3E%3Cscript%3E?token={TOKEN}').body  # type: ignore[attr-defined]
    assert '//evil' not in body
    assert '<script' not in body


def test_every_answer_forbids_frames_and_what_is_elsewhere(open_console: Console, token_console: Console) -> None:
    answers = get(open_console), get(open_console, '/nowhere'), get(token_console), get(open_console, Host='evil')
    for answer in answers:
        policy = answer.headers['content-security-policy']
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers['x-content-type-options'] == 'nosniff'


def test_names_of_runs_lead_nowhere_else(open_console: Console) -> None:
    for name in ('..', '../one', '/etc', 'one/../one', '%00'):
        page = get(open_console, f'/run?name={name}')
        assert 'No such run' in page.body  # type: ignore[attr-defined]


def test_on_an_address_of_the_network_addresses_are_ours_and_foreign_names_are_not() -> None:
    door = Door('0.0.0.0', TOKEN)
    cookie = f'{COOKIE}={value_of(TOKEN)}'
    for host in ('192.168.1.5:8080', '[fe80::1]:8080', 'localhost', socket.gethostname()):
        assert door.refusal({'host': host, 'cookie': cookie}, '') is None
    refusal = door.refusal({'host': 'evil.example', 'cookie': cookie}, '')
    assert refusal is not None
    assert refusal.status == 421


def test_on_this_machine_alone_an_address_of_the_network_is_not_ours() -> None:
    refusal = Door('127.0.0.1').refusal({'host': '192.168.1.5:8080'}, '')
    assert refusal is not None
    assert refusal.status == 421


OPERATOR = 'the-token-of-24-operators'


def request_of(cookie: str = '', *, client: str = '127.0.0.1', scheme: str = 'http') -> Request:
    headers = [(b'cookie', f'{COOKIE}={cookie}'.encode())] if cookie else []
    return Request({'type': 'http', 'headers': headers, 'client': (client, 4711), 'scheme': scheme})


def test_whoever_brought_the_operators_token_operates_where_nobody_reads_it() -> None:
    door = Door('0.0.0.0', TOKEN, OPERATOR)
    assert door.operates(request_of(value_of(OPERATOR)))
    assert door.operates(request_of(value_of(OPERATOR), client='192.168.1.9', scheme='https'))
    assert not door.operates(request_of(value_of(OPERATOR), client='192.168.1.9'))
    for other in ('', OPERATOR, value_of(TOKEN), value_of('')):
        assert not door.operates(request_of(other))
    assert not Door('127.0.0.1').operates(request_of(value_of('')))


def test_operators_token_lets_look_and_is_no_look_token() -> None:
    door = Door('127.0.0.1', TOKEN, OPERATOR)
    assert door.entering(f'token={OPERATOR}') == OPERATOR
    assert door.entering(f'token={TOKEN}') == TOKEN
    assert door.entering('token=') == door.entering('') == door.entering('token=wrong') == ''
    assert door.refusal({'host': 'localhost', 'cookie': f'{COOKIE}={value_of(OPERATOR)}'}, '') is None
    refusal = door.refusal({'host': 'localhost'}, '')
    assert refusal is not None
    assert refusal.status == 401


def test_operators_link_is_refused_where_others_could_read_it() -> None:
    door = Door('0.0.0.0', TOKEN, OPERATOR)

    def status(client: str, scheme: str = 'http', token: str = OPERATOR) -> int:
        async def nothing(*_: Any) -> Any:
            raise AssertionError('the link with a token is answered by the door')

        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            'type': 'http', 'scheme': scheme, 'client': (client, 4711), 'path': '/',
            'headers': [(b'host', b'192.168.1.5:8080')], 'query_string': f'token={token}'.encode(),
        }  # fmt: skip
        async def ask() -> None:
            await guarded(nothing, door)(scope, nothing, send)

        asyncio.run(ask())
        return int(sent[0]['status'])

    assert status('127.0.0.1') == 200
    assert status('192.168.1.9', 'https') == 200
    assert status('192.168.1.9') == 403
    assert status('192.168.1.9', token=TOKEN) == 200


def test_browser_that_leaves_before_it_is_answered_is_no_trouble(tmp_path: Path) -> None:
    with console(tmp_path) as opened:
        page = str(get(opened).body)  # type: ignore[attr-defined]
        parts = re.findall(r'["\'](/_nicegui/[^"\']+/esm/[^"\']+[.]js)["\']', page)
        assert parts, 'a page has scripts'
        for part in parts[:10]:
            for pause in (0.0, 0.002, 0.01):
                with socket.create_connection(('127.0.0.1', opened.port), timeout=20) as connection:
                    connection.sendall(f'GET {part} HTTP/1.1\r\nHost: 127.0.0.1:{opened.port}\r\n\r\n'.encode())
                    time.sleep(pause)
        assert get(opened).status == 200
