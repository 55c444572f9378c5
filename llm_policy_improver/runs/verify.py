"""A stored run looked through: what of it is as it was stored, what is damaged, and what has lost its partner."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from llm_policy_improver.core.shortened import LONGEST_PLACE, shortened
from llm_policy_improver.runs import episode_files
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.runs.store_reading import Damage, record_name
from llm_policy_improver.runs.store_schema import DATABASE, TRIALS

_PARTNERS: Final = (
    ('exchanges', 'step', 'steps'), ('audit', 'step', 'steps'), ('ends', 'settings', 'settings'),
)  # fmt: skip
"""Table, its column and the table whose number that names."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a run's folder holds.

    Attributes:
        folder: of the run.
        trials: how many are sound.
        damaged: what is no longer as it was stored.
        orphans: what refers to nothing, or is referred to by nothing, though something should be there.
        unprotected: whether an older version recorded rows of it without checksums: their values are taken as they are.
    """

    folder: Path
    trials: int
    damaged: tuple[Damage, ...]
    orphans: tuple[Damage, ...]
    unprotected: bool = False

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.damaged or self.orphans)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""

        def told(found: tuple[Damage, ...]) -> list[dict[str, str]]:
            return [{'run': str(self.folder), 'record': each.record, 'reason': each.reason} for each in found]

        return {'trials': self.trials, 'damaged': told(self.damaged), 'orphans': told(self.orphans)}


def verify(folder: Path) -> Verification:
    """Look through a run; nothing is changed."""
    try:
        with closing(RunRecords.look(folder)) as run:
            return _verified(run)
    except StoreError as error:
        return Verification(folder, 0, (Damage(DATABASE, f'cannot be read: {error}'),), ())


def _verified(run: RunRecords) -> Verification:
    rows = {table: run.rows(table) for table in ('trials', 'steps', 'exchanges', 'audit', 'settings', 'ends')}
    damaged = [*run.damage, *run.database_damage]
    kept_out = {each.record for each in damaged}
    files = _files(run)
    lost = any(each.record.startswith(('trial', 'table trials')) for each in damaged)
    orphans = [
        *_without_partner(rows, kept_out),
        *([] if lost else _not_played(rows)),
        *_not_named(files, rows['trials'], kept_out),
    ]
    for number, row in rows['trials'].items():
        record = record_name('trials', number)
        if row['samples'] not in files:
            orphans.append(Damage(record, f'has no file: {shortened(str(row["samples"]), 60)} is not there'))
        elif (reason := _unreadable(run, number, row)) is not None:
            damaged.append(Damage(record, f'has another file than was stored: {reason}'))
    return Verification(run.folder, len(rows['trials']), tuple(damaged), tuple(orphans), not run.protected)


def _without_partner(rows: Mapping[str, Mapping[int, sqlite3.Row]], kept_out: set[str]) -> Iterator[Damage]:
    """Rows that belong to one that is not there; where that is damaged, it is named as such."""
    for table, column, partners in _PARTNERS:
        for number, row in rows[table].items():
            partner = row[column]
            if partner is not None and partner not in rows[partners]:
                wanted = record_name(partners, partner)
                if wanted not in kept_out:
                    yield Damage(record_name(table, number), f'belongs to {wanted}, which is not there')


def _not_played(rows: Mapping[str, Mapping[int, sqlite3.Row]]) -> Iterator[Damage]:
    """Steps that were followed by others of the same run, though there is no trial of their version."""
    begun = {row['first_step'] for row in rows['settings'].values()}
    versions = {row['version'] for row in rows['trials'].values()}
    for number, row in rows['steps'].items():
        following = rows['steps'].get(number + 1)
        if (
            following is not None
            and number + 1 not in begun
            and following['objective'] == row['objective']
            and row['version'] not in versions
        ):
            yield Damage(record_name('steps', number), 'was followed by another, and has no trial')


def _files(run: RunRecords) -> list[str]:
    """Of all trials, as their rows name them."""
    folder = run.folder / TRIALS
    return sorted(f'{TRIALS}/{path.name}' for path in folder.iterdir()) if folder.is_dir() else []


def _not_named(
    files: Iterable[str], trials: Mapping[int, sqlite3.Row], kept_out: set[str]
) -> Iterator[Damage]:
    """Files of trials that no trial names; not those of trials that are damaged themselves."""
    names = {row['samples'] for row in trials.values()}
    for file in files:
        number = Path(file).name.partition('.')[0]
        lost = number.isdecimal() and record_name('trials', int(number)) in kept_out
        if file not in names and not lost:
            yield Damage(shortened(file, LONGEST_PLACE), 'is named by no trial')


def _unreadable(run: RunRecords, number: int, row: sqlite3.Row) -> str | None:
    """Why the samples of a trial are not what was stored; None where they are."""
    try:
        if str(row['samples']).endswith(episode_files.SUFFIX):
            run.episodes(number)
        else:
            run.samples(number)
    except StoreError as error:
        return shortened(str(error.__cause__ or error), 160)
    return None
