"""Cells: each a file of its own, whoever computes it, and never half there."""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from llm_policy_improver.experiments.cells import Cell, CellFolder, Shard, open_cells
from llm_policy_improver.experiments.executors import Executor, run_cells, serial
from llm_policy_improver.experiments.processes import Processes
from llm_policy_improver.experiments.rows import ExperimentError, Key, Row, RowFile, write_once
from llm_policy_improver.experiments.side_by_side import SideBySide, converse

COLUMNS = ('name', 'number')


def square(number: int) -> Row:
    return {'name': 'square', 'number': number, 'square': number**2}


def cells(count: int = 6) -> list[Cell]:
    return [Cell(('square', number), partial(square, number)) for number in range(count)]


def quiet(name: str, done: int, total: int) -> None:
    pass


ALL = Shard()


def key_of(cell: Cell) -> Key:
    return cell.key


def run(folder: Path, what: list[Cell], executor: Executor = serial, shard: Shard = ALL) -> CellFolder:
    kept = CellFolder(folder, COLUMNS)
    run_cells('squares', shard.share(what, key_of), kept, executor, quiet)
    return kept


@pytest.mark.parametrize(
    'executor', [serial, Processes(2), SideBySide(3)], ids=['serial', 'processes', 'threads']
)
def test_rows_are_the_same_whoever_computes_them(tmp_path: Path, executor: Executor) -> None:
    run(tmp_path / 'here', cells(), executor)
    run(tmp_path / 'serial', cells())
    files = sorted(path.name for path in (tmp_path / 'serial').iterdir())
    assert len(files) == 6
    for name in files:
        assert (tmp_path / 'here' / name).read_bytes() == (tmp_path / 'serial' / name).read_bytes()


def test_cell_that_is_there_is_not_computed_again(tmp_path: Path) -> None:
    run(tmp_path, cells(3))
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    def never() -> Row:
        raise AssertionError('computed again')

    again = [Cell(cell.key, never) for cell in cells(3)]
    assert len(run(tmp_path, again).rows()) == 3
    assert stamps == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}


def test_shards_share_the_cells_out_and_together_are_all(tmp_path: Path) -> None:
    for index in (1, 2, 3):
        before = len(CellFolder(tmp_path, COLUMNS).rows())
        run(tmp_path, cells(7), shard=Shard(index, 3))
        assert len(CellFolder(tmp_path, COLUMNS).rows()) - before == len(range(index - 1, 7, 3))
    assert [row['number'] for row in CellFolder(tmp_path, COLUMNS).rows()] == list(range(7))


def test_shards_are_fair_samples_whatever_the_order_of_the_cells_is() -> None:
    methods = [(method, seed) for seed in range(12) for method in ('a', 'b', 'c')]
    shares = [Shard(index, 3).share(methods, lambda part: part) for index in (1, 2, 3)]
    assert [len(share) for share in shares] == [12, 12, 12]
    assert sorted(part for share in shares for part in share) == sorted(methods)
    assert all({method for method, _ in share} == {'a', 'b', 'c'} for share in shares)
    for share, index in zip(shares, (1, 2, 3), strict=True):
        assert Shard(index, 3).share(methods[::-1], lambda part: part) == share[::-1]


def test_what_has_the_same_key_stays_in_one_shard() -> None:
    parts = [(seed, part) for part in range(3) for seed in range(5)]
    for index in (1, 2):
        share = Shard(index, 2).share(parts, lambda part: part[:1])
        assert len(share) == 3 * len({seed for seed, _ in share}) > 0


@pytest.mark.parametrize('text', ['0/2', '3/2', '2', 'a/b', '1/0', '-1/2', ''])
def test_shard_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ExperimentError, match=r'one of its count, e\.g\. 2/8'):
        Shard.of(text)


def test_first_result_stays_where_two_compute_the_same_cell(tmp_path: Path) -> None:
    kept = CellFolder(tmp_path, COLUMNS)
    kept.keep(('square', 0), {**square(0), 'by': 'one'})
    kept.keep(('square', 0), {**square(0), 'by': 'another'})
    assert kept.rows() == [{**square(0), 'by': 'one'}]
    assert [path.name for path in tmp_path.iterdir()] == ['square--0.json']


@pytest.mark.parametrize('links', [True, False])
def test_file_that_comes_in_between_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    path = tmp_path / 'row.json'

    def refuse(*paths: Path) -> None:
        raise PermissionError('no links on this disk')

    with monkeypatch.context() as patch:
        if not links:
            patch.setattr(os, 'link', refuse)
        write_once(tmp_path / 'other.json', 'other')
        patch.setattr(os, 'fsync', lambda number: path.write_text('first'))
        write_once(path, 'second')
    assert {found.name: found.read_text() for found in tmp_path.iterdir()} == {
        'row.json': 'first', 'other.json': 'other',
    }  # fmt: skip


def test_fault_in_one_cell_leaves_the_others_kept(tmp_path: Path) -> None:
    def broken() -> Row:
        raise ExperimentError('broken')

    with pytest.raises(ExperimentError, match='broken'):
        run(tmp_path, [*cells(2), Cell(('broken',), broken)])
    assert len(CellFolder(tmp_path, COLUMNS).rows()) == 2


def test_conversation_that_another_process_had_meanwhile_is_not_had_again(tmp_path: Path) -> None:
    kept = CellFolder(tmp_path, COLUMNS)

    def talk(number: int) -> Row:
        kept.keep(('square', 1), {**square(1), 'by': 'another'})
        return square(number)

    talks = [Cell(('square', number), partial(talk, number)) for number in range(2)]
    converse('squares', talks, kept, quiet)
    assert kept.rows() == [square(0), {**square(1), 'by': 'another'}]


