"""Frames: a length and as many bytes; all that travels between a worker and its parent."""

import os
import struct
from typing import Final

from llm_policy_improver.sandbox.inside.syscalls import CHANNEL

FRAME: Final = struct.Struct('=I')
"""Bytes that follow."""


def receive() -> bytes:
    """The next frame from the parent; the process ends where there is none."""
    (size,) = FRAME.unpack(_exactly(FRAME.size))
    return _exactly(size)


def _exactly(size: int) -> bytes:
    data = os.read(CHANNEL, size)
    while len(data) < size:
        more = os.read(CHANNEL, size - len(data))
        if not more:
            os._exit(0)
        data += more
    return data


def send(answer: bytes) -> None:
    """Send a frame to the parent."""
    data = FRAME.pack(len(answer)) + answer
    while data:
        data = data[os.write(CHANNEL, data) :]
