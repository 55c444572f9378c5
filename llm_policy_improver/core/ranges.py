"""What settings must be: numbers within their ranges, names and texts that ROS 2 and the disk can take."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from llm_policy_improver.core.shortened import LONGEST_VALUE, shortened, shown

Range = tuple[float, float, str]
"""Least and largest value, both included, and the unit with a space before it."""

LONGEST_NAME: Final = 200
"""Characters of a topic: DDS has room for 255, with the namespace and a prefix."""
LONGEST_PATH: Final = 1000
LONGEST_WORDS: Final = 10_000
"""Characters of an objective."""

_TOPIC: Final = re.compile(r'(~/|/)?[A-Za-z_]\w*(/[A-Za-z_]\w*)*', re.ASCII)
_NODE: Final = re.compile(r'[A-Za-z_]\w*(/[A-Za-z_]\w*)*', re.ASCII)


def require_ranges(settings: Any, ranges: Mapping[str, Range], where: str = '') -> None:
    """Raise `ValueError` unless all numbers of these attributes are finite and in their ranges.

    Args:
        settings: has the attributes; each a number or a tuple of numbers.
        ranges: by the attribute's name.
        where: said before the name, e.g. ``'watchdog'``.
    """
    for name, (low, high, unit) in ranges.items():
        value = getattr(settings, name)
        for number in value if isinstance(value, Iterable) else (value,):
            if not low <= number <= high:  # false for NaN, too
                raise ValueError(
                    f'{_before(where)}{name} must be between {_figure(low)} and {_figure(high)}{unit}; '
                    f'got {_figure(number)}{unit}'
                )


def _figure(number: Any) -> str:
    return f'{number:g}' if isinstance(number, float) or abs(number) < 10**6 else shown(number)


def _before(where: str) -> str:
    return f'{where}: ' if where else ''


def require_topics(topics: Mapping[str, str], optional: Iterable[str] = ()) -> None:
    """Raise `ValueError` unless these are different topics as ROS 2 knows them.

    Args:
        topics: by the names of their settings.
        optional: names of those that may be empty.
    """
    taken: dict[str, str] = {}
    may_be_empty = frozenset(optional)
    for name, topic in topics.items():
        if not topic and name in may_be_empty:
            continue
        if len(topic) > LONGEST_NAME or not _TOPIC.fullmatch(topic) or '__' in topic:
            raise ValueError(
                f'{name} must be a topic: letters, digits, _ and /, no digit first; got {shown(topic)}'
            )
        other = taken.setdefault(topic.removeprefix('/'), name)
        if other != name:
            raise ValueError(f'{other} and {name} must be different topics; both are {shown(topic)}')


def require_nodes(name: str, nodes: tuple[str, ...]) -> None:
    """Raise `ValueError` unless these are different names of nodes, 50 at most."""
    for node in nodes:
        if len(node) > LONGEST_NAME or not _NODE.fullmatch(node):
            raise ValueError(f'{name} must be names of nodes; got {shown(node)}')
    if len(set(nodes)) != len(nodes) or len(nodes) > 50:
        raise ValueError(f'{name} must be different nodes, 50 at most; got {shown(nodes)}')


def require_joint_names(names: tuple[str, ...], joints: tuple[str, ...]) -> None:
    """Raise `ValueError` unless there is one name for each joint, all different, printable and not empty."""
    if len(names) != len(joints) or len(set(names)) != len(joints) or not all(map(_is_label, names)):
        raise ValueError(
            f'driver_joint_names must be {len(joints)} different names, one for each of '
            f'{", ".join(joints)}; got {shown(names)}'
        )


def _is_label(text: str) -> bool:
    return 0 < len(text) <= LONGEST_NAME and text.isprintable() and not text.isspace()


def require_label(name: str, text: str, where: str = '') -> None:
    """Raise `ValueError` unless it is a short printable text."""
    if not _is_label(text):
        raise ValueError(
            f'{_before(where)}{name} must have 1 to {LONGEST_NAME} printable characters; got {shown(text)}'
        )


def require_path(name: str, text: str, where: str = '') -> None:
    """Raise `ValueError` unless it is empty or can be the path of a file."""
    if len(text) > LONGEST_PATH or not text.isprintable():
        raise ValueError(
            f'{_before(where)}{name} must be a path of at most {LONGEST_PATH} printable characters; got {shown(text)}'
        )


def require_choice(name: str, text: str, choices: tuple[str, ...], where: str = '') -> None:
    """Raise `ValueError` unless it is one of these."""
    if text not in choices:
        said = ' or '.join(choices) if len(choices) == 2 else ', '.join(choices)
        raise ValueError(f'{_before(where)}{name} must be {said}; got "{shortened(text, LONGEST_VALUE)}"')
