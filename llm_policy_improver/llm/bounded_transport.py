"""How requests to an endpoint are sent: to no other host, within a time, and for an answer of a limited size."""

import urllib.request
from typing import Any, Final

import httpcore2
import httpx2

from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.llm.bounded_stream import BoundedBackend, Budget, OversizedError

MOST_BYTES: Final = 1 << 20
"""Of an answer, headers and all, as it is sent and again unpacked. A reply of 100,000 tokens takes half of it; read as
JSON, the worst takes fifty times as much memory."""

_PASSED_ON: Final = ('content-type', 'location', 'retry-after', 'retry-after-ms', 'x-should-retry')
"""Headers of an answer that anybody goes by. Others, e.g. cookies, would be kept."""

_BUDGET: Final = 'budget'


class OversizedAnswerError(httpx2.TransportError):
    """An answer is larger than `MOST_BYTES`."""


class ElsewhereError(httpx2.TransportError):
    """An endpoint redirects to another one; ``elsewhere`` is its address."""

    def __init__(self, elsewhere: str) -> None:
        super().__init__('it redirects to another address')
        self.elsewhere = elsewhere


class BoundedTransport(httpx2.BaseTransport):
    """Sends requests to one endpoint and reads its answers whole.

    The read time-out of a request is the time for all of it: finding and reaching the endpoint, TLS, sending, headers,
    body, and redirects. Every request has a connection of its own, so that nothing of one answer is left for the next.

    Args:
        base_url: of the endpoint; requests go there alone, or to the proxy that the environment names for it.

    Raises:
        EndpointError: the environment names a proxy that cannot be used.
    """

    def __init__(self, base_url: str) -> None:
        self._url = httpx2.URL(base_url)
        self._proxy = _proxy_for(self._url)
        self._ssl_context = httpx2.create_ssl_context() if self._url.scheme == 'https' else None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and read all of the answer.

        Raises:
            httpx2.TransportError: it went wrong; the kinds above say what, `httpx2.TimeoutException` that time is over.
        """
        if _origin(request.url) != _origin(self._url):
            # Without what follows the host, and what stands before it, which may be a key.
            raise ElsewhereError(
                str(httpx2.URL(scheme=request.url.scheme, host=request.url.host, port=request.url.port))
            )
        # A request that follows a redirect takes the budget of the first one with it.
        budget = request.extensions.setdefault(
            _BUDGET, Budget(request.extensions['timeout']['read'], MOST_BYTES)
        )
        try:
            return self._answer(request, budget)
        except (httpcore2.TimeoutException, httpx2.TimeoutException) as error:
            raise httpx2.ReadTimeout(str(error)) from None
        except OversizedError:
            raise OversizedAnswerError('the answer is too large') from None
        except (
            httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.ProxyError, httpx2.DecodingError, ValueError
        ) as error:  # fmt: skip
            raise httpx2.NetworkError(str(error) or type(error).__name__) from None

    def _answer(self, request: httpx2.Request, budget: Budget) -> httpx2.Response:
        backend = BoundedBackend(budget)
        with httpcore2.ConnectionPool(
            ssl_context=self._ssl_context, proxy=self._proxy, network_backend=backend
        ) as pool:
            received = pool.handle_request(_as_sent(request))
            assert isinstance(request.stream, httpx2.SyncByteStream)
            unpacking = httpx2.Response(received.status, headers=received.headers, stream=_Body(received))
            unpacked = bytearray()
            for piece in unpacking.iter_bytes():
                budget.seconds_left()
                unpacked += piece
                if len(unpacked) > MOST_BYTES:
                    raise OversizedError
        headers = [(name, value) for name, value in unpacking.headers.items() if name in _PASSED_ON]
        return httpx2.Response(received.status, headers=headers, content=bytes(unpacked), request=request)


class _Body(httpx2.SyncByteStream):
    def __init__(self, received: httpcore2.Response) -> None:
        self._received = received

    def __iter__(self) -> Any:
        return self._received.iter_stream()

    def close(self) -> None:
        self._received.close()


def _as_sent(request: httpx2.Request) -> httpcore2.Request:
    return httpcore2.Request(
        request.method,
        _plain(request.url),
        headers=request.headers.raw,
        content=request.stream,
    )


def _plain(url: httpx2.URL) -> httpcore2.URL:
    return httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _proxy_for(url: httpx2.URL) -> httpcore2.Proxy | None:
    """What HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say."""
    named = urllib.request.getproxies()
    address = named.get(url.scheme) or named.get('all')
    if not address or urllib.request.proxy_bypass(url.host):
        return None
    try:
        proxy = httpx2.Proxy(address if '://' in address else f'http://{address}')
    except (ValueError, httpx2.InvalidURL):
        proxy = None
    if proxy is None or proxy.url.scheme not in ('http', 'https'):
        raise EndpointError(
            f'the environment names a proxy for {url.host} that cannot be used: set {url.scheme.upper()}_PROXY to '
            'http://HOST:PORT, or add the host to NO_PROXY'
        )
    return httpcore2.Proxy(_plain(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw)
