import os
import subprocess
import sys
from pathlib import Path

import pytest

CALL = (
    'from llm_policy_improver.table_tennis.ball.laws import dot; print(dot((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)))'
)


def python(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, '-c', code], env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_machine_code_is_kept_for_later_processes(tmp_path: Path) -> None:
    assert python(CALL, NUMBA_CACHE_DIR=str(tmp_path)) == '32.0'
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.nb?')}
    assert kept
    assert python(CALL, NUMBA_CACHE_DIR=str(tmp_path)) == '32.0'
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.nb?')} == kept


def test_where_nothing_can_be_written_every_process_compiles_for_itself(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    assert python(CALL, NUMBA_CACHE_DIR=str(tmp_path / 'file' / 'folder')) == '32.0'


@pytest.mark.parametrize('module', ['cli.main', 'core.settings'])
def test_numba_is_imported_only_where_something_is_compiled(module: str) -> None:
    assert python(f'import llm_policy_improver.{module}, sys; print("numba" in sys.modules)') == 'False'
