"""Blocks of simulated trials in a folder that all who need them share, until the prior is made of them.

A block is a file that appears whole, and a mark beside it tells that it was begun. No process waits for another one:
whoever is killed costs the block that it was at. The files hold plain data, so that one that is damaged can only fail.
"""

import json
import tempfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from llm_policy_improver.core.limited_json import parse_json
from llm_policy_improver.core.trial import Trial

Played = tuple[Trial, Trial | None]
"""A trial, and the same in another cell, where it was played there."""
Block = tuple[Played, ...]


@dataclass(frozen=True, slots=True)
class PlayedBlocks:
    """What is there of the blocks.

    Attributes:
        folder: theirs.
        sizes: the number of trials of each, without those that are played again.
    """

    folder: Path
    sizes: Sequence[int]

    def prepare(self) -> None:
        """Make the folder, and let go of blocks that cannot be read.

        Raises:
            OSError: it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self.folder):
            pass  # a folder that is there may still be one that cannot be written
        for number in range(len(self.sizes)):
            if self._file(number).exists() and self.read(number) is None:
                self._file(number).unlink(missing_ok=True)

    def missing(self) -> list[int]:
        """The numbers of those that are not there."""
        return [number for number in range(len(self.sizes)) if not self._file(number).exists()]

    def take(self) -> int | None:
        """Begin a block that is missing; its number, or None where none is, or the folder is gone.

        Those that nobody has begun come first, then the one that was begun the longest ago: the process that was at it
        may be dead.

        Raises:
            OSError: the folder cannot be written.
        """
        missing = self.missing()
        try:
            for number in missing:
                with suppress(FileExistsError):
                    self._mark(number).touch(exist_ok=False)
                    return number
            if missing:
                number = min(missing, key=lambda each: self._mark(each).stat().st_mtime_ns)
                self._mark(number).touch()
                return number
        except FileNotFoundError:
            pass  # the prior is made, and the folder removed
        return None

    def keep(self, number: int, block: Block) -> None:
        """Store a block; where the folder is gone, nobody needs it.

        Raises:
            OSError: the folder cannot be written.
        """
        content = zlib.compress(json.dumps(_adapter().dump_python(block, mode='json')).encode())
        with suppress(FileNotFoundError):
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as part:
                part.write(content)
            Path(part.name).replace(self._file(number))

    def read(self, number: int) -> Block | None:
        """A block as it was kept, float for float; None where it is not there, or damaged."""
        try:
            text = zlib.decompress(self._file(number).read_bytes())  # it holds a checksum
            block: Block = _adapter().validate_python(parse_json(text))
        except (OSError, zlib.error, ValueError):
            return None
        return block if len(block) == self.sizes[number] else None

    def remove(self) -> None:
        """Let go of all; processes that are still at a block begin no other."""
        if not self.folder.exists():
            return
        with (
            suppress(OSError),
            tempfile.TemporaryDirectory(dir=self.folder.parent, ignore_cleanup_errors=True) as removed,
        ):
            # For them it goes at once: while it is emptied, blocks would seem to be missing.
            self.folder.replace(Path(removed) / self.folder.name)

    def _file(self, number: int) -> Path:
        return self.folder / f'{number:04}.json.z'

    def _mark(self, number: int) -> Path:
        return self.folder / f'{number:04}.begun'


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter  # it takes long to load

    return TypeAdapter(Block)
