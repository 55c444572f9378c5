"""Cells: the independent parts of an experiment, each kept in a file of its own.

Whoever runs a cell, on whichever machine, writes the same file: a file that is there is never written again, and one
that a crash cut short is never there, as it gets its name when it is whole.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from llm_policy_improver.core.limited_json import parse_json
from llm_policy_improver.experiments.rows import (
    ExperimentError,
    Key,
    Row,
    RowFile,
    in_order,
    open_folder,
    write_once,
)
from llm_policy_improver.report.progress import without_nan

CELLS: Final = 'cells'
"""Folder of an experiment's cells, in its own."""
EARLIER: Final = 'rows.jsonl'
"""Where earlier versions kept all rows."""

_SUFFIX: Final = '.json'
_PLAIN: Final = re.compile(r'([a-z0-9._]+(-[a-z0-9._]+)*)?')
"""What a part of a key is that the name of a file holds as it is, also on a disk that tells no a from an A."""

T = TypeVar('T')


@dataclass(frozen=True, slots=True)
class Cell:
    """One part of an experiment.

    Attributes:
        key: tells it from all others; words and numbers.
        make: computes its row; it must be possible to pickle it, unless it runs in this process.
        shared: what it has in common with the cells beside it that costs more than they do, e.g. a seed's trials: one
            worker computes them all. Empty: nothing.
    """

    key: Key
    make: Callable[[], Row]
    shared: Key = ()

    @property
    def name(self) -> str:
        """Of its file, without the suffix."""
        return cell_name(self.key)


def cell_name(key: Key) -> str:
    """A key as the name of a file: of each key another one, by a hash where a part is not plain."""
    name = _former_name(key)
    if all(_PLAIN.fullmatch(str(part)) for part in key):
        return name
    return f'{name}--{hashlib.sha256(chr(0).join(map(str, key)).encode()).hexdigest()[:10]}'


def _former_name(key: Key) -> str:
    """As earlier versions named the file, the same for ``a:b`` and ``a-b``."""
    return '--'.join(''.join(c if c.isalnum() or c in '._' else '-' for c in str(part)) for part in key)


def _by_chance(key: Key) -> bytes:
    """What puts keys into an order that has nothing to do with theirs, the same on all machines."""
    return hashlib.sha256(cell_name(key).encode()).digest()


@dataclass(frozen=True, slots=True)
class Shard:
    """Some of the cells, for several machines that share a folder, or for the jobs of an array.

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
            raise ExperimentError(f'a shard is one of its count, e.g. 2/8; got {self.index}/{self.count}')

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

    def share(self, parts: Sequence[T], key: Callable[[T], Key]) -> list[T]:
        """Every ``count``-th one, from ``index`` on, in an order by chance; those of the same key stay together.

        In their own order, which has periods, all seeds of one method might come to the same shard.
        """
        keys = sorted({key(part) for part in parts}, key=_by_chance)
        mine = set(keys[self.index - 1 :: self.count])
        return [part for part in parts if key(part) in mine]


class CellFolder:
    """The files of an experiment's cells.

    Args:
        folder: where they are, or will be.
        columns: of a row that make up the key of its cell; a key may have more parts, where a row of the usual kind has
            none for them.
    """

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        self.folder = folder
        self._columns = tuple(columns)

    def path(self, key: Key) -> Path:
        """The file of a cell; one that an earlier version named, where that is there and holds the cell's row.

        Raises:
            ExperimentError: such a file is no row.
        """
        path, former = (self.folder / (name + _SUFFIX) for name in (cell_name(key), _former_name(key)))
        if former != path and not path.exists() and former.exists():
            columns = self.key(self._read(former))
            return former if columns == key[: len(columns)] else path
        return path

    def missing(self, cells: Iterable[Cell]) -> list[Cell]:
        """The cells whose files are not there.

        Raises:
            ExperimentError: a file is no row.
        """
        return [cell for cell in cells if not self.path(cell.key).exists()]

    def keep(self, key: Key, row: Mapping[str, Any]) -> None:
        """Write a cell's row; on disk once this returns. A file that is there stays as it is.

        Raises:
            ExperimentError: it cannot be written.
        """
        path = self.path(key)
        text = json.dumps(without_nan(dict(row)), allow_nan=False) + '\n'
        try:
            write_once(path, text)
        except OSError as error:
            raise ExperimentError(
                f'the row of {path.stem} cannot be kept in {self.folder} ({type(error).__name__}): '
                'name another folder with --output'
            ) from None

    def key(self, row: Mapping[str, Any]) -> Key:
        """The key of a row's cell."""
        return tuple(row[name] for name in self._columns)

    def row_or_made(self, cell: Cell) -> Row:
        """The row of a cell: the one that another process has kept by now, else a new one.

        Raises:
            ExperimentError: the file is no row.
        """
        return self.row(cell.key) if self.path(cell.key).exists() else cell.make()

    def row(self, key: Key) -> Row:
        """The row of a cell that is there.

        Raises:
            ExperimentError: its file is no row.
        """
        return self._read(self.path(key))

    def rows(self) -> list[Row]:
        """All rows that are there, in the order of their keys: the same whoever computed them, and when.

        Raises:
            ExperimentError: a file is no row.
        """
        found = [(self._read(path), path.stem) for path in self.folder.glob('[!.]*' + _SUFFIX)]
        return [row for row, _ in sorted(found, key=lambda one: (in_order(self.key(one[0])), one[1]))]

    def take_over(self, path: Path) -> None:
        """Keep the rows of an earlier version's file, where there is one, as cells; the file stays.

        Raises:
            ExperimentError: it holds something else, or a row cannot be kept.
        """
        if path.exists():
            for row in RowFile(path, self._columns).rows:
                if not self.path(self.key(row)).exists():
                    self.keep(self.key(row), row)

    def _read(self, path: Path) -> Row:
        try:
            row: Row = parse_json(path.read_text(encoding='utf-8'))
            self.key(row)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ExperimentError(
                f'{path} is no row of this experiment ({type(error).__name__}): remove it, and the same command '
                f'takes the row from {EARLIER}, where that has it, or computes it again'
            ) from None
        return row


def open_cells(folder: Path, settings: Mapping[str, Any], columns: Sequence[str]) -> CellFolder:
    """The cells of an experiment, those of an earlier version of this package taken over.

    Args:
        folder: of the experiment; made where it is not there.
        settings: all that changes what a row means; plain data.
        columns: of a row that make up the key of its cell.

    Raises:
        ExperimentError: the folder holds rows of other settings, or cannot be used.
    """
    open_folder(folder, settings)
    cells = CellFolder(folder / CELLS, columns)
    cells.take_over(folder / EARLIER)
    return cells
