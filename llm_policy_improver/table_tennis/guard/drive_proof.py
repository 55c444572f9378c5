"""The record that the drives were found to brake by themselves: a file beside the keys, sealed by the operator's."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from llm_policy_improver.core.limited_json import parse_json
from llm_policy_improver.core.security import Key

_PURPOSE = 'drive check'


@dataclass(frozen=True, slots=True)
class DriveProof:
    """What a check at low speed has shown.

    Attributes:
        drive_timeout: s, of the safety file that it was made for.
        measured: (8,) s from the last command to where each joint's drive has braked by itself.
        date: ISO 8601.
        by: who made it.
    """

    drive_timeout: float
    measured: tuple[float, ...]
    date: str
    by: str

    def write(self, path: Path, key: Key | None) -> None:
        """Into this file, in the place of an earlier one.

        Raises:
            OSError: it cannot be written.
        """
        content = asdict(self)
        seal = '' if key is None else key.seal(_PURPOSE, _bytes(content))
        path = path.expanduser()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = path.with_name(f'{path.name}.new')
        made.write_text(json.dumps({**content, 'seal': seal}, indent=1) + '\n')
        made.replace(path)


def why_unproven(path: Path, key: Key | None, timeout: float) -> str:
    """Why this file does not show that the drives brake after ``timeout`` s, in words; empty where it does."""
    path = path.expanduser()
    ask = 'run "llm-policy-improver check-arm" once'
    if not path.exists():
        return f'nobody has shown yet that the drives brake by themselves after {timeout:g} s: {ask}'
    try:
        content = parse_json(path.read_bytes())
        seal = content.pop('seal')
        proven = float(content['drive_timeout'])
    except (OSError, AttributeError, KeyError, TypeError, ValueError):
        return f'{path} is no record of a check of the drives: {ask}'
    if key is not None and not key.holds(str(seal), _PURPOSE, _bytes(content)):
        return f"{path} was not sealed with the operator's key of now: {ask}"
    if proven != timeout:
        return f'the drives were checked for a time-out of {proven:g} s, and the safety file says {timeout:g} s: {ask}'
    return ''


def _bytes(content: dict[str, object]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
