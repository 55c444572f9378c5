"""Thousands of damaged stores through all that reads them: what is left, or one sentence, and nothing is changed."""

import random
import resource
import shutil
import sqlite3
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from damaged_stores import DAMAGE, damaged_copy
from paths import FORMAT_3
from recorded_run import ROUGH_WEATHER, improve_with_model

from llm_policy_improver.cli import resume as resume_module
from llm_policy_improver.cli.main import _bad_input, cli
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.runs.verify import verify

COMMANDS: Sequence[tuple[str, ...]] = (
    ('audit',), ('audit', '--json'), ('prompt', '--run'), ('prompt', '--step', '8', '--run'), ('replay',),
    ('replay', '--json'), ('resume',), ('runs', 'verify'), ('runs', 'verify', '--json'),
)  # fmt: skip
PLOT, PLOTTED = ('plot',), 0.1
"""Takes longer than all others together; so often it is called, too."""
LONGEST_TIME, MOST_MEMORY, LONGEST_MESSAGE = 2.0, 200.0, 300
"""s of computing, MB, characters."""
SEED = 9
KEPT, LOG, UNFINISHED = 'run.format-3.sqlite', 'run.sqlite-wal', 'trials/.writing.mcap'
ROWS_DELETED = 'dropped_rows'
"""The one damage that may leave no trace: the last row of a table, deleted with SQL."""


class WouldPlayError(Exception):
    """A run was to go on."""


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Small sound stores: one with every way a request can end, one that was interrupted, one of an older version."""
    recorded = tmp_path / 'recorded'
    improve_with_model(monkeypatch, recorded, *ROUGH_WEATHER[:5], first=6, steps=3)

    def would_play(*_: Any) -> int:
        raise WouldPlayError

    monkeypatch.setattr(resume_module, 'play', would_play)
    return {
        'recorded': recorded,
        'interrupted': FORMAT_3 / 'interrupted',
        'older': FORMAT_3 / 'language_model',
    }


def content(folder: Path) -> dict[str, bytes]:
    """All that is recorded, and its name; SQLite's own index of a log is none of it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob('*')
        if path.is_file() and path.suffix != '.png' and not path.name.endswith('-shm')
    }


def dump(database: bytes, folder: Path) -> list[str]:
    """All that a database holds, as statements."""
    path = folder / 'dumped.sqlite'
    path.write_bytes(database)
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def records(folder: Path) -> dict[str, str]:
    """All that is read of a store, by what it is; nothing where it cannot be read."""
    try:
        with closing(RunRecords.look(folder)) as run:
            read: dict[str, Sequence[Any]] = {
                'trial': run.trials(),
                'step': run.steps(),
                'exchange': run.exchanges(),
                'audit': run.audits(),
            }
            return {f'{name} {each.number}': repr(each) for name in read for each in read[name]}
    except StoreError:
        return {}


def faults(arguments: tuple[str, ...], folder: Path) -> Iterator[str]:
    """What is wrong with how a command went."""
    begun = time.process_time()  # others may keep the machine busy
    result = CliRunner().invoke(cli, [*arguments, str(folder)])
    took, error = time.process_time() - begun, result.exception
    if error is not None and not isinstance(error, (SystemExit, WouldPlayError, *_bad_input())):
        yield ''.join(traceback.format_exception(error, limit=-4))
    elif isinstance(error, _bad_input()) and (len(str(error)) >= LONGEST_MESSAGE or '\n' in str(error)):
        yield f'{len(str(error))} characters: {str(error)[:400]!r}'
    if any(len(line) >= LONGEST_MESSAGE for line in result.stderr.splitlines()):
        yield f'a long line: {result.stderr[:400]}'
    if took > LONGEST_TIME:
        yield f'{took:.1f} s'


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_damaged_stores_are_read_as_far_as_they_are_sound_and_never_changed(
    stores: dict[str, Path],
    tmp_path: Path,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    cases = pytestconfig.getoption('--damaged-stores')
    draw, folder = random.Random(SEED), tmp_path / 'damaged'
    sound = records(stores['recorded'])
    assert verify(stores['recorded']).sound
    shutil.copytree(stores['recorded'], folder)
    for command in (*COMMANDS, PLOT):  # loads what they need
        list(faults(command, folder))
    noticed: Counter[str] = Counter()
    failures: list[str] = []
    before = peak_mb()
    for case in range(cases):
        name = draw.choice(('recorded', 'recorded', 'recorded', 'interrupted', 'older'))
        done = damaged_copy(draw, stores[name], folder)
        was, where = content(folder), f'case {case}, {name}, {done}'
        commands = [*draw.sample(COMMANDS, 2), *([PLOT] if draw.random() < PLOTTED else [])]
        for command in commands:
            failures += [f'{where}, {" ".join(command)}: {each}' for each in faults(command, folder)]
        try:
            said, found = verify(folder), records(folder)
        except Exception:
            failures.append(f'{where}, read: {traceback.format_exc(limit=-4)}')
            continue
        noticed['noticed' if not said.sound else 'not to be noticed'] += 1
        if name == 'recorded' and not said.unprotected:
            wrong = [each for each, record in found.items() if sound.get(each) != record]
            if wrong:
                failures.append(f'{where}: {wrong} are not what was stored')
            if said.sound and len(found) < len(sound):
                noticed['last rows deleted'] += 1
                if ROWS_DELETED not in done:
                    lost = sorted(sound.keys() - found.keys())
                    failures.append(f'{where}: {lost} are lost, and nobody says so')
        now = content(folder)
        if KEPT in now and dump(now[KEPT], tmp_path) == dump(was['run.sqlite'], tmp_path):
            now['run.sqlite'] = was['run.sqlite']  # one of an older format, rewritten to be resumed, and kept
            del now[KEPT]
        if 'torn_log' in done:  # of no use to anybody: who goes on with a sound database clears it away
            was.pop(LOG, None), now.pop(LOG, None)
        # What a killed writer leaves, and the next one clears away.
        was.pop(UNFINISHED, None), now.pop(UNFINISHED, None)
        changed = sorted(name for name in {*was, *now} if was.get(name) != now.get(name))
        if changed:
            failures.append(f'{where}: {changed} are changed')
    memory = peak_mb() - before
    told = f'{cases} cases, {len(failures)} failures; {dict(noticed)}, {memory:.0f} MB more'
    record_property('damaged stores', told)
    assert not failures, '\n'.join([told, *failures[:20]])
    assert memory < MOST_MEMORY
    assert noticed['noticed'] > 0.5 * cases, f'{len(DAMAGE)} kinds of damage that nobody notices'
