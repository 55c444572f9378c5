"""Tables as a person sees them, in a file and on a terminal."""

import os
import pty
import re
import subprocess
import sys

import pytest

from llm_policy_improver.report.tables import print_table

_HEADINGS = tuple(f'task_{number}' for number in range(20))
_ROW = tuple(f'{number} [0.123, 0.456]' for number in range(20))


def test_in_a_file_every_line_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(_HEADINGS, [_ROW], 'Regret of each')
    title, headings, row = capsys.readouterr().out.splitlines()
    assert title.strip() == 'Regret of each'
    assert tuple(headings.split()) == _HEADINGS
    assert row.split() == ' '.join(_ROW).split()
    assert len(row) < 500  # and no longer than they must be


def test_on_a_terminal_lines_are_folded_to_its_width() -> None:
    ours, theirs = pty.openpty()
    code = f'from llm_policy_improver.report.tables import print_table; print_table({_HEADINGS[:8]}, [{_ROW[:8]}])'
    with subprocess.Popen(
        [sys.executable, '-c', code], stdout=theirs, env={**os.environ, 'COLUMNS': '60', 'TERM': 'xterm'}
    ) as shown:
        os.close(theirs)
        assert shown.wait() == 0
    lines = re.sub('\x1b[^m]*m', '', os.read(ours, 100_000).decode()).splitlines()
    os.close(ours)
    assert max(map(len, lines)) <= 60
    assert '\u2026' not in ''.join(lines)
    assert ''.join(''.join(lines).split()).count('0.456') == 8
