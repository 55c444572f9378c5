from pathlib import Path

import numpy as np
import pytest

from llm_policy_improver.table_tennis.calibration.csv_recording import read_csv
from llm_policy_improver.table_tennis.calibration.recordings import RecordingError, read_recordings


def written(folder: Path, text: str) -> Path:
    path = folder / 'balls.csv'
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    'text',
    [
        '10.5,1,2,3\n10.6,4,5,6\n',
        't,x,y,z\n10.5,1,2,3\n10.6,4,5,6\n',
        '# cell 2\nz;id;Time;x;y\n3;a;10.5;1;2\n\n6;b;10.6;4;5\n',
        '10.5 1 2 3\n10.6 4 5 6\n',
        '\ufefft\tx\ty\tz\n10.5\t1\t2\t3\n10.6\t4\t5\t6',
    ],
)
def test_columns_are_found_with_and_without_headings(tmp_path: Path, text: str) -> None:
    recording = read_csv(written(tmp_path, text))
    np.testing.assert_allclose(recording.time, [0.0, 0.1])
    np.testing.assert_array_equal(recording.position, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert recording.arm is None


def test_empty_cell_and_nan_are_sightings_that_are_not_finite(tmp_path: Path) -> None:
    recording = read_csv(written(tmp_path, '0,1,2,3\n0.1,,2,3\n0.2,nan,nan,nan\n'))
    assert np.isfinite(recording.position).all(axis=1).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('', 'is empty; it must hold lines of t, x, y, z in s and m'),
        ('t,x,y\n0,1,2\n', 'must name the columns t, x, y, z; it lacks z'),
        ('0,1,2\n', 'line 1 must hold t, x, y, z; got 3 cells'),
        ('0,1,2,3\n0.1,left,2,3\n', 'line 2 must hold numbers; got "0.1 left 2 3"'),
    ],
)
def test_what_is_no_track_is_refused_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecordingError) as refused:
        read_csv(written(tmp_path, text))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ('rows', 'said'),
    [
        ([(0.008 * n, 100.0 * n, 500.0, 200.0) for n in range(30)], 'positions must be in m'),
        ([(8.0 * n, 1.0, 0.5, 0.2) for n in range(30)], 'times must be in s'),
    ],
)
def test_other_units_are_refused(tmp_path: Path, rows: list[tuple[float, ...]], said: str) -> None:
    path = written(tmp_path, '\n'.join(','.join(map(str, row)) for row in rows))
    with pytest.raises(RecordingError, match=said):
        read_recordings([path])


def test_missing_empty_and_foreign_paths_are_told(tmp_path: Path) -> None:
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'bag').mkdir()
    for name in ('bag/old.db3', 'balls.pickle'):
        (tmp_path / name).write_bytes(b'')
    for name, said in (
        ('nowhere', 'does not exist; name a recording'),
        ('empty', 'holds no .mcap and no .csv file'),
        ('bag', 'ros2 bag convert'),
        ('bag/old.db3', 'ros2 bag convert'),
        ('balls.pickle', 'must be an .mcap or a .csv file'),
    ):
        with pytest.raises(RecordingError, match=said):
            read_recordings([tmp_path / name])
