"""Whether the arm played a ball to its end, told from what its controller and its drivers said meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.table_tennis.control.controller import ControllerState
from llm_policy_improver.table_tennis.guard.watchdog import WatchdogState
from llm_policy_improver.table_tennis.observation import NANOSECONDS, BallObservation

_ARMED: Final = (ControllerState.READY, ControllerState.PLAYING)
_STOPPED: Final = (WatchdogState.FAULT, WatchdogState.ESTOP)
_SILENT: Final = 0.2
"""s before the last sighting without a command from which on the controller had stopped to command."""
_ARMING: Final = 'arm it by controller/arm'
_JOINING: Final = 1.0
"""s that a node may take from its start to its first message."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """What the controller said.

    Attributes:
        stamp: ns, when.
        state: as in ``ControllerStatus.msg``.
        fault: why the arm was stopped; empty where it was not.
    """

    stamp: int
    state: str
    fault: str = ''


class ArmWitness:
    """Collects what tells that a ball was not played to its end, by the stamps of what came.

    Args:
        ball_lost: s without a sighting after which a ball is over; joint states must go on for half of it.
    """

    def __init__(self, ball_lost: float) -> None:
        self._afterwards = round(ball_lost / 2.0 * NANOSECONDS)
        self._began: int | None = None
        self._changes: list[StateChange] = []
        self._command: int | None = None
        self._joints: int | None = None

    def begin(self, stamp: int) -> None:
        """Recording begins at this moment, ns; balls may be on their way already."""
        self._began = stamp

    def see_state(self, change: StateChange) -> None:
        """The controller has said its state."""
        if not self._changes or self._changes[-1].state != change.state:
            self._changes.append(change)

    def see_command(self, stamp: int) -> None:
        """A command with this stamp, ns, has come."""
        self._command = stamp

    def see_joints(self, stamp: int) -> None:
        """A joint state with this stamp, ns, has come."""
        self._joints = stamp

    def forget(self) -> None:
        """The ball is over: only what holds on counts for the next one."""
        self._changes = self._changes[-1:]

    def reason(self, balls: Sequence[BallObservation]) -> str:
        """Why the ball with these sightings, at least one, was not played to its end; empty where it was.

        To be asked once the ball has not been seen for ``ball_lost``.
        """
        seen = sorted(balls, key=lambda ball: ball.stamp)
        first, last = seen[0].stamp, seen[-1].stamp
        return (
            self._not_armed(first)
            or self._stopped(first, last)
            or self._without_joints(last)
            or self._without_commands(last)
            or self._joined_late(seen)
        )

    def _not_armed(self, first: int) -> str:
        """An arm that may not move plays no ball, so that this one says nothing about its policy."""
        before = [change for change in self._changes if change.stamp <= first]
        if not before or before[-1].state in _ARMED:
            return ''
        state, fault = before[-1].state, before[-1].fault
        if state in _STOPPED:
            return f'the arm was stopped before this ball came ({fault}): call controller/resume, then {_ARMING}'
        return f'the arm was {state} when this ball came: {_ARMING}'

    def _stopped(self, first: int, last: int) -> str:
        before = ''
        for change in self._changes:
            if first < change.stamp <= last:
                if change.state in _STOPPED:
                    return f'the arm was stopped: {change.fault}'
                if change.state == WatchdogState.DISARMED and before in _ARMED:
                    return 'the arm was disarmed while this ball was in play'
            before = change.state
        return ''

    def _without_joints(self, last: int) -> str:
        if self._joints is None:
            return 'no joint states came'
        if self._joints < last + self._afterwards:
            return 'the joint states stopped while this ball was in play'
        return ''

    def _without_commands(self, last: int) -> str:
        if self._command is None:  # there is no controller, and there was none
            return ''
        silent = (last - self._command) / NANOSECONDS
        return f'the controller had sent no commands for {silent:.1f} s' if silent > _SILENT else ''

    def _joined_late(self, seen: Sequence[BallObservation]) -> str:
        """A ball that was in the air already does not come from the opponent's side."""
        if self._began is None or seen[0].stamp - self._began > _JOINING * NANOSECONDS:
            return ''
        comes = (
            seen[0].position[1] > 0.0 and seen[-1 if len(seen) < 5 else 4].position[1] < seen[0].position[1]
        )
        return '' if comes else 'recording began in the middle of this ball'
