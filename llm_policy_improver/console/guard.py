"""Who may look at the console: the door in front of all of it, for pages, polling and web sockets alike.

A page of somebody else, open in the same browser, can send requests to this machine. Two headers tell them apart, which
no script can forge: ``Host``, against names of somebody else that lead to this machine (DNS rebinding), and ``Origin``,
against requests of other pages. Where others can reach the machine, a token is asked for too. Whoever operates an arm
brings another token, which is taken only where nobody on the way can read it.
"""

import hmac
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE: Final = 'llm_policy_improver_console'
QUERY: Final = 'token'

POLICY: Final = '; '.join(
    (
        "default-src 'self'",
        # NiceGUI begins its page with a script of its own in it, and Vue compiles its templates in the browser.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy of every answer: nothing is loaded from elsewhere or sent there, and nobody frames this."""

READ: Final = (
    "The operator's link is for this machine alone, as others could read it on its way: come by ssh -L, or start the "
    'console with --certificate.'
)
"""Why the operator's token is not taken."""

_HEADERS: Final = (
    (b'content-security-policy', POLICY.encode()),
    (b'x-content-type-options', b'nosniff'),
    (b'referrer-policy', b'no-referrer'),
    (b'cross-origin-resource-policy', b'same-origin'),
    (b'cross-origin-opener-policy', b'same-origin'),
)
_ENTERED: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Console</title>'
    '<meta http-equiv="refresh" content="0; url={path}"><p><a href="{path}">To the console</a></p></html>'
)
"""A page of our own that leads on: the browser sends a SameSite=Strict cookie with what this page asks for, also where
a page of somebody else led here."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered.

    Attributes:
        status: of HTTP.
        sentence: for people.
    """

    status: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Door:
    """What is asked of every request.

    Attributes:
        address: that the console listens on, as a person gave it.
        token: that whoever looks must know; empty: none is asked for.
        operator: token of whoever may let an arm move; empty: there is none.
    """

    address: str
    token: str = ''
    operator: str = ''

    def refusal(self, headers: Mapping[str, str], query: str) -> Refusal | None:
        """Why a request with these headers (names in small letters) is not answered; None where it is."""
        host = headers.get('host', '')
        if not self._is_ours(host):
            return Refusal(421, 'This console is not found under that name; use the address that it printed.')
        origin = headers.get('origin')
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return Refusal(403, 'Pages of others may not use this console.')
        if headers.get('sec-fetch-site') in {'cross-site', 'same-site'} and headers.get('sec-fetch-mode') != 'navigate':
            return Refusal(403, 'Pages of others may not use this console.')
        if self.token and not self._brought(headers) and not self.entering(query):
            return Refusal(401, 'Open the link with the token that the console printed when it was started.')
        return None

    def entering(self, query: str) -> str:
        """The token that a query string brings, where it is one of ours; else empty."""
        given = parse_qs(query).get(QUERY, [''])[-1]
        return next((each for each in self._tokens if hmac.compare_digest(given.encode(), each.encode())), '')

    def operates(self, request: Request) -> bool:
        """Whether whoever asks for a page has brought the operator's token before, and nobody else can read this."""
        return bool(self.operator) and unread(request.scope) and self._brought(request.headers) == self.operator

    @property
    def _tokens(self) -> tuple[str, ...]:
        return tuple(each for each in (self.operator, self.token) if each)

    def _brought(self, headers: Mapping[str, str]) -> str:
        """The token that the cookie is of; empty where it is of none."""
        try:
            sent = SimpleCookie(headers.get('cookie', ''))
        except CookieError:
            return ''
        given = sent[COOKIE].value if COOKIE in sent else ''
        found = (each for each in self._tokens if hmac.compare_digest(given.encode(), cookie_of(each).encode()))
        return next(found, '')

    def _is_ours(self, host: str) -> bool:
        """Whether a request names this machine by an address, which nobody else's name service can give away."""
        try:
            name = urlsplit(f'//{host}').hostname or ''
        except ValueError:
            return False
        if name in {'localhost', self.address.lower()}:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return not is_loopback(self.address) and name == socket.gethostname().lower()
        return address.is_loopback or not is_loopback(self.address)


def cookie_of(token: str) -> str:
    """Value of the cookie of whoever has brought a token, which cannot be read from it."""
    return hmac.new(token.encode(), COOKIE.encode(), sha256).hexdigest()


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address.lower() == 'localhost'


def guarded(application: ASGIApp, door: Door) -> ASGIApp:
    """An ASGI application behind the door."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] not in {'http', 'websocket'}:
            await application(scope, receive, send)
            return
        headers = {name.decode('latin-1').lower(): value.decode('latin-1') for name, value in scope['headers']}
        query = scope.get('query_string', b'').decode('latin-1')
        refusal = door.refusal(headers, query)
        entering = door.entering(query)
        if refusal is None and entering and entering == door.operator and not unread(scope):
            refusal = Refusal(403, READ)
        if refusal is not None:
            await _refuse(scope, send, refusal)
        elif scope['type'] == 'http' and entering:
            await _enter(scope, send, entering, query)
        else:
            await _passed_on(application, scope, receive, _with_headers(send))

    return answer


def unread(scope: Scope) -> bool:
    """Whether nobody on the way can read this request: it is encrypted, or comes from this machine."""
    client = scope.get('client') or ('', 0)
    return scope.get('scheme') in {'https', 'wss'} or is_loopback(client[0])


async def _passed_on(application: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Have the application answer; a browser that left before its page was made is no trouble of anybody's."""
    left = False

    async def receiving() -> Message:
        nonlocal left
        message = await receive()
        left = left or message['type'] == 'http.disconnect'
        return message

    try:
        await application(scope, receiving, send)
    except RuntimeError:  # of Starlette's middleware: nothing was answered
        if not left:
            raise


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message['type'] == 'http.response.start':
            message = {**message, 'headers': [*message.get('headers', ()), *_HEADERS]}
        await send(message)

    return sending


async def _refuse(scope: Scope, send: Send, refusal: Refusal) -> None:
    body = f'{refusal.sentence}\n'.encode()
    if scope['type'] == 'http':
        await _answer(send, 'http', refusal.status, body, (b'content-type', b'text/plain; charset=utf-8'))
    elif 'websocket.http.response' in scope.get('extensions', {}):
        await _answer(send, 'websocket.http', refusal.status, body, (b'content-type', b'text/plain; charset=utf-8'))
    else:
        await send({'type': 'websocket.close', 'code': 1008})


async def _enter(scope: Scope, send: Send, token: str, query: str) -> None:
    """Give the cookie to whoever brought the token, and lead on to the same address without it."""
    left = {name: values for name, values in parse_qs(query).items() if name != QUERY}
    path = urlsplit(scope.get('path', '/')).path
    # A path that begins with two slashes would name another host.
    path = '/' + quote(path.lstrip('/\\')) + (f'?{urlencode(left, doseq=True)}' if left else '')
    page = _ENTERED.format(path=_escaped(path)).encode()
    secure = '; Secure' if scope.get('scheme') == 'https' else ''
    cookie = f'{COOKIE}={cookie_of(token)}; Path=/; HttpOnly; SameSite=Strict{secure}'.encode()
    await _answer(
        send, 'http', 200, page, (b'content-type', b'text/html; charset=utf-8'), (b'set-cookie', cookie),
        (b'cache-control', b'no-store'),
    )  # fmt: skip


async def _answer(send: Send, kind: str, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    whole = [*headers, (b'content-length', str(len(body)).encode()), *_HEADERS]
    await send({'type': f'{kind}.response.start', 'status': status, 'headers': whole})
    await send({'type': f'{kind}.response.body', 'body': body})


def _escaped(text: str) -> str:
    return text.replace('&', '&amp;').replace('"', '&quot;').replace('<', '&lt;').replace('>', '&gt;')
