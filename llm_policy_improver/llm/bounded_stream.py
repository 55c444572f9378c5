"""A connection that ends in time: one deadline and one number of bytes for all that a request reads and writes.

The time-outs of httpx hold for each read of a socket. An endpoint that sends a byte a second, headers without end, or
``100 Continue`` for ever, never runs into them, and what it sends is kept in memory meanwhile. Here all bytes of a
request pass, those of TLS and of a proxy's answer too, so that whatever is sent, in whatever form, counts.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import httpcore2

_PIECE: Final = 4096
"""Bytes written at a time: so few that a send never waits twice, each time with a time-out of its own."""


class OversizedError(Exception):
    """An endpoint sent more than it may."""


class Budget:
    """What is left of a request's time and of the bytes that it may receive.

    Args:
        seconds: for all of it, from now on.
        most_bytes: that may be received.
        clock: seconds.
    """

    def __init__(self, seconds: float, most_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self._bytes = most_bytes

    def seconds_left(self) -> float:
        """Above 0.

        Raises:
            httpcore2.ReadTimeout: the time is over.
        """
        left = self._end - self._clock()
        if left <= 0.0:
            raise httpcore2.ReadTimeout('the time is over')
        return left

    def take(self, count: int) -> None:
        """Count bytes that were received.

        Raises:
            OversizedError: they are too many.
        """
        self._bytes -= count
        if self._bytes < 0:
            raise OversizedError


class BoundedStream(httpcore2.NetworkStream):
    """A connection within a budget; the time-outs that its user gives are not looked at."""

    def __init__(self, stream: httpcore2.NetworkStream, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = self._stream.read(max_bytes, timeout=self._budget.seconds_left())
        self._budget.take(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], timeout=self._budget.seconds_left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        # Python's handshake keeps to its time-out as a whole.
        secured = self._stream.start_tls(ssl_context, server_hostname, self._budget.seconds_left())
        return BoundedStream(secured, self._budget)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class BoundedBackend(httpcore2.NetworkBackend):
    """Connects within a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._backend = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = _addresses(host, port, self._budget.seconds_left())
        while True:
            address = addresses.pop(0)
            # An address that swallows everything leaves time for those after it.
            share = self._budget.seconds_left() / (1 + len(addresses))
            try:
                stream = self._backend.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if not addresses:
                    raise
            else:
                return BoundedStream(stream, self._budget)


def _addresses(host: str, port: int, seconds: float) -> list[str]:
    """Of a host, at least one; a resolver cannot be interrupted, but left alone.

    Raises:
        httpcore2.ConnectTimeout, httpcore2.ConnectError: none within these seconds, or none at all.
    """
    answered: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()

    def resolve() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answered.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as error:
            answered.put(OSError(str(error)))

    threading.Thread(target=resolve, name='resolver', daemon=True).start()
    try:
        found = answered.get(timeout=seconds)
    except queue.Empty:
        raise httpcore2.ConnectTimeout(f'no address of {host}') from None
    if isinstance(found, OSError):
        raise httpcore2.ConnectError(str(found)) from found
    return found
