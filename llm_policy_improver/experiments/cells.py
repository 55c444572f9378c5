"""Cells: the independent parts of an experiment, each kept in a file of its own.

Whoever runs a cell, on whichever machine, writes the same file: a file that is there is never written again, and one
that a crash cut short is never there, as it gets its name when it is whole.
"""

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.experiments.rows import ExperimentError, Row
from llm_policy_improver.report.progress import without_nan

_SUFFIX: Final = '.json'


@dataclass(frozen=True, slots=True)
class Cell:
    """One part of an experiment.

    Attributes:
        key: tells it from all others; words and numbers.
        make: computes its row; it must be possible to pickle it, unless it runs in this process.
    """

    key: tuple[str | int, ...]
    make: Callable[[], Row]

    @property
    def name(self) -> str:
        """Of its file, without the suffix."""
        return '--'.join(''.join(c if c.isalnum() or c in '._' else '-' for c in str(part)) for part in self.key)


@dataclass(frozen=True, slots=True)
class Shard:
    """Some of the cells, for several machines that share a folder, or the jobs of an array.

    Attributes:
        index: from 1 to ``count``.
        count: of shards.

    Raises:
        ExperimentError: the index is none of these.
    """

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise ExperimentError(
                f'a shard is one of its count, e.g. 2/8; got {self.index}/{self.count}'
            )

    @classmethod
    def of(cls, text: str) -> 'Shard':
        """Of ``'2/8'``.

        Raises:
            ExperimentError: it is not of that form.
        """
        index, slash, count = text.partition('/')
        if not (slash and index.isdecimal() and count.isdecimal()):
            raise ExperimentError(f'--shard takes one of its count, e.g. 2/8; got {text!r}')
        return cls(int(index), int(count))

    def share(self, cells: Sequence[Cell]) -> list[Cell]:
        """Every ``count``-th cell, from ``index`` on."""
        return list(cells[self.index - 1 :: self.count])


class CellFolder:
    """The files of an experiment's cells.

    Args:
        folder: where they are, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, cell: Cell) -> Path:
        """The file of a cell."""
        return self.folder / (cell.name + _SUFFIX)

    def missing(self, cells: Iterable[Cell]) -> list[Cell]:
        """The cells whose files are not there."""
        return [cell for cell in cells if not self.path(cell).exists()]

    def keep(self, cell: Cell, row: Mapping[str, Any]) -> None:
        """Write a cell's row; on disk once this returns. A file that is there stays as it is.

        Raises:
            ExperimentError: it cannot be written.
        """
        path = self.path(cell)
        text = json.dumps(without_nan(dict(row)), allow_nan=False) + '\n'
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, written = tempfile.mkstemp(dir=self.folder, prefix='.', suffix='.part')
            try:
                with os.fdopen(handle, 'w', encoding='utf-8') as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                if not path.exists():
                    Path(written).replace(path)
            finally:
                Path(written).unlink(missing_ok=True)
        except OSError as error:
            raise ExperimentError(
                f'the row of {cell.name} cannot be kept in {self.folder} ({type(error).__name__}): '
                'name another folder with --output'
            ) from None

    def rows(self) -> list[Row]:
        """All rows that are there, in the order of the files' names.

        Raises:
            ExperimentError: a file is no row.
        """
        rows = []
        for path in sorted(self.folder.glob('[!.]*' + _SUFFIX)):
            try:
                row = json.loads(path.read_text(encoding='utf-8'))
            except (OSError, ValueError) as error:
                raise ExperimentError(
                    f'{path} is no row of an experiment ({type(error).__name__}): remove it, and run the command again'
                ) from None
            rows.append(row)
        return rows
