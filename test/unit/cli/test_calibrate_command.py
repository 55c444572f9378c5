"""``calibrate`` and ``replay-balls`` as a person calls them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from recorded_balls import drawn_ball, one_after_another, recorded_balls

from llm_policy_improver.cli import main as program
from llm_policy_improver.cli.main import cli
from llm_policy_improver.table_tennis.calibration.recordings import Recording

PARAMETERS = (
    'drag_coefficient',
    'lift_coefficient',
    'table_restitution',
    'table_friction',
    'racket_grip',
    'height',
)


def write_csv(path: Path, recording: Recording) -> Path:
    rows = np.column_stack((recording.time, recording.position))
    np.savetxt(path, rows, delimiter=',', header='t,x,y,z', comments='', fmt='%.6f')
    return path


@pytest.fixture(scope='module')
def balls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recording = one_after_another(recorded_balls(drawn_ball(11), 14, 11))
    return write_csv(tmp_path_factory.mktemp('cell') / 'balls.csv', recording)


def called(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert isinstance(content, dict)
    return content


def test_calibration_is_told_as_json_and_written_with_a_picture(balls: Path, tmp_path: Path) -> None:
    told = called('calibrate', str(balls), '--output', str(tmp_path / 'cell.yaml'), '--json')
    for name in PARAMETERS:
        assert {'value', 'standard_error', 'determined'} <= set(told['parameters'][name])
    assert told['parameters']['drag_coefficient']['determined'] is True
    assert told['parameters']['racket_grip'] == {
        'value': 0.7, 'standard_error': None, 'determined': False, 'before': 0.7, 'unit': '',
        'why': 'no joint states and commands were recorded',
    }  # fmt: skip
    assert 0.0 < told['held_out_m']['after'] < told['held_out_m']['before'] + 0.01
    assert (tmp_path / 'cell.png').read_bytes()[:4] == b'\x89PNG'
    replayed = called('replay-balls', str(balls), '--config', str(tmp_path / 'cell.yaml'), '--json')
    assert replayed['balls'] >= 12
    assert replayed['hit'] >= 0.8 * replayed['balls']


def test_table_says_what_is_taken_and_what_is_kept(balls: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ['calibrate', str(balls), '--output', str(tmp_path / 'cell.yaml')])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert any(line.startswith('drag_coefficient') and line.rstrip().endswith('taken') for line in lines)
    assert any(line.startswith('racket_grip') and 'kept: no joint states' in line for line in lines)
    assert any('0.25 s ahead through the bounce' in line for line in lines)
    assert any('bounces do not tell them' in line for line in lines)


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (
            ['calibrate', 'nowhere.csv', '--output', 'cell.yaml'],
            'Error: nowhere.csv: does not exist; name a recording',
        ),
        (
            ['calibrate', 'short.csv', '--output', 'cell.yaml'],
            'Error: 0 flights found in 1 recordings, 8 are needed',
        ),
        (
            ['calibrate', 'balls.csv', '--output', 'no/folder/cell.yaml'],
            'Error: no/folder/cell.yaml: cannot be written',
        ),
        (
            ['calibrate', 'short.csv', '--output', 'c.yaml', '--config', 'none.yaml'],
            'none.yaml: cannot be read',
        ),
        (['replay-balls', 'short.csv'], 'Error: none of 0 flights comes to the robot'),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(
    arguments: list[str],
    said: str,
    balls: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / 'short.csv').write_text('0,0,1,0.3\n0.01,0,0.9,0.3\n')
    (tmp_path / 'balls.csv').write_bytes(balls.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('sys.argv', ['llm-policy-improver', *arguments])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert 'Traceback' not in error
