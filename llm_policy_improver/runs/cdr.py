"""Messages of one fixed layout in CDR, the byte format of ROS 2: a whole time series at once, through NumPy.

The strings and array lengths of a trial's messages never change, so all messages of a topic are rows of one
structured array. That is bit-exact, and much faster than encoding message by message.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

ENCAPSULATION = b'\x00\x01\x00\x00'
"""Plain CDR, little endian (DDS-RTPS 2.3, table 10.3). Alignment counts from behind these bytes."""


class CdrError(ValueError):
    """Bytes are not a message of the expected layout."""


class CdrLayout:
    """The layout of one message type, built field by field in the order of its definition.

    Example:
        >>> layout = CdrLayout().stamp().string('table').doubles('point', 3)
        >>> messages = layout.encode(2, sec=[0, 1], nanosec=[0, 0], point=[[0, 0, 0], [1, 2, 3]])
        >>> layout.decode(messages)['point'][1].tolist()
        [1.0, 2.0, 3.0]
    """

    def __init__(self) -> None:
        self._template = bytearray(ENCAPSULATION)
        self._fields: list[tuple[str, Any, int]] = []

    def _align(self, size: int) -> None:
        self._template += bytes(-(len(self._template) - len(ENCAPSULATION)) % size)

    def _field(self, name: str, kind: str, size: int, count: int = 1) -> None:
        self._align(size)
        self._fields.append((name, kind if count == 1 else (kind, (count,)), len(self._template)))
        self._template += bytes(size * count)

    def stamp(self) -> 'CdrLayout':
        """A ``builtin_interfaces/Time``: the fields ``sec`` and ``nanosec``."""
        self._field('sec', '<i4', 4)
        return self.uint32('nanosec')

    def uint32(self, name: str) -> 'CdrLayout':
        """A field that may differ from message to message."""
        self._field(name, '<u4', 4)
        return self

    def doubles(self, name: str, count: int) -> 'CdrLayout':
        """So many float64 one after the other, e.g. the coordinates of a point."""
        self._field(name, '<f8', 8, count)
        return self

    def sequence(self, name: str, count: int) -> 'CdrLayout':
        """A ``float64[]`` with always the same number of entries; with none it is no field."""
        self._constant(count)
        return self.doubles(name, count) if count else self

    def string(self, text: str) -> 'CdrLayout':
        """A string, the same in every message."""
        data = text.encode() + b'\x00'
        self._constant(len(data))
        self._template += data
        return self

    def strings(self, texts: Sequence[str]) -> 'CdrLayout':
        """A ``string[]``, the same in every message."""
        self._constant(len(texts))
        for text in texts:
            self.string(text)
        return self

    def _constant(self, value: int) -> None:
        self._align(4)
        self._template += value.to_bytes(4, 'little')

    @property
    def _type(self) -> np.dtype[Any]:
        names, formats, offsets = zip(*self._fields, strict=True)
        size = len(self._template)
        return np.dtype({'names': names, 'formats': formats, 'offsets': offsets, 'itemsize': size})

    def encode(self, count: int, **values: ArrayLike) -> list[bytes]:
        """So many messages as bytes; ``values`` holds one row a message for every field."""
        data = bytearray(self._template * count)
        rows = np.ndarray(count, self._type, data)
        for name, value in values.items():
            rows[name] = value
        size = len(self._template)
        return [bytes(data[start : start + size]) for start in range(0, len(data), size)]

    def decode(self, messages: Iterable[bytes]) -> NDArray[Any]:
        """The messages' fields as a structured array.

        Raises:
            CdrError: a message has another length or other strings.
        """
        messages = list(messages)
        size = len(self._template)
        if any(len(message) != size for message in messages):
            raise CdrError(f'expected messages of {size} bytes')
        joined = b''.join(messages)
        data = np.ndarray((len(messages), size), np.uint8, joined)
        fixed = np.ones(size, dtype=bool)
        for name, _, offset in self._fields:
            fixed[offset : offset + self._type[name].itemsize] = False
        if np.any(data[:, fixed] != np.frombuffer(bytes(self._template), np.uint8)[fixed]):
            raise CdrError('the names or array lengths in the messages are not the expected ones')
        return np.ndarray(len(messages), self._type, joined)
