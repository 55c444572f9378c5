"""Who holds which role in a namespace, as heard from heartbeats; no ROS in here.

A node that was killed sends no heartbeats, while the graph of ROS shows it for up to 20 s more. So two nodes count as
both up only where the older one was still heard after the newer one had begun: a node that is started again meets no
ghost of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import Final

from llm_policy_improver.table_tennis.observation import NANOSECONDS

BEAT: Final = 0.5
"""s between two heartbeats."""
SILENT: Final = 2.0
"""s without a heartbeat after which a node does not hold its role any more."""
_SAME_AGE: Final = 1.0
"""s of age that tell no newcomer from who was there before: heartbeats take their time."""
_MOST: Final = 32
"""Holders that are remembered: a flood of heartbeats fills no memory."""


class Timing(StrEnum):
    """What a node goes by."""

    LOCKSTEP = 'lockstep'
    CLOCK = 'clock'
    EITHER = 'either'


@dataclass(frozen=True, slots=True)
class Claim:
    """That a node holds a role.

    Attributes:
        role: what only one node in a namespace may be, e.g. ``'controller'``.
        node: its fully qualified name.
        timing: what it goes by.
        holder: drawn at its start.
        process: where it runs, for people.
        age: s for which it has held the role.
    """

    role: str
    node: str
    timing: Timing
    holder: str
    process: str
    age: float = 0.0

    def excludes(self, other: 'Claim') -> bool:
        """Whether the two may not be up together: one of each role, and no simulation beside an arm."""
        return self.role == other.role or {self.timing, other.timing} == {Timing.LOCKSTEP, Timing.CLOCK}

    def came_after(self, other: 'Claim') -> bool:
        """Whether this is the newcomer of the two; the same for both of them."""
        if abs(self.age - other.age) > _SAME_AGE:
            return self.age < other.age
        return self.holder > other.holder

    def __str__(self) -> str:
        return f'{self.node} ({self.process})'


@dataclass(slots=True)
class _Heard:
    """Of one holder: ns of its first and last heartbeat, and how many there were."""

    claim: Claim
    first: int
    last: int
    beats: int = 1


class Claims:
    """All that a node has heard.

    Args:
        own: its own claim.
        began: ns, when it began to hold its role; of a steady clock, as all times here.
    """

    def __init__(self, own: Claim, began: int) -> None:
        self._own = own
        self._began = began
        self._heard: dict[str, _Heard] = {}

    def own(self, now: int) -> Claim:
        """The node's own claim, with its age."""
        return replace(self._own, age=max(now - self._began, 0) / NANOSECONDS)

    def hear(self, claim: Claim, now: int) -> None:
        """A heartbeat has come."""
        if claim.holder == self._own.holder:
            return
        known = self._heard.get(claim.holder)
        if known is not None:
            known.beats += claim.age > known.claim.age
            known.claim, known.last = claim, now
            return
        self._heard = {holder: heard for holder, heard in self._heard.items() if _there(heard, now)}
        if len(self._heard) < _MOST:
            self._heard[claim.holder] = _Heard(claim, now, now)

    def rivals(self, now: int, beats: int = 1) -> list[Claim]:
        """Who is there beside this node and may not be, after so many heartbeats."""
        return [
            heard.claim
            for heard in self._heard.values()
            if _there(heard, now) and heard.beats >= beats and self._own.excludes(heard.claim)
        ]

    def amiss(self, now: int) -> str:
        """Who is there that may not be with another one, in words; empty where nobody is."""
        for rival in self.rivals(now):
            return _clash(self.own(now), rival)
        for one, other in self._pairs(now):
            if one.claim.excludes(other.claim) and one.last > other.first and other.last > one.first:
                return _clash(one.claim, other.claim)
        return ''

    def _pairs(self, now: int) -> Iterator[tuple[_Heard, _Heard]]:
        yield from combinations([heard for heard in self._heard.values() if _there(heard, now)], 2)


def _there(heard: _Heard, now: int) -> bool:
    return now - heard.last <= SILENT * NANOSECONDS


def _clash(one: Claim, other: Claim) -> str:
    if one.role == other.role:
        return f'there are two nodes in the role of {one.role}: {one} and {other}'
    return f'simulation and arm are mixed: {one} goes by {one.timing}, {other} by {other.timing}'
