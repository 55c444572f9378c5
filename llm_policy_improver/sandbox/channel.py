"""The connection to a worker, as its parent holds it: a frame out, a frame in, within a time."""

import socket
import struct
import time
from collections.abc import Callable
from typing import Final

from llm_policy_improver.sandbox.inside.frames import FRAME

_FIRST, _MORE = 1 << 13, 1 << 18
"""Bytes asked for at once: most answers are small, and room for a large one would have to be made each time."""

_ROOM: Final = 16_384
"""Bytes that an answer may have beyond a result: those that tell of an exception."""


def _no_longer() -> float:
    return 0.0


class BrokenProtocolError(Exception):
    """What came is no answer; the message says what is wrong with it."""


class Channel:
    """A connection to one worker.

    Args:
        connection: to it.
        result_bytes: of an answer at most.
    """

    def __init__(self, connection: socket.socket, result_bytes: int) -> None:
        self._connection = connection
        self._largest = result_bytes + _ROOM
        self._seconds = 0.0
        self._deadline = 0.0
        self._longer = _no_longer

    def ask(self, request: bytes, seconds: float, longer: Callable[[], float] = _no_longer) -> bytes:
        """Send a request and wait for the answer.

        Args:
            request: what is sent.
            seconds: to wait.
            longer: asked when these are over: for how many s more; 0 for no longer.

        Raises:
            TimeoutError: it took too long.
            EOFError: the worker hung up.
            BrokenProtocolError: what came is no frame.
        """
        self._begin(seconds, longer)
        try:
            self._connection.sendall(FRAME.pack(len(request)) + request, socket.MSG_NOSIGNAL)
            return self._frame()
        except BlockingIOError:  # it takes no request
            raise TimeoutError from None
        except ConnectionError as error:
            raise EOFError from error

    def receive(self, seconds: float) -> bytes:
        """Wait for a frame that nobody asked for; raises as `ask` does."""
        self._begin(seconds, _no_longer)
        return self._frame()

    def close(self) -> None:
        self._connection.close()

    def _frame(self) -> bytes:
        data = self._received(_FIRST)
        if len(data) < FRAME.size or len(data) < FRAME.size + FRAME.unpack_from(data)[0]:
            data = self._rest(data)
        size = len(data) - FRAME.size
        if size != FRAME.unpack_from(data)[0]:
            raise BrokenProtocolError('more than one answer')
        if size > self._largest:
            raise BrokenProtocolError(f'an answer of {size} bytes')
        return data[FRAME.size :]

    def _rest(self, more: bytes) -> bytes:
        """All of a frame that comes in parts."""
        data = bytearray()
        while more:
            data += more
            if len(data) >= FRAME.size:
                size = FRAME.unpack_from(data)[0]
                if size > self._largest:
                    raise BrokenProtocolError(f'an answer of {size} bytes')
                if len(data) >= FRAME.size + size:
                    return bytes(data)
            left = self._deadline - time.monotonic()
            if left <= 0.0:
                self._wait_longer()
            else:
                self._limit(left)
            more = self._received(_MORE)
        raise EOFError

    def _received(self, size: int) -> bytes:
        while True:
            try:
                return self._connection.recv(size)
            except BlockingIOError:
                self._wait_longer()

    def _begin(self, seconds: float, longer: Callable[[], float]) -> None:
        self._deadline = time.monotonic() + seconds
        self._longer = longer
        self._limit(seconds)

    def _wait_longer(self) -> None:
        seconds = self._longer()
        if seconds <= 0.0:
            raise TimeoutError
        self._begin(seconds, self._longer)

    def _limit(self, seconds: float) -> None:
        """Let the kernel end a wait: a quarter of the cost of Python's own time-out, which polls before each call."""
        if seconds != self._seconds:
            whole = int(seconds)
            span = struct.pack('@ll', whole, max(1, int((seconds - whole) * 1e6)))
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                self._connection.setsockopt(socket.SOL_SOCKET, option, span)
            self._seconds = seconds
