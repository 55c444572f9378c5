"""Settings of the programs as typed dataclasses, read from YAML files in the form of ROS 2 parameters.

The same files serve ``ros2 launch`` and the command line; the same dataclasses check both.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

Settings = TypeVar('Settings')

NODES = ('simulator', 'stand_in_arm', 'controller', 'trace_logger', 'optimizer')
"""The nodes a parameter file may speak of."""


class SettingsError(ValueError):
    """A setting is unknown or has a value it must not have; the message says which and what is expected."""


def to_mapping(settings: Any, prefix: str = '') -> dict[str, Any]:
    """All settings as flat ``{'launcher.position': [..], ..}``, tuples as lists: the form of ROS 2 parameters."""
    flat: dict[str, Any] = {}
    for entry in fields(settings):
        if not entry.init:
            continue
        value = getattr(settings, entry.name)
        if is_dataclass(value):
            flat |= to_mapping(value, f'{prefix}{entry.name}.')
        else:
            flat[prefix + entry.name] = list(value) if isinstance(value, tuple) else value
    return flat


def from_mapping(kind: type[Settings], flat: Mapping[str, Any], where: str) -> Settings:
    """Build ``kind`` from flat settings; those not given keep their defaults.

    Raises:
        SettingsError: an unknown name, a wrong type or a value that the dataclass refuses.
    """
    known = to_mapping(kind())
    for name in flat:
        if name not in known:
            near = difflib.get_close_matches(name, known, 3, 0.5)
            meant = f'did you mean {" or ".join(near)}?' if near else f'the settings are {", ".join(known)}'
            raise SettingsError(f'{where}: unknown setting "{name}"; {meant}')
    try:
        return _build(kind, dict(flat), '', where)
    except SettingsError:
        raise
    except ValueError as error:
        raise SettingsError(f'{where}: {error}') from None


def _build(kind: Any, flat: dict[str, Any], prefix: str, where: str) -> Any:
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for entry in fields(kind):
        if not entry.init:
            continue
        name, hint = prefix + entry.name, hints[entry.name]
        if is_dataclass(hint):
            values[entry.name] = _build(hint, flat, f'{name}.', where)
        elif name in flat:
            values[entry.name] = _typed(hint, flat[name], name, where)
    return kind(**values)


def _typed(hint: Any, value: Any, name: str, where: str) -> Any:
    if get_origin(hint) is tuple:
        if isinstance(value, str) or not hasattr(value, '__len__'):
            raise SettingsError(f'{where}: {name} must be a list; got {value!r}')
        arguments = get_args(hint)
        if Ellipsis not in arguments and len(value) != len(arguments):
            raise SettingsError(f'{where}: {name} must have {len(arguments)} entries; got {len(value)}')
        return tuple(_typed(arguments[0], item, name, where) for item in value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise SettingsError(f'{where}: {name} must be finite; got {value}')
        return float(value)
    if type(value) is not hint:
        raise SettingsError(f'{where}: {name} must be of type {hint.__name__}; got {value!r}')
    return value


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


def _flatten(tree: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f'{prefix}{name}.')
        else:
            flat[f'{prefix}{name}'] = value
    return flat
