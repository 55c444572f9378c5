"""Where arm and ball are when somebody looks: as drivers and cameras report it, or as a stored trial had it."""

import math
import time
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
from geometry_msgs.msg import PointStamped
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import JointState

from llm_policy_improver.nodes.joint_states import JointStates
from llm_policy_improver.nodes.messages import ball_of
from llm_policy_improver.nodes.motion_markers import Moment
from llm_policy_improver.nodes.polled import Polled
from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.arm.frames import FrameError
from llm_policy_improver.table_tennis.ball.track import BallTrack
from llm_policy_improver.table_tennis.guard.sensor_checks import why_misplaced
from llm_policy_improver.table_tennis.observation import NANOSECONDS
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples
from llm_policy_improver.table_tennis.visualizer_settings import VisualizerSettings

_STANDS: Final = 1e-4
"""m and rad; who moves less is not shown anew."""
_STATES: Final = 10
"""Joint states that are read at a look: at least one of each group, if one comes at a fifth of the other's rate."""
_APART: Final = 1.0
"""s between the states of two groups that are shown together."""
_SIGHTINGS: Final = 200
"""That are kept between two looks."""
_OLD: Final = 2.0
"""s from picture to sighting, as the trace logger takes them."""
_AHEAD: Final = 0.5
"""s of a stamp in the future, likewise."""


class Motion(Protocol):
    """What there is to see."""

    def look(self) -> Moment | None:
        """What is to be shown now; None where nothing has changed since the last look."""


class LiveMotion:
    """Of the arm, by the clock.

    Args:
        node: that listens.
        settings: topics, names, frames and laws.
    """

    def __init__(self, node: Node, settings: VisualizerSettings) -> None:
        self._node = node
        self._cameras = settings.cameras
        self._states = Polled(node, JointState, settings.joint_state_topic, _STATES)
        self._sightings = Polled(node, PointStamped, settings.ball_topic, _SIGHTINGS)
        self._joints = JointStates(settings.driver_joint_names, oldest=_APART)
        self._track = BallTrack(settings.ball, settings.filter, settings.trail)
        self._origin: int | None = None
        self._shown: NDArray[np.float64] | None = None
        self._ball_shown = False

    def look(self) -> Moment | None:
        """What is to be shown now; None where nothing has changed since the last look."""
        joints, now = self._read_joints(), int(self._node.get_clock().now().nanoseconds)
        self._read_sightings(now)
        in_sight = not self._track.lost_at(self._since(now))
        moves = joints is not None and (self._shown is None or bool(np.abs(joints - self._shown).max() > _STANDS))
        if not (moves or in_sight or self._ball_shown):
            return None
        self._ball_shown = in_sight
        self._shown = joints if moves else self._shown
        return Moment(self._shown, self._track.behind, self._track.ahead) if in_sight else Moment(self._shown)

    def _read_joints(self) -> NDArray[np.float64] | None:
        """(8,) m and rad, the newest; None where there are none since the last look."""
        newest = None
        for message in self._states.take():
            arm = self._joints.add(message)
            if arm is not None and np.isfinite(arm.position).all():
                newest = arm.position
        return newest

    def _read_sightings(self, now: int) -> None:
        for message in self._sightings.take():
            try:
                sighting = self._cameras.to_table(ball_of(message), message.header.frame_id)
            except FrameError:
                continue  # the controller refuses it, too, and says so
            if not why_misplaced(sighting, now, _OLD, _AHEAD):
                self._track.see(self._since(sighting.stamp), sighting.position)

    def _since(self, stamp: int) -> float:
        """s since the first stamp that was asked for."""
        self._origin = stamp if self._origin is None else self._origin
        return (stamp - self._origin) / NANOSECONDS


class PlayedBack:
    """Trials that are over, at the speed they had; of those that come meanwhile the newest one is next.

    Before the first one the arm is shown in its ready pose.

    Args:
        settings: laws and trail.
        clock: s, of a clock that nobody sets.
    """

    def __init__(self, settings: VisualizerSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._next: TraceSamples | None = None
        self._played: TraceSamples | None = None
        self._began, self._begun = -math.inf, False
        self._track = self._new_track()
        self._seen = 0

    def play(self, samples: TraceSamples) -> None:
        """A trial is over."""
        if len(samples.ball_time):
            self._next = samples

    def look(self) -> Moment | None:
        """What is to be shown now; None where nothing has changed since the last look."""
        if not self._begun:
            self._begun = True
            return Moment(np.array(HOME))
        if self._played is None:
            if self._next is None:
                return None
            self._played, self._next = self._next, None
            self._began, self._track, self._seen = self._clock(), self._new_track(), 0
        played, since = self._played, self._clock() - self._began
        row = int(np.searchsorted(played.joint_time, since, side='right')) - 1
        joints = played.joint_position[max(row, 0)] if len(played.joint_position) else None
        if since > played.ball_time[-1]:
            self._played = None
            return Moment(joints)
        while played.ball_time[self._seen] <= since:
            x, y, z = played.ball_position[self._seen].tolist()
            self._track.see(float(played.ball_time[self._seen]), (x, y, z))
            self._seen += 1
        return Moment(joints, self._track.behind, self._track.ahead)

    def _new_track(self) -> BallTrack:
        return BallTrack(self._settings.ball, self._settings.filter, self._settings.trail)
