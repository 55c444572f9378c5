"""Gathers the messages that belong to one lockstep tick, in whatever order the topics deliver them."""

from dataclasses import dataclass, field

from llm_policy_improver.msg import LockstepTick
from llm_policy_improver.nodes.messages import stamp_of
from llm_policy_improver.table_tennis.observation import ArmObservation, BallObservation


@dataclass(frozen=True, slots=True, eq=False)
class CompleteTick:
    """A tick with everything that was seen at it.

    Attributes:
        message: the tick itself.
        arm: joint encoders at the tick.
        sightings: of the ball, new at this tick, in the order in which they were published.
    """

    message: LockstepTick
    arm: ArmObservation
    sightings: tuple[BallObservation, ...]


@dataclass(slots=True)
class LockstepGate:
    """Holds observations back until their tick is complete.

    The tick counts the sightings of its trial, so nothing is taken too early, and nothing twice. A tick that
    began before this node had joined lacks something for ever; it is dropped once that is certain.
    """

    _ticks: list[LockstepTick] = field(default_factory=list)
    _arms: dict[int, ArmObservation] = field(default_factory=dict)
    _balls: list[BallObservation] = field(default_factory=list)
    _taken: int = 0

    def add_tick(self, message: LockstepTick) -> None:
        """Of the simulator."""
        if message.aborted:
            self._ticks.clear()  # nobody waits for an answer to them any more
        self._ticks.append(message)

    def add_arm(self, arm: ArmObservation) -> None:
        """Of ``joint_states``."""
        self._arms[arm.stamp] = arm

    def add_ball(self, ball: BallObservation) -> None:
        """Of ``ball/position``."""
        self._balls.append(ball)

    def pop(self) -> CompleteTick | None:
        """The next tick if all it counts has arrived, else None."""
        while self._ticks:
            message = self._ticks[0]
            stamp = stamp_of(message.header.stamp)
            if message.tick == 0:
                self._taken = 0
                self._balls = [ball for ball in self._balls if ball.stamp >= stamp]  # not of an earlier trial
            # By their number and not by their stamps, as cameras that take their time show what was.
            due = max(0, int(message.ball_observations) - self._taken)
            arm = self._arms.get(stamp)
            seen = bool(message.aborted) or len(self._balls) >= due
            # Each topic keeps its order: what is followed by something later does not come any more.
            lost = (arm is None and any(key > stamp for key in self._arms)) or (
                not seen and any(ball.stamp > stamp for ball in self._balls)
            )
            if not lost and (arm is None or not seen):
                return None
            self._ticks.pop(0)
            # An arm of this very stamp stays: a trial that is given up ends with a second tick of it.
            self._arms = {key: value for key, value in self._arms.items() if key >= stamp}
            self._taken = int(message.ball_observations)
            if arm is None or lost:
                self._balls = [ball for ball in self._balls if ball.stamp > stamp]
                continue
            sightings, self._balls = tuple(self._balls[:due]), self._balls[due:]
            return CompleteTick(message, arm, sightings)
        return None
