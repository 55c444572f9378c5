"""Settings of the programs as typed dataclasses, read from YAML files in the form of ROS 2 parameters.

The same files serve ``ros2 launch`` and the command line; the same dataclasses check both.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

from llm_policy_improver.core.registered import unknown_text

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

Settings = TypeVar('Settings')

NODES = ('simulator', 'stand_in_arm', 'controller', 'trace_logger', 'optimizer')
"""The nodes a parameter file may speak of."""


class SettingsError(ValueError):
    """A setting is unknown or has a value it must not have; the message says which and what is expected."""


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
        wrong = f'must be of type {_TYPES[kind]}; got {got!r}'
    elif kind == 'finite_number':
        wrong = f'must be finite; got {got}'
    elif kind == 'tuple_type':
        wrong = f'must be a list; got {got!r}'
    elif kind in ('missing', 'too_long'):
        wrong = f'must have {len(known[name])} entries; got {len(flat[name])}'
    else:
        wrong = f'is refused: {error["msg"]}; got {got!r}'
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


def _read(path: Path, node: str) -> dict[str, Any]:
    """The flat settings of one node in one file."""
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f'{path}: cannot be read ({error.__class__.__name__}); name an existing YAML file'
        ) from None
    except yaml.YAMLError as error:
        raise SettingsError(f'{path}: is no valid YAML: {" ".join(str(error).split())}') from None
    if not isinstance(content, dict) or not all(
        isinstance(section, dict) and isinstance(section.get('ros__parameters', None), dict)
        for section in content.values()
    ):
        raise SettingsError(f'{path}: must map node names to ros__parameters, as in config/sim.yaml')
    for section in content:
        if str(section).rsplit('/', 1)[-1] not in (*NODES, '**'):
            raise SettingsError(f'{path}: unknown node "{section}"; the nodes are {", ".join(NODES)}')
    flat: dict[str, Any] = {}
    wherever = ('/**', f'/**/{node}', node)  # the later ones win, as in ROS 2
    for section in content:
        if section not in wherever and str(section).rsplit('/', 1)[-1] in (node, '**'):
            raise SettingsError(f'{path}: "{section}" is for one namespace only; write "/**/{node}"')
    for section in wherever:
        flat |= _flatten(content.get(section, {}).get('ros__parameters', {}))
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
        _read(path, NODES[0])
        content = yaml.safe_load(path.read_text())
    for node, flat in changes.items():
        # Where both are there, what is said of the bare name wins.
        section = node if node in content else f'/**/{node}'
        told = _flatten(content.get(section, {}).get('ros__parameters', {}))
        if told or flat:
            content[section] = {'ros__parameters': _nested(told | dict(flat))}
    return yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120)


def _flatten(tree: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f'{prefix}{name}.')
        else:
            flat[f'{prefix}{name}'] = value
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
