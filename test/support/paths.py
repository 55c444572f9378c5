"""Where the tests find the repository's own files."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FAR_RIGHT = ROOT / 'test' / 'recordings' / 'far_right'
CONFIG = ROOT / 'config'
