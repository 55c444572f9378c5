"""A robot beside which people stand: what a page shows them of it, and what they can do to it; no ROS in here."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from llm_policy_improver.report.told_steps import Change

READY: Final = 'ready'
PLAYING: Final = 'playing'
DISARMED: Final = 'disarmed'
FAULT: Final = 'fault'
ESTOP: Final = 'estop'
"""States of the controller, as ``ControllerStatus`` has them."""
RUNNING: Final = 'running'
WAITING: Final = 'waiting_for_approval'
"""States of the optimizer in which a run goes on, as ``OptimizerStatus`` has them."""


class RobotError(RuntimeError):
    """It could not be done; the message says why, in one sentence."""


class Kind(StrEnum):
    """What moves, as far as its nodes say."""

    NOBODY = 'No controller'
    SIMULATION = 'Simulation'
    STAND_IN = 'Stand-in arm: nothing physical moves'
    PHYSICAL = 'Physical arm'


@dataclass(frozen=True, slots=True)
class Number:
    """A parameter of a proposal, which a person may change.

    Attributes:
        label: for people.
        value: as proposed.
        low, high: bounds; None where they are not known here: who takes the decision knows them.
    """

    label: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A proposal that waits for a person.

    Attributes:
        version: that it would have.
        proposed_by: who made it.
        told: names and texts: why, what is expected, what the checks and the rehearsal said.
        changed_from: what it is compared with, for people; empty where with nothing.
        changes: from that, the largest first.
        contradictions: where what it says does not fit what it changes, or the trials, a sentence each.
        thoughts: heading and text of what a language model wrote.
        source: of a program; it has no numbers then.
        numbers: its parameters.
        landing: where the ball is expected, m, frame ``table``; None where nothing is said.
    """

    version: int
    proposed_by: str
    told: tuple[tuple[str, str], ...]
    changed_from: str
    changes: tuple[Change, ...]
    contradictions: tuple[str, ...]
    thoughts: tuple[tuple[str, str], ...]
    source: str
    numbers: tuple[Number, ...]
    landing: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class RobotState:
    """What was heard last.

    Attributes:
        kind: what moves.
        controller: its state; empty before it was heard.
        silent: whether it was heard, and has said nothing for too long.
        fault: why it was stopped; empty otherwise.
        message: what it accepted or refused last.
        optimizer: its state; empty before it was heard.
        objective, aim, method: of its run; the person's words, what is aimed at, who proposes.
        played, trials: of its run, so far and in all.
        reason: why the last parameters, or why the run ended early.
        run: name of its store; empty before anything was published.
        offer: the proposal that waits; None where none does.
        left_out: messages that no node of the run had sealed.
    """

    kind: Kind = Kind.NOBODY
    controller: str = ''
    silent: bool = False
    fault: str = ''
    message: str = ''
    optimizer: str = ''
    objective: str = ''
    aim: str = ''
    method: str = ''
    played: int = 0
    trials: int = 0
    reason: str = ''
    run: str = ''
    offer: Offer | None = None
    left_out: int = 0

    @property
    def improving(self) -> bool:
        """Whether a run goes on."""
        return self.optimizer in (RUNNING, WAITING)


class Robot(Protocol):
    """Nodes that run. Any thread may use it; all but `state` may take seconds, and raise `RobotError`.

    What is refused by the nodes is refused here: nothing goes past their gates.
    """

    @property
    def keyed(self) -> bool:
        """Whether arming, resuming, deciding and beginning are for people with the operator's key alone."""

    def state(self) -> RobotState:
        """What was heard last, at once."""

    def emergency_stop(self) -> str:
        """Stop the arm; what happens now, in a sentence, as of all that follow."""

    def disarm(self) -> str:
        """Slow the arm down and keep it standing."""

    def cancel(self) -> str:
        """End the run after the ball in flight."""

    def arm(self, by: str) -> str:
        """Let the arm move: it goes to its ready pose at once."""

    def resume(self, by: str) -> str:
        """After a fault or a stop: disarmed, to be armed again."""

    def understood(self, words: str) -> tuple[str, str]:
        """What would be aimed at, empty where the words allow no measure, and what would happen; nothing begins."""

    def begin(self, words: str) -> str:
        """Begin a run towards an objective."""

    def decide(self, offer: Offer, decision: str, by: str, reason: str, values: Sequence[float]) -> str:
        """Decide on what was shown, and on nothing else.

        Args:
            offer: of `state`.
            decision: one of `loop.approval.DECISIONS`.
            by: who decides, for the record.
            reason: why; a rejection must have one, which the next prompt tells.
            values: to edit: one number for each of the offer's.
        """
