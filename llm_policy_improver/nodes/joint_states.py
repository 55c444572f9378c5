"""Joint states in one message for all joints, or in several: one joint_state_broadcaster for each group of drives."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import JointState

from llm_policy_improver.nodes.messages import stamp_of
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation

OLDEST: Final = 0.05
"""s, by default, by which the stamps of the joints in one observation may differ."""
_NEVER: Final = -1


class JointStates:
    """Makes observations of all joints from messages that show all or some of them, in any order.

    A message with all joints comes out as it is, bit for bit. Where it shows some, the others are brought to its
    stamp: each goes on from its last position with its own velocity. For the controller's `LatencyModel` expects
    every joint to be late by a constant time; held positions would be late by up to a period of their driver more.
    A joint that reads the same as in its message before is held all the same: a frozen encoder must look frozen.

    A message makes an observation unless there was one since the message before of the same joints. So there are
    never more than the group makes that reports most often, and of two at the same rate the one counts that completes
    the set. Stamps of observations made of several messages grow.

    Args:
        names: what the drivers call the joints, in the order of `arm.joints.JOINTS`.
        oldest: s that stamps may differ. While a group is silent for longer there is no observation, and the
            watchdog stops the arm for want of them.
    """

    def __init__(self, names: Sequence[str], oldest: float = OLDEST) -> None:
        self._names = tuple(names)
        self._oldest = round(oldest * NANOSECONDS)
        self._places: dict[tuple[tuple[str, ...], int], tuple[list[int], list[int]]] = {}
        self._forget()

    def _forget(self) -> None:
        count = len(self._names)
        self._stamp = np.full(count, _NEVER, dtype=np.int64)
        self._position, self._velocity = np.zeros(count), np.zeros(count)
        self._moves = np.zeros(count, dtype=bool)
        # Whether there was an observation since the last message of each joint.
        self._told = np.zeros(count, dtype=bool)
        self._first = self._latest = self._last = _NEVER

    def add(self, message: JointState) -> ArmObservation | None:
        """A message has come; the observation that it makes, None where it makes none."""
        stamp = stamp_of(message.header.stamp)
        joints, places = self._found(message)
        if joints or self._stamp.max() == _NEVER:  # other joints of this topic are nobody's business
            self._first = stamp if self._first == _NEVER else self._first
            self._latest = max(self._latest, stamp)
        if not joints:
            return None
        position = np.array([message.position[place] for place in places])
        velocity = np.array([message.velocity[place] for place in places])
        newest = int(self._stamp[joints].max())
        if stamp < newest - self._oldest:  # the clock was set
            self._forget()
            self._first = self._latest = stamp
            newest = _NEVER
        if stamp > newest:
            self._take(joints, stamp, position, velocity)
        if len(joints) == len(self._names):
            return ArmObservation(
                stamp, position, velocity
            )  # also an old one: the watchdog tells what is wrong
        told = bool(self._told[joints].any())
        if stamp <= newest:
            return None
        self._told[joints] = False
        if told or stamp <= self._last or self._missing.any():
            return None
        self._told[:] = True
        self._told[joints] = False
        self._last = stamp
        return ArmObservation(stamp, self._brought_to(stamp), self._velocity.copy())

    @property
    def lacking(self) -> tuple[str, ...]:
        """Joints, as the drivers call them, that have not been shown for too long, while others were."""
        if self._latest - self._first <= self._oldest:
            return ()
        return tuple(self._names[joint] for joint in np.flatnonzero(self._missing))

    @property
    def _missing(self) -> NDArray[np.bool_]:
        """(8,) joints that no observation can be made of."""
        return (self._stamp == _NEVER) | (self._stamp < self._latest - self._oldest)

    def _found(self, message: JointState) -> tuple[list[int], list[int]]:
        """Which joints the message shows with position and velocity, in their order, and at which places."""
        count = min(len(message.position), len(message.velocity))
        key = tuple(message.name), count
        if key not in self._places:
            order = {name: place for place, name in enumerate(message.name)}
            pairs = [
                (joint, order[name])
                for joint, name in enumerate(self._names)
                if order.get(name, count) < count
            ]
            self._places[key] = [joint for joint, _ in pairs], [place for _, place in pairs]
        return self._places[key]

    def _take(
        self, joints: list[int], stamp: int, position: NDArray[np.float64], velocity: NDArray[np.float64]
    ) -> None:
        seen_before = self._stamp[joints] != _NEVER
        self._moves[joints] = seen_before & (position != self._position[joints])
        self._stamp[joints] = stamp
        self._position[joints], self._velocity[joints] = position, velocity

    def _brought_to(self, stamp: int) -> NDArray[np.float64]:
        """(8,) m and rad."""
        age = (stamp - self._stamp) / NANOSECONDS
        goes_on = self._moves & (age != 0.0) & np.isfinite(self._velocity)
        way = np.where(goes_on, self._velocity, 0.0) * age
        return np.where(goes_on, self._position + way, self._position)
