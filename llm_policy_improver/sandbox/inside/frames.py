"""Frames: a length and as many bytes; all that travels between a worker and its parent."""

import os
import struct
from typing import Final

from llm_policy_improver.sandbox.inside.syscalls import CHANNEL

FRAME: Final = struct.Struct('=I')
"""Bytes that follow."""

RESULT: Final = 'ResultError'
"""Stands for the type of an exception where the program raised none, but returned what cannot be handed over."""

_FIRST, _MORE = 1 << 13, 1 << 20
"""Bytes asked for at once: most requests are small."""


def receive() -> bytes:
    """The next frame from the parent, which sends one at a time; the process ends where there is none."""
    data = os.read(CHANNEL, _FIRST)
    while len(data) < FRAME.size or len(data) < FRAME.size + FRAME.unpack_from(data)[0]:
        more = os.read(CHANNEL, _MORE)
        if not more:
            os._exit(0)
        data += more
    return data[FRAME.size :]


def send(answer: bytes) -> None:
    """Send a frame to the parent."""
    data = FRAME.pack(len(answer)) + answer
    while data:
        data = data[os.write(CHANNEL, data) :]
