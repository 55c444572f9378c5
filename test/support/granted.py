"""What an SROS2 policy lets a node do, and what the node does in the graph, in the same words."""

import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from rclpy.node import Node, NodeNameNonExistentError

KINDS: Final = {
    'topics': ('topic', ('publish', 'subscribe')),
    'services': ('service', ('reply', 'request')),
    'actions': ('action', ('call', 'execute')),
}
"""Elements of a profile, what each holds, and its rules: ``policy.xsd`` of ros2/sros2, version 0.2.0."""
_ACTION: Final = '/_action/'
_GOALS: Final = ('cancel_goal', 'get_result', 'send_goal')
_TOLD: Final = ('feedback', 'status')


@dataclass(frozen=True)
class Granted:
    """Fully qualified names, by what is done with them."""

    publish: set[str] = field(default_factory=set)
    subscribe: set[str] = field(default_factory=set)
    reply: set[str] = field(default_factory=set)
    request: set[str] = field(default_factory=set)
    call: set[str] = field(default_factory=set)
    execute: set[str] = field(default_factory=set)

    def differs(self, other: 'Granted') -> list[str]:
        """What is in one of the two only."""
        return [
            f'{entry.name} {name}'
            for entry in fields(self)
            for name in sorted(getattr(self, entry.name) ^ getattr(other, entry.name))
        ]


@dataclass(frozen=True)
class Profile:
    """Of one node: its enclave, its namespace (which may be a pattern), its name, and its element."""

    enclave: str
    namespace: str
    node: str
    element: ElementTree.Element

    def granted(self, namespace: str) -> Granted:
        """In that namespace, with names resolved as sros2's ``permissions.xsl`` does."""
        assert fnmatch.fnmatch(namespace, self.namespace)
        found = Granted()
        for group in self.element:
            one, _ = KINDS[group.tag]
            for rule in group.attrib:
                getattr(found, rule).update(
                    self._resolved(str(name.text), namespace) for name in group.findall(one)
                )
        return found

    def _resolved(self, name: str, namespace: str) -> str:
        prefix = f'{namespace.rstrip("/")}/'
        if name.startswith('/'):
            return name
        return f'{prefix}{self.node}{name[1:]}' if name.startswith('~') else f'{prefix}{name}'


def profiles_of(policy: Path) -> list[Profile]:
    """All of a policy file."""
    return [
        Profile(str(enclave.get('path')), str(profile.get('ns')), str(profile.get('node')), profile)
        for enclave in ElementTree.parse(policy).getroot().iterfind('enclaves/enclave')
        for profile in enclave.iterfind('profiles/profile')
    ]


def done_by(probe: Node, node: str, namespace: str) -> Granted:
    """What a node of the graph does, as another one sees it; an action is one thing here, and not eight."""
    looks = (
        probe.get_publisher_names_and_types_by_node,
        probe.get_subscriber_names_and_types_by_node,
        probe.get_service_names_and_types_by_node,
        probe.get_client_names_and_types_by_node,
    )
    try:
        publish, subscribe, reply, request = ({name for name, _ in look(node, namespace)} for look in looks)
    except NodeNameNonExistentError:  # not found yet
        return Granted()
    return Granted(
        publish, subscribe, reply, request,
        call=_actions(request, subscribe), execute=_actions(reply, publish),
    )  # fmt: skip


def _actions(services: set[str], topics: set[str]) -> set[str]:
    """Takes from both what belongs to whole actions; their names."""
    names = {name.partition(_ACTION)[0] for name in services if _ACTION in name}
    whole = set()
    for name in names:
        asked, told = _parts(name, _GOALS), _parts(name, _TOLD)
        if asked <= services and told <= topics:
            services -= asked
            topics -= told
            whole.add(name)
    return whole


def _parts(name: str, parts: Iterable[str]) -> set[str]:
    return {f'{name}{_ACTION}{part}' for part in parts}


def faults_of_form(policy: Path) -> Iterator[str]:
    """Where a policy file departs from ``policy.xsd``, or says something twice."""
    root = ElementTree.parse(policy).getroot()
    if (root.tag, root.attrib) != ('policy', {'version': '0.2.0'}) or [child.tag for child in root] != ['enclaves']:
        yield 'policy'
    for enclave in root[0]:
        of_enclave = enclave.tag, set(enclave.attrib), {part.tag for part in enclave}
        if of_enclave != ('enclave', {'path'}, {'profiles'}):
            yield f'enclave {enclave.attrib}'
        for profile in enclave.iterfind('profiles/*'):
            if profile.tag != 'profile' or set(profile.attrib) != {'ns', 'node'}:
                yield f'profile {profile.attrib}'
            for group in profile:
                one, rules = KINDS.get(group.tag, ('', ()))
                names = [str(name.text) for name in group if name.tag == one]
                ruled = len(group.attrib) == 1 and set(group.attrib.items()) <= {(rule, 'ALLOW') for rule in rules}
                named = 0 < len(set(names)) == len(names) == len(group)
                if not ruled or not named:
                    yield f'{profile.get("node")}: {group.tag} {group.attrib} {names}'
