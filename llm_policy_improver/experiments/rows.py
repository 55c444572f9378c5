"""The rows of an experiment on disk: each is kept as soon as it is known, and none is computed twice."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.report.progress import without_nan

Row = dict[str, Any]
Key = tuple[Any, ...]
"""The values that tell one row of an experiment from all others."""

SETTINGS: Final = 'settings.json'


class ExperimentError(ValueError):
    """An experiment cannot run as it was asked for, or in this folder; the message is one clear sentence."""


class RowFile:
    """A JSON Lines file of rows, each found by its key. Rows are only ever added.

    A crash may tear the last line; what is torn was never a row, and is dropped when the file is read again.

    Args:
        path: of the file; made, with its folder, by the first row.
        names: the columns that make up the key.

    Attributes:
        dropped: whether a torn last line was dropped.

    Raises:
        ExperimentError: the file cannot be read, or holds something else than rows with these columns.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self.path = path
        self.names = tuple(names)
        self.dropped = False
        self._rows: dict[Key, Row] = {}
        if path.exists():
            self._read()

    def key(self, row: Mapping[str, Any]) -> Key:
        """The key of a row."""
        return tuple(row[name] for name in self.names)

    def __contains__(self, key: Key) -> bool:
        return key in self._rows

    def __getitem__(self, key: Key) -> Row:
        return self._rows[key]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> list[Row]:
        """All rows, in the order of their keys: the same however many processes made them."""
        return [self._rows[key] for key in sorted(self._rows, key=_order)]

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep a row; on disk once this returns. A row of the same key stays as it is.

        Raises:
            OSError: it cannot be written.
        """
        kept = without_nan(dict(row))
        key = self.key(kept)
        if key in self._rows:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open('a', encoding='utf-8') as file:
            file.write(json.dumps(kept, allow_nan=False) + '\n')
            file.flush()
            os.fsync(file.fileno())
        self._rows[key] = kept

    def _read(self) -> None:
        try:
            content = self.path.read_bytes()
            whole = content[: content.rfind(b'\n') + 1]
            self.dropped = len(whole) < len(content)
            if self.dropped:
                os.truncate(self.path, len(whole))
        except OSError as error:
            raise ExperimentError(
                f'{self.path} cannot be used ({type(error).__name__}): name another folder with --output'
            ) from None
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                row = json.loads(line)
                self._rows.setdefault(self.key(row), row)
            except (ValueError, KeyError, TypeError):
                raise ExperimentError(
                    f'{self.path}, line {number}: this is no row of this experiment with '
                    f'{", ".join(self.names)}; remove the line, or name another folder with --output'
                ) from None


def _order(key: Key) -> tuple[tuple[bool, float, str], ...]:
    # Numbers by their size, texts by the alphabet.
    return tuple(
        (False, float(value), '') if isinstance(value, int | float) else (True, 0.0, str(value))
        for value in key
    )


def open_folder(folder: Path, settings: Mapping[str, Any]) -> None:
    """Make the folder of an experiment, or check that it was made for the same settings.

    Args:
        folder: where the rows are, or will be.
        settings: all that changes what a row means; plain data.

    Raises:
        ExperimentError: the folder holds rows of other settings, or cannot be used.
    """
    path = folder / SETTINGS
    wanted = json.loads(json.dumps(settings))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(json.dumps(wanted, indent=1) + '\n', encoding='utf-8')
            return
        found = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise ExperimentError(
            f'the folder {folder} cannot be used ({type(error).__name__} at {SETTINGS}): '
            'name another one with --output'
        ) from None
    if found != wanted:
        names = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
        differences = ', '.join(
            f'{name} {found.get(name)!r} there, {wanted.get(name)!r} now' for name in names
        )
        raise ExperimentError(
            f'{folder} holds rows of other settings ({differences}): name another folder with --output, '
            'or ask for the same settings again'
        )