@pytest.mark.parametrize('text', ['{"number": ', '{"number": 3}', '[3]', ''])
def test_file_that_is_no_row_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / 'torn.json').write_text(text)
    with pytest.raises(ExperimentError, match=r'torn\.json is no row of this experiment'):
        CellFolder(tmp_path, COLUMNS).rows()


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(ExperimentError, match=r'cannot be kept in .*name another folder with --output'):
        CellFolder(tmp_path / 'file', COLUMNS).keep(('square', 0), square(0))


def test_keys_with_any_characters_are_files(tmp_path: Path) -> None:
    cell = Cell(('a/b: c', 3), partial(dict, name='a/b: c', number=3))
    kept = run(tmp_path, [cell])
    (path,) = tmp_path.iterdir()
    assert path.name.startswith('a-b--c--3--')
    assert kept.missing([cell]) == []
    assert kept.row(cell.key) == {'name': 'a/b: c', 'number': 3}


ALIKE = ('llama3-8b', 'llama3:8b', 'Llama3-8b', 'llama3:8B', '-llama3-8b', 'llama3--8b')


def named(name: str, number: int = 0) -> Row:
    return {'name': name, 'number': number}


def test_names_that_are_alike_have_files_of_their_own_on_any_disk(tmp_path: Path) -> None:
    assert len({Cell((name, 0), dict).name.lower() for name in ALIKE}) == len(ALIKE)
    assert Cell((ALIKE[0], 0), dict).name == 'llama3-8b--0'
    kept = run(tmp_path, [Cell((name, 0), partial(named, name)) for name in ALIKE])
    assert {row['name'] for row in kept.rows()} == set(ALIKE)
    assert len({Cell(key, dict).name for key in (('a-', 'b'), ('a', '-b'), ('a', '', 'b'))}) == 3


def test_file_with_the_name_of_an_earlier_version_counts_for_the_key_of_its_row(tmp_path: Path) -> None:
    (tmp_path / 'llama3-8b--0.json').write_text(json.dumps({**named('llama3:8b'), 'by': 'it'}))
    cells = [Cell((name, 0), partial(named, name)) for name in ('llama3:8b', 'llama3/8b')]
    kept = CellFolder(tmp_path, COLUMNS)
    assert kept.missing(cells) == cells[1:]
    run(tmp_path, cells)
    assert kept.row(cells[0].key) == {**named('llama3:8b'), 'by': 'it'}
    assert [row['name'] for row in kept.rows()] == ['llama3/8b', 'llama3:8b']


def test_rows_of_an_earlier_version_that_are_alike_are_all_taken_over(tmp_path: Path) -> None:
    earlier = RowFile(tmp_path / 'rows.jsonl', COLUMNS)
    for name in ALIKE:
        earlier.add(named(name))
    assert {row['name'] for row in open_cells(tmp_path, {}, COLUMNS).rows()} == set(ALIKE)


def test_rows_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    assert [row['number'] for row in run(tmp_path, cells(12)[::-1]).rows()] == list(range(12))


def test_rows_of_an_earlier_version_are_taken_over(tmp_path: Path) -> None:
    earlier = RowFile(tmp_path / 'rows.jsonl', COLUMNS)
    for number in (10, 2):
        earlier.add({**square(number), 'by': 'it', 'third': 1 / 3})
    with (tmp_path / 'rows.jsonl').open('a') as file:
        file.write('{"name": "squ')  # torn by a crash
    for _ in range(2):
        kept = open_cells(tmp_path, {'experiment': 'squares'}, COLUMNS)
        run_cells('squares', cells(4), kept, serial, quiet)
    assert [(row['number'], 'by' in row) for row in kept.rows()] == [
        (0, False),
        (1, False),
        (2, True),
        (3, False),
        (10, True),
    ]
    assert kept.row(('square', 2)) == {**square(2), 'by': 'it', 'third': 1 / 3}


def test_file_of_an_earlier_version_that_is_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / 'rows.jsonl').write_text('{"a": 1}\n')
    with pytest.raises(ExperimentError, match=r'rows\.jsonl, line 1: this is no row of this experiment'):
        open_cells(tmp_path, {'experiment': 'squares'}, COLUMNS)


def begin(folder: Path) -> None:
    open_cells(folder, {'experiment': 'squares', 'note': 'x' * 100_000}, COLUMNS)


def test_jobs_of_an_array_may_begin_a_folder_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(begin, tmp_path) for _ in range(32)]:
            done.result()
    assert [path.name for path in tmp_path.iterdir()] == ['settings.json']


def slow(number: int) -> Row:
    time.sleep(0.2)
    return square(number)


def test_conversations_wait_side_by_side(tmp_path: Path) -> None:
    todo = [Cell(('square', number), partial(slow, number)) for number in range(8)]
    began = time.monotonic()
    run(tmp_path, todo, SideBySide(8))
    assert time.monotonic() - began < 8 * 0.2
    assert len(CellFolder(tmp_path, COLUMNS).rows()) == 8


def test_row_is_plain_json_without_nan(tmp_path: Path) -> None:
    make: Callable[[], Row] = partial(dict, square(0), value=float('nan'))
    kept = run(tmp_path, [Cell(('square', 0), make)])
    assert json.loads(kept.path(('square', 0)).read_text()) == {**square(0), 'value': None}
