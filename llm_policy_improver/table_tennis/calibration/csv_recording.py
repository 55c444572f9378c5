"""Sightings from a CSV file: t, x, y, z, with or without a line of headings."""

from pathlib import Path
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.calibration.recordings import Recording, RecordingError

_COLUMNS: Final = ('t', 'x', 'y', 'z')
_OTHERWISE: Final = {'time': 't', 'stamp': 't', 'timestamp': 't'}
"""Headings that mean the same."""


def read_csv(path: Path) -> Recording:
    """The sightings of a file: s, m.

    With headings the columns t, x, y, z may come in any order, among others; without, they are the first four.
    Columns are separated by commas, semicolons, tabs or blanks. Lines that are empty or begin with # are not read; an
    empty cell makes a sighting that is not finite.

    Raises:
        RecordingError: it cannot be read, a column is missing, or a line holds something else than numbers.
    """
    try:
        text = path.read_text(encoding='utf-8-sig')
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f'{path}: cannot be read ({type(error).__name__}); name a CSV file') from None
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith('#')]
    if not lines:
        raise RecordingError(f'{path}: is empty; it must hold lines of t, x, y, z in s and m')
    separator = next((each for each in (',', ';', '\t') if each in lines[0][1]), None)
    cells = [(number, [cell.strip() for cell in line.split(separator)]) for number, line in lines]
    order = [0, 1, 2, 3]
    if not _numeric(cells[0][1][0]):
        names = [_OTHERWISE.get(name.lower(), name.lower()) for name in cells[0][1]]
        missing = [name for name in _COLUMNS if name not in names]
        if missing:
            raise RecordingError(
                f'{path}: its first line must name the columns t, x, y, z; it lacks {", ".join(missing)}'
            )
        order, cells = [names.index(name) for name in _COLUMNS], cells[1:]
    rows = np.array([_row(path, number, row, order) for number, row in cells]).reshape(-1, 4)
    time = rows[:, 0]
    start = float(np.nanmin(time)) if np.isfinite(time).any() else 0.0
    return Recording(str(path), time - start, rows[:, 1:])


def _row(path: Path, number: int, cells: list[str], order: list[int]) -> list[float]:
    if len(cells) <= max(order):
        raise RecordingError(f'{path}: line {number} must hold t, x, y, z; got {len(cells)} cells')
    try:
        return [float(cells[place] or 'nan') for place in order]
    except ValueError:
        raise RecordingError(
            f'{path}: line {number} must hold numbers; got "{" ".join(cells)[:60]}"'
        ) from None


def _numeric(cell: str) -> bool:
    try:
        float(cell or 'nan')
    except ValueError:
        return False
    return True
