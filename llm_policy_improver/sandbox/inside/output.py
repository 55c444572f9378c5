"""What a program prints: written through to a file of limited size that the parent holds, the rest dropped."""

import io
import os


class Output(io.TextIOBase):
    """A text stream that never fails: what no longer fits is lost."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._full = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return 'utf-8'

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        data = text.encode('utf-8', 'replace')
        while data and not self._full:
            try:
                data = data[os.write(self._descriptor, data) :]
            except OSError:
                self._full = True
        return len(text)
