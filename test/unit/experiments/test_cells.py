"""Cells: each a file of its own, whoever computes it, and never half there."""

import json
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from llm_policy_improver.experiments.cells import Cell, CellFolder, Shard
from llm_policy_improver.experiments.executors import Executor, Processes, run_cells, serial
from llm_policy_improver.experiments.rows import ExperimentError, Row
from llm_policy_improver.experiments.side_by_side import SideBySide


def square(number: int) -> Row:
    return {'number': number, 'square': number**2}


def cells(count: int = 6) -> list[Cell]:
    return [Cell(('square', number), partial(square, number)) for number in range(count)]


def quiet(name: str, done: int, total: int) -> None:
    pass


ALL = Shard()


def run(folder: Path, what: list[Cell], executor: Executor = serial, shard: Shard = ALL) -> CellFolder:
    kept = CellFolder(folder)
    run_cells('squares', what, kept, executor, shard, quiet)
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
        before = len(CellFolder(tmp_path).rows())
        run(tmp_path, cells(7), shard=Shard(index, 3))
        assert len(CellFolder(tmp_path).rows()) - before == len(range(index - 1, 7, 3))
    assert [row['number'] for row in CellFolder(tmp_path).rows()] == list(range(7))


@pytest.mark.parametrize('text', ['0/2', '3/2', '2', 'a/b', '1/0', '-1/2', ''])
def test_shard_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ExperimentError, match=r'one of its count, e\.g\. 2/8'):
        Shard.of(text)


def test_first_result_stays_where_two_compute_the_same_cell(tmp_path: Path) -> None:
    kept, cell = CellFolder(tmp_path), cells(1)[0]
    kept.keep(cell, {'number': 0, 'by': 'one'})
    kept.keep(cell, {'number': 0, 'by': 'another'})
    assert kept.rows() == [{'number': 0, 'by': 'one'}]
    assert [path.name for path in tmp_path.iterdir()] == ['square--0.json']


def test_fault_in_one_cell_leaves_the_others_kept(tmp_path: Path) -> None:
    def broken() -> Row:
        raise ExperimentError('broken')

    with pytest.raises(ExperimentError, match='broken'):
        run(tmp_path, [*cells(2), Cell(('broken',), broken)])
    assert len(CellFolder(tmp_path).rows()) == 2


def test_file_that_is_no_row_is_named(tmp_path: Path) -> None:
    (tmp_path / 'torn.json').write_text('{"number": ')
    with pytest.raises(ExperimentError, match=r'torn\.json is no row of an experiment'):
        CellFolder(tmp_path).rows()


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(ExperimentError, match=r'cannot be kept in .*name another folder with --output'):
        CellFolder(tmp_path / 'file').keep(cells(1)[0], {})


def test_keys_with_any_characters_are_files(tmp_path: Path) -> None:
    cell = Cell(('a/b', 'gpt-4o:mini', 3), partial(square, 3))
    kept = run(tmp_path, [cell])
    assert kept.path(cell).parent == tmp_path
    assert kept.missing([cell]) == []


def doomed(number: int, folder: Path) -> Row:
    """The third cell kills its process the first time."""
    if number == 2 and not (folder / 'killed').exists():
        (folder / 'killed').write_text('')
        os.kill(os.getpid(), signal.SIGKILL)
    return square(number)


def test_killed_worker_loses_at_most_the_cells_in_flight(tmp_path: Path) -> None:
    todo = [Cell(('square', number), partial(doomed, number, tmp_path)) for number in range(8)]
    with pytest.raises(ExperimentError, match='a process of the experiment was killed'):
        run(tmp_path / 'cells', todo, Processes(2))
    rows = run(tmp_path / 'cells', todo, Processes(2)).rows()
    assert [row['number'] for row in rows] == list(range(8))


def slow(number: int) -> Row:
    time.sleep(0.2)
    return square(number)


def test_conversations_wait_side_by_side(tmp_path: Path) -> None:
    todo = [Cell(('square', number), partial(slow, number)) for number in range(8)]
    began = time.monotonic()
    run(tmp_path, todo, SideBySide(8))
    assert time.monotonic() - began < 8 * 0.2
    assert len(CellFolder(tmp_path).rows()) == 8


def test_row_is_plain_json_without_nan(tmp_path: Path) -> None:
    make: Callable[[], Row] = partial(dict, value=float('nan'))
    kept = run(tmp_path, [Cell(('nan',), make)])
    assert json.loads(kept.path(Cell(('nan',), make)).read_text()) == {'value': None}
