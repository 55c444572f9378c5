"""YAML of people's files, read with limits: no file is slow, large in memory or a riddle, whatever is in it.

Read is what ROS 2 reads of its parameter files: maps, lists, texts, numbers, truth values and nothing. Aliases, which
can make a map multiply or hold itself, are refused as ROS 2 refuses them; dates and binary data are texts here.
"""

from pathlib import Path
from typing import Any, Final

import yaml

from llm_policy_improver.core.shortened import shortened

LARGEST: Final = 64 * 1024
"""Bytes of a file: ten times one that names every setting of all nodes."""
DEEPEST: Final = 20
"""Maps and lists within each other."""
MOST_NODES: Final = 10_000
"""Keys, values, lists and maps of a file."""
LONGEST_NUMBER: Final = 40
"""Characters."""

_TAG: Final = 'tag:yaml.org,2002:'
_TAGS: Final = frozenset(_TAG + name for name in ('null', 'bool', 'int', 'float', 'str', 'seq', 'map'))


class YamlError(ValueError):
    """A file is none that is read here; one clause says why, without the file's name."""


class _LimitedLoader(yaml.SafeLoader):
    """PyYAML's safe loader for plain data. Whatever it refuses is a `yaml.YAMLError`."""

    yaml_constructors: Final = {  # type: ignore[misc]
        tag: make for tag, make in yaml.SafeLoader.yaml_constructors.items() if tag is None or tag in _TAGS
    }
    yaml_implicit_resolvers: Final = {  # type: ignore[misc]
        first: [each for each in resolvers if each[0] in _TAGS]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The node that comes next in the text."""
        if self.check_event(yaml.AliasEvent):
            raise _refused(self.peek_event(), 'an alias (*name): ROS 2 reads none; write its value out')
        self._depth += 1
        self._nodes += 1
        if self._depth > DEEPEST:
            raise _refused(self.peek_event(), f'more than {DEEPEST} maps or lists within each other')
        if self._nodes > MOST_NODES:
            raise _refused(self.peek_event(), f'more than {MOST_NODES:,} keys and values')
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """The value of a node."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError, IndexError, OverflowError):  # e.g. !!int some, or 0x_
            raise _refused(node, f'"{shortened(str(node.value), 40)}", which is no {_name(node)}') from None

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        """The text of a node."""
        if node.tag in (f'{_TAG}int', f'{_TAG}float') and len(node.value) > LONGEST_NUMBER:
            raise _refused(node, f'a number of {len(node.value):,} characters; {LONGEST_NUMBER} are the most')
        text: str = super().construct_scalar(node)
        if not text.isascii() and any('\ud800' <= letter <= '\udfff' for letter in text):
            raise _refused(node, 'a text that is no Unicode: half of a letter')
        return text

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The entries of a map, each key a text that is there once."""
        if not isinstance(node, yaml.MappingNode):  # e.g. !!map some
            raise _refused(node, 'a map that is none')
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != f'{_TAG}str':
                raise _refused(
                    key, 'a key that is no name: write names, quoted where they look like a number'
                )
            if key.value in seen:
                raise _refused(key, f'"{shortened(key.value, 60)}" twice in one map: keep one of them')
            seen.add(key.value)
        return yaml.constructor.BaseConstructor.construct_mapping(self, node, deep)


def _name(node: yaml.Node) -> str:
    return str(node.tag).removeprefix(_TAG)[:20]


def _refused(where: Any, what: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=f'it holds {what}', problem_mark=where.start_mark)


def read_yaml(path: Path) -> Any:
    """The plain data of a file.

    Raises:
        OSError: it cannot be read, or is no file.
        YamlError: it is no YAML, or more than is read.
    """
    if path.exists() and not path.is_file():  # a pipe or a device might never end
        raise IsADirectoryError(f'{path} is no file')
    with path.open('rb') as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise YamlError(f'is larger than {LARGEST // 1024} KiB, so no parameter file')
    try:
        return parse_yaml(content.decode())
    except UnicodeDecodeError as error:
        raise YamlError(f'cannot be read: byte {error.start + 1} is no text in UTF-8') from None


def parse_yaml(text: str) -> Any:
    """The plain data of a text.

    Raises:
        YamlError: it is no YAML, or more than is read.
    """
    try:
        loader = _LimitedLoader(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = '' if mark is None else f' (line {mark.line + 1}, column {mark.column + 1})'
        raise YamlError(f'is no valid YAML: {shortened(str(error.problem), 120)}{where}') from None
    except yaml.YAMLError as error:
        raise YamlError(f'is no valid YAML: {shortened(str(error), 120)}') from None
    except (ValueError, OverflowError):  # PyYAML's own, e.g. of an escaped letter that Unicode does not have
        raise YamlError('is no valid YAML: it holds a number or a letter that there is not') from None
