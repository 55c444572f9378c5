"""A server on the loopback interface that answers as no HTTP server should: a fault is a function of a connection.

with FaultServer(lambda connection: connection.send(b'no HTTP at all')) as server:
    Endpoint('test-model', server.url, ...).complete(...)
"""

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

HEAD = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'
PAUSE = 0.05
"""s between two pieces of what comes slowly."""


class Connection:
    """One client.

    Args:
        accepted: its socket.
        stopped: set when the server stops.
    """

    def __init__(self, accepted: socket.socket, stopped: threading.Event) -> None:
        self.socket = accepted
        self._stopped = stopped

    def read_request(self) -> bytes:
        """All of it."""
        received = b''
        while b'\r\n\r\n' not in received:
            received += self._read()
        head, _, body = received.partition(b'\r\n\r\n')
        length = next(
            (int(line[15:]) for line in head.split(b'\r\n') if line.lower().startswith(b'content-length:')), 0
        )
        while len(body) < length:
            body += self._read()
        return head + b'\r\n\r\n' + body

    def _read(self) -> bytes:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError
        return data

    def send(self, data: bytes) -> None:
        """Now."""
        self.socket.sendall(data)

    def answer(self, body: bytes, *headers: bytes, status: bytes = b'200 OK') -> None:
        """A complete and correct HTTP answer, but for its content."""
        lines = (b'HTTP/1.1 ' + status, b'Content-Length: %d' % len(body), b'Content-Type: application/json')
        self.send(b'\r\n'.join((*lines, *headers, b'', body)))

    def drip(self, pieces: Iterable[bytes], pause: float = PAUSE) -> None:
        """Piece after piece."""
        for piece in pieces:
            if self._stopped.wait(pause):
                return
            self.send(piece)

    def hold(self) -> None:
        """Say nothing any more."""
        self._stopped.wait()

    def reset(self) -> None:
        """End it in the rudest way."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.socket.close()


Fault = Callable[[Connection], None]


def completion(**message: Any) -> bytes:
    """A chat completion with this message."""
    return answered(
        choices=[{'index': 0, 'finish_reason': 'stop', 'message': {'role': 'assistant', **message}}]
    )


def answered(**content: Any) -> bytes:
    """The body of an answer."""
    return json.dumps({'id': '1', 'object': 'chat.completion', 'model': 'test-model', **content}).encode()


class FaultServer:
    """The server; use it as a context manager.

    Args:
        fault: what becomes of each connection, which is closed in the end.
        scheme: of the URL; there is no TLS behind it in any case.
    """

    def __init__(self, fault: Fault, scheme: str = 'http') -> None:
        self._fault = fault
        self._stopped = threading.Event()
        self._listening = socket.create_server(('127.0.0.1', 0))
        self.url = f'{scheme}://127.0.0.1:{self._listening.getsockname()[1]}/v1'
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> 'FaultServer':
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        # The client may go at any time.
        with accepted, contextlib.suppress(OSError):
            self._fault(Connection(accepted, self._stopped))


class IdleThread:
    """Beside something that is timed: how late a thread of this process was meanwhile that did nothing but wait.

    What a busy machine takes from everybody, and a busy process from its threads, is no fault of what is timed.

    Attributes:
        latest: s, of all its short waits.
    """

    def __init__(self) -> None:
        self.latest = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._wait, daemon=True)

    def __enter__(self) -> 'IdleThread':
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _wait(self) -> None:
        over, started = False, time.monotonic()
        while not over:
            over = self._over.wait(PAUSE)
            now = time.monotonic()
            self.latest = max(self.latest, now - started - PAUSE)
            started = now
