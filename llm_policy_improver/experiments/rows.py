"""Rows of an experiment: the file of JSON lines that conversations are kept in, and the settings of a folder."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from llm_policy_improver.core.limited_json import parse_json
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

    Raises:
        ExperimentError: the file cannot be read, or holds something else than rows with these columns.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self.path = path
        self.names = tuple(names)
        self._rows: dict[Key, Row] = {}
        if path.exists():
            self._read()

    def key(self, row: Mapping[str, Any]) -> Key:
        """The key of a row."""
        return tuple(row[name] for name in self.names)

    @property
    def rows(self) -> list[Row]:
        """All rows, in the order of their keys."""
        return [self._rows[key] for key in sorted(self._rows, key=in_order)]

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
            if len(whole) < len(content):
                os.truncate(self.path, len(whole))
        except OSError as error:
            raise ExperimentError(
                f'{self.path} cannot be used ({type(error).__name__}): name another folder with --output'
            ) from None
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                row = parse_json(line)
                self._rows.setdefault(self.key(row), row)
            except (ValueError, KeyError, TypeError):
                raise ExperimentError(
                    f'{self.path}, line {number}: this is no row of this experiment with '
                    f'{", ".join(self.names)}; remove the line, or name another folder with --output'
                ) from None


def in_order(key: Key) -> tuple[tuple[bool, float, str], ...]:
    """What keys are sorted by: numbers by their size, texts by the alphabet."""
    return tuple(
        (False, float(value), '') if isinstance(value, int | float) else (True, 0.0, str(value))
        for value in key
    )


def require_rows(folder: Path, rows: Sequence[Row]) -> None:
    """Raise `ExperimentError` where a folder holds nothing that could be reported on."""
    if not rows:
        raise ExperimentError(f'{folder} holds no rows yet: run a shard that has cells first')


def write_once(path: Path, text: str) -> None:
    """Write a file, unless it is there; whole and on disk once this returns, and never there in part.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of a name that no other machine draws, and with the usual rights: others who share the folder read it, too.
    written = path.with_name(f'.{path.name}.{uuid4().hex}.part')
    try:
        with written.open('x', encoding='utf-8') as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(written, path)
        except FileExistsError:
            pass
        except OSError:  # no links there, as on some shares: whoever writes at the same instant may overwrite
            if not path.exists():
                written.replace(path)
    finally:
        written.unlink(missing_ok=True)


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
        write_once(path, json.dumps(wanted, indent=1) + '\n')
        found = parse_json(path.read_text(encoding='utf-8'))
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
