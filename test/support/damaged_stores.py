"""Stored runs damaged at random, as disks, copies and people damage them: bits, lengths, pages, rows, tables, files."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

PAGE: Final = 4096
Damaging = Callable[[random.Random, Path], None]


def damaged_copy(draw: random.Random, source: Path, folder: Path) -> str:
    """Copy a run and damage it; what was done to it."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder)
    done = [draw.choice(DAMAGE) for _ in range(draw.choice((1, 1, 1, 2)))]
    for damage in done:
        damage(draw, folder)
    return ', '.join(damage.__name__ for damage in done)


def _database(folder: Path) -> Path:
    return folder / 'run.sqlite'


def _rewritten(path: Path, change: Callable[[bytearray], object]) -> None:
    if path.exists():
        content = bytearray(path.read_bytes())
        if content:
            change(content)
            path.write_bytes(content)


def bit_flips(draw: random.Random, folder: Path) -> None:
    def change(content: bytearray) -> None:
        for _ in range(draw.choice((1, 1, 2, 10, 100))):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)

    _rewritten(_database(folder), change)


def flip_in_text(draw: random.Random, folder: Path) -> None:
    """In what is stored as JSON, where every bit means something."""

    def change(content: bytearray) -> None:
        places = [at for at in range(0, len(content), 7) if content[at] in b'{}[]",:0123456789']
        for _ in range(draw.choice((1, 1, 3))):
            content[draw.choice(places or [0])] ^= 1 << draw.randrange(7)

    _rewritten(_database(folder), change)


def header(draw: random.Random, folder: Path) -> None:
    def change(content: bytearray) -> None:
        content[draw.randrange(min(100, len(content)))] = draw.randrange(256)

    _rewritten(_database(folder), change)


def truncation(draw: random.Random, folder: Path) -> None:
    def change(content: bytearray) -> None:
        del content[draw.randrange(len(content)) :]

    _rewritten(_database(folder), change)


def torn_page(draw: random.Random, folder: Path) -> None:
    """A page, or the rest of one, is zero, noise, or another page."""

    def change(content: bytearray) -> None:
        pages = max(len(content) // PAGE, 1)
        start = draw.randrange(pages) * PAGE + draw.choice((0, 0, 512, 2048))
        other = draw.randrange(pages) * PAGE
        filling = draw.choice((bytes(PAGE), draw.randbytes(PAGE), bytes(content[other : other + PAGE])))
        end = min((start // PAGE + 1) * PAGE, len(content))
        content[start:end] = filling[: max(end - start, 0)]

    _rewritten(_database(folder), change)


def _execute(folder: Path, *statements: str) -> None:
    """With SQL, as far as the file still takes it."""
    try:
        with closing(sqlite3.connect(_database(folder))) as connection:
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                connection.execute(f'DROP TRIGGER {name}')
            for statement in statements:
                connection.execute(statement)
            connection.commit()
    except (sqlite3.Error, UnicodeDecodeError):  # the latter from names in the schema, damaged before
        return


TABLES: Final = ('run', 'trials', 'steps', 'exchanges', 'audit', 'settings', 'ends')


def dropped_rows(draw: random.Random, folder: Path) -> None:
    table = draw.choice(TABLES)
    _execute(folder, f'DELETE FROM {table} WHERE rowid % {draw.randint(1, 5)} = 0')


def dropped_table(draw: random.Random, folder: Path) -> None:
    _execute(folder, f'DROP TABLE {draw.choice(TABLES)}')


def changed_values(draw: random.Random, folder: Path) -> None:
    """Values, types and numbers of rows are others."""
    columns = {
        'run': ('description', 'created_at'),
        'trials': ('policy', 'measures', 'version', 'outcome', 'samples', 'trial'),
        'steps': ('policy', 'proposal', 'findings', 'in_vain', 'version', 'recorded_at', 'seed', 'objective', 'step'),
        'exchanges': ('messages', 'reply', 'step', 'ending'), 'audit': ('verdicts', 'decision', 'proposal', 'step'),
        'settings': ('content', 'first_step'), 'ends': ('state', 'settings'),
    }  # fmt: skip
    table = draw.choice(TABLES)
    value = draw.choice((
        "''", "'[]'", "'{}'", 'NULL', '7', '-1', '1e300', "x'ff00'", "'" + '[' * 20_000 + "'", "'null'",
        "'" + '9' * 5000 + "'", "'{\"a\": NaN}'", "'../../../etc/passwd'", '9223372036854775807',
    ))  # fmt: skip
    _execute(
        folder, 'PRAGMA ignore_check_constraints = ON', 'PRAGMA foreign_keys = OFF',
        f'UPDATE OR REPLACE {table} SET {draw.choice(columns[table])} = {value} WHERE rowid % {draw.randint(1, 3)} = 0',
    )  # fmt: skip


def changed_schema(draw: random.Random, folder: Path) -> None:
    table = draw.choice(TABLES)
    _execute(
        folder,
        draw.choice((
            f'ALTER TABLE {table} RENAME TO other', f'ALTER TABLE {table} ADD COLUMN more TEXT',
            'PRAGMA user_version = 99', 'PRAGMA user_version = 1', 'PRAGMA user_version = 4',
            'PRAGMA application_id = 7',
            f'CREATE VIEW more AS SELECT * FROM {table}',
        )),
    )  # fmt: skip


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / 'trials').glob('*') if path.is_file())


def swapped_files(draw: random.Random, folder: Path) -> None:
    files = _files(folder)
    if len(files) > 1:
        one, other = draw.sample(files, 2)
        content = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(content)


def damaged_file(draw: random.Random, folder: Path) -> None:
    def change(content: bytearray) -> None:
        if draw.random() < 0.3:
            del content[draw.randrange(len(content)) :]
        else:
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)

    files = _files(folder)
    if files:
        _rewritten(draw.choice(files), change)


def lost_or_strange_file(draw: random.Random, folder: Path) -> None:
    files = _files(folder)
    if files and draw.random() < 0.5:
        draw.choice(files).unlink()
    else:
        (folder / 'trials').mkdir(exist_ok=True)
        (folder / 'trials' / draw.choice(('0099.mcap', 'notes.txt', '.writing.mcap'))).write_bytes(b'x')


def torn_log(draw: random.Random, folder: Path) -> None:
    """A log of the last writes is left behind, and none of this database."""
    (folder / 'run.sqlite-wal').write_bytes(draw.choice((b'', b'\x37\x7f\x06\x82', draw.randbytes(5000))))


DAMAGE: Final[tuple[Damaging, ...]] = (
    bit_flips, bit_flips, flip_in_text, flip_in_text, flip_in_text, header, truncation, torn_page, torn_page,
    dropped_rows, dropped_table, changed_values, changed_values, changed_schema, swapped_files, damaged_file,
    lost_or_strange_file, torn_log,
)  # fmt: skip
