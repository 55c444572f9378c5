"""Where the tests find the repository's own files."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FAR_RIGHT = ROOT / 'test' / 'recordings' / 'far_right'
FORMAT_3 = ROOT / 'test' / 'recordings' / 'format_3'
CONFIG = ROOT / 'config'
