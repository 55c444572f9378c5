"""Gathers the messages that belong to one lockstep tick, in whatever order the topics deliver them."""

from dataclasses import dataclass, field

from llm_policy_improver.msg import LockstepTick
from llm_policy_improver.nodes.messages import stamp_of
from llm_policy_improver.observation import ArmObservation, BallObservation


@dataclass(frozen=True, slots=True, eq=False)
class CompleteTick:
    """A tick with everything that was seen at it.

    Attributes:
        message: the tick itself.
        arm: joint encoders at the tick.
        sightings: of the ball, new at this tick, in order of time.
    """

    message: LockstepTick
    arm: ArmObservation
    sightings: tuple[BallObservation, ...]


@dataclass(slots=True)
class LockstepGate:
    """Holds observations back until their tick is complete.

    The tick counts the sightings of its trial, so nothing is taken too early, and nothing twice.
    """

    _ticks: list[LockstepTick] = field(default_factory=list)
    _arms: dict[int, ArmObservation] = field(default_factory=dict)
    _balls: list[BallObservation] = field(default_factory=list)
    _taken: int = 0

    def add_tick(self, message: LockstepTick) -> None:
        """Of the simulator."""
        self._ticks.append(message)

    def add_arm(self, arm: ArmObservation) -> None:
        """Of ``joint_states``."""
        self._arms[arm.stamp] = arm

    def add_ball(self, ball: BallObservation) -> None:
        """Of ``ball/position``."""
        self._balls.append(ball)

    def pop(self) -> CompleteTick | None:
        """The next tick if all it counts has arrived, else None."""
        if not self._ticks:
            return None
        message = self._ticks[0]
        stamp = stamp_of(message.header.stamp)
        taken = self._taken if message.tick else 0
        due = sorted((ball for ball in self._balls if ball.stamp <= stamp), key=lambda ball: ball.stamp)
        if stamp not in self._arms or taken + len(due) < message.ball_observations:
            return None
        self._ticks.pop(0)
        arm = self._arms.pop(stamp)
        self._arms = {key: value for key, value in self._arms.items() if key > stamp}
        self._balls = [ball for ball in self._balls if ball.stamp > stamp]
        self._taken = int(message.ball_observations)
        return CompleteTick(message, arm, tuple(due))
