"""Settings of the programs as typed dataclasses, read from YAML files in the form of ROS 2 parameters.

The same files serve ``ros2 launch`` and the command line; the same dataclasses check both.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from llm_policy_improver.core.limited_yaml import YamlError, read_yaml
from llm_policy_improver.core.registered import unknown_text
from llm_policy_improver.core.shortened import LONGEST_PLACE, LONGEST_VALUE, shortened, shown

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

Settings = TypeVar('Settings')

NODES = ('simulator', 'stand_in_arm', 'controller', 'trace_logger', 'optimizer', 'visualizer')
"""The nodes a parameter file may speak of."""


class SettingsError(ValueError):
    """A setting is unknown or has a value it must not have; the message says which and what is expected.

    The message is one line of less than 300 characters, whatever was given: its middle is left out where it is longer.
    """

    def __init__(self, message: str) -> None:
        super().__init__(shortened(message))


def to_mapping(settings: Any) -> dict[str, Any]:
    """All settings as flat ``{'launcher.position': [..], ..}``, tuples as lists: the form of ROS 2 parameters."""
    adapter = _adapter(settings.__class__)
    return _flatten(adapter.dump_python({'': settings}, mode='json', warnings=False)[''])


def from_mapping(kind: type[Settings], flat: Mapping[str, Any], where: str) -> Settings:
    """Build ``kind`` from flat settings; those not given keep their defaults.

    A ``kind`` may name in ``FORMER`` what settings were called in earlier versions: whoever still writes that is told.

    Raises:
        SettingsError: an unknown name, a wrong type or a value that the dataclass refuses.
    """
    from pydantic import ValidationError

    defaults: Any = kind()
    known = to_mapping(defaults)
    former: Mapping[str, str] = getattr(kind, 'FORMER', {})
    where = shortened(where, LONGEST_PLACE)
    for name in flat:
        if name in former:
            raise SettingsError(f'{where}: the setting {name} is called {former[name]} now')
        if name not in known:
            raise SettingsError(f'{where}: {unknown_text("setting", name, known)}')
    # From JSON, and not from Python, a strict reading takes mappings for dataclasses and lists for tuples.
    text = json.dumps({'': _nested(flat)}, default=_plain)
    try:
        settings: Settings = _adapter(defaults.__class__).validate_json(text)['']
    except ValidationError as error:
        raise _refusal(error.errors()[0], known, flat, where) from None
    return settings


@cache
def _adapter(kind: Any) -> 'TypeAdapter[dict[str, Any]]':
    """Reads and writes ``{'': settings}``: a dataclass of the standard library takes these rules in a dict only."""
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(dict[str, kind], config=ConfigDict(strict=True, allow_inf_nan=False, extra='forbid'))


def _plain(value: Any) -> Any:
    """What JSON does not have: the arrays of ROS 2 and the dates of YAML."""
    return list(value) if hasattr(value, '__len__') else str(value)


_TYPES = {'float_type': 'float', 'int_type': 'int', 'bool_type': 'bool', 'string_type': 'str'}


def _refusal(
    error: 'ErrorDetails', known: Mapping[str, Any], flat: Mapping[str, Any], where: str
) -> SettingsError:
    """One sentence for what pydantic found."""
    kind, got, context = error['type'], error['input'], error.get('ctx', {})
    if kind == 'value_error':  # by a dataclass itself
        own = context['error']
        return own if isinstance(own, SettingsError) else SettingsError(f'{where}: {own}')
    name = '.'.join(part for part in error['loc'][1:] if isinstance(part, str))
    if kind in _TYPES:
        wrong = f'must be of type {_TYPES[kind]}; got {shown(got)}'
    elif kind == 'finite_number':
        wrong = f'must be finite; got {shown(got)}'
    elif kind == 'tuple_type':
        wrong = f'must be a list; got {shown(got)}'
    elif kind in ('missing', 'too_long'):
        wrong = f'must have {len(known[name])} entries; got {len(flat[name])}'
    else:
        wrong = f'is refused: {error["msg"]}; got {shown(got)}'
    return SettingsError(f'{where}: {name} {wrong}')


def read_settings(path: Path, kind: type[Settings], node: str, *on_top: Path) -> Settings:
    """The settings of one node in a ROS 2 parameter file; the defaults where the file does not name it.

    Args:
        path: of the file.
        kind: of the settings.
        node: the node's name.
        on_top: further files; what a later one says wins.

    Raises:
        SettingsError: a file cannot be read, is no parameter file, or holds a wrong setting.
    """
    flat: dict[str, Any] = {}
    for each in (path, *on_top):
        flat |= _read(each, node)
    return from_mapping(kind, flat, f'{" with ".join(map(str, (path, *on_top)))}, {node}')


def read_sections(path: Path) -> dict[str, Mapping[str, Any]]:
    """What a ROS 2 parameter file says, by its sections: names of nodes with or without a namespace.

    Raises:
        SettingsError: it cannot be read, or is no parameter file.
    """
    place = shortened(str(path), LONGEST_PLACE)
    try:
        content = read_yaml(path)
    except (OSError, ValueError) as error:
        if isinstance(error, YamlError):
            raise SettingsError(f'{place}: {error}') from None
        raise SettingsError(
            f'{place}: cannot be read ({error.__class__.__name__}); name an existing YAML file'
        ) from None
    if not isinstance(content, dict) or not all(
        isinstance(section, dict) and isinstance(section.get('ros__parameters', None), dict)
        for section in content.values()
    ):
        raise SettingsError(f'{place}: must map node names to ros__parameters, as in config/sim.yaml')
    for section in content:
        if section.rsplit('/', 1)[-1] not in (*NODES, '**'):
            raise SettingsError(
                f'{place}: unknown node "{shortened(section, LONGEST_VALUE)}"; the nodes are {", ".join(NODES)}'
            )
    return {section: parameters['ros__parameters'] for section, parameters in content.items()}


def named_settings(path: Path, node: str) -> frozenset[str]:
    """Names of the settings that a ROS 2 parameter file gives one node, e.g. ``'safety.velocity'``.

    Raises:
        SettingsError: it cannot be read, or is no parameter file.
    """
    return frozenset(_read(path, node))


def _read(path: Path, node: str) -> dict[str, Any]:
    """The flat settings of one node in one file."""
    sections = read_sections(path)
    flat: dict[str, Any] = {}
    wherever = ('/**', f'/**/{node}', node)  # the later ones win, as in ROS 2
    for section in sections:
        if section not in wherever and section.rsplit('/', 1)[-1] in (node, '**'):
            place, said = shortened(str(path), LONGEST_PLACE), shortened(section, LONGEST_VALUE)
            raise SettingsError(f'{place}: "{said}" is for one namespace only; write "/**/{node}"')
    for section in wherever:
        flat |= _flatten(sections.get(section, {}))
    return flat


def with_settings(path: Path | None, changes: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of a parameter file: one that exists, with other values for some settings. Its comments are lost.

    Args:
        path: of the file that exists; None: the settings given are all.
        changes: node to its flat settings.

    Raises:
        SettingsError: the file is none.
    """
    content: dict[str, Any] = {}
    if path is not None:
        content = {
            section: {'ros__parameters': dict(given)} for section, given in read_sections(path).items()
        }
    for node, flat in changes.items():
        # Where both are there, what is said of the bare name wins.
        section = node if node in content else f'/**/{node}'
        told = _flatten(content.get(section, {}).get('ros__parameters', {}))
        if told or flat:
            content[section] = {'ros__parameters': _nested(told | dict(flat))}
    return yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120)


def _flatten(tree: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Raises `SettingsError` where one setting is there twice, as ``a: {b: 1}`` and as ``a.b: 2``."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        found = (
            _flatten(value, f'{prefix}{name}.') if isinstance(value, Mapping) else {f'{prefix}{name}': value}
        )
        twice = next((each for each in found if each in flat), None)
        if twice is not None:
            raise SettingsError(f'the setting {shown(twice)} is given twice: keep one of them')
        flat |= found
    return flat


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *branches, leaf = name.split('.')
        branch = tree
        for each in branches:
            branch = branch.setdefault(each, {})
        branch[leaf] = value
    return tree
