"""Where the tests find the repository's own files."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FAR_RIGHT = ROOT / 'test' / 'recordings' / 'far_right'
RIGHT_EDGE = ROOT / 'test' / 'recordings' / 'right_edge'
FORMAT_3 = ROOT / 'test' / 'recordings' / 'format_3'
CONFIG = ROOT / 'config'
PACKAGE = 'llm_policy_improver'
KINDS = ('msg', 'srv', 'action')


def interfaces() -> list[tuple[str, str]]:
    """Kind and name of each interface: ``('msg', 'PolicyParameters')``."""
    return [(kind, file.stem) for kind in KINDS for file in sorted((ROOT / kind).glob('*.*'))]
