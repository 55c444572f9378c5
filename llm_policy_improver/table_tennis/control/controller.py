"""The low-level controller: watches the ball, plans a stroke, commands joint velocities.

It is the same in simulation and on the arm: it sees joint encoders and camera sightings and nothing else.
Attenuation multiplies its command, the residual is added, the limits come last.
"""

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.core.ranges import require_ranges
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.joint_model import LAG, JointModel, LatencyModel
from llm_policy_improver.table_tennis.arm.kinematics import ArmKinematics, Kinematics
from llm_policy_improver.table_tennis.arm.limits import Limits
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball.filter import BallFilter, FilterConfig
from llm_policy_improver.table_tennis.ball.prediction import BallState, advance
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.control.choosing import AHEAD, Chooser, IncomingBall
from llm_policy_improver.table_tennis.control.interception import choose_interception
from llm_policy_improver.table_tennis.control.stroke import HOME, Stroke, StrokeConfig, joint_hit
from llm_policy_improver.table_tennis.observation import (
    NANOSECONDS,
    ArmObservation,
    BallObservation,
    Command,
    SpinObservation,
)

Array = NDArray[np.float64]

_FASTEST: Array = arm.per_joint(1.75, 1.75, np.inf)
"""(8,) m/s, of the slides: a drive that reverses at more overshoots the joint's limit. One by one, as a slide that
is late must not slow the axes."""

_SHORTEST_STROKE: Final = 0.06
"""s, with which any stroke can be tried."""

ANNOUNCED: Final = 1.0
"""s before a ball's first sighting that an observation of its spin may be: a feeder knows it before the cameras."""

LONGEST_PLAY: Final = 5.0
"""s after its first sighting at which a ball's play is over though it is still seen: it lies somewhere in view. From
the opponent's side to where a return comes down a ball takes less than 3 s."""


@dataclass(frozen=True, slots=True)
class ControllerConfig:
    """Settings of the controller.

    Attributes:
        period: s between commands.
        first_plan: sightings of the ball before the first plan.
        ball_lost: s without a sighting after which a ball's play is over.
        homing_gain: 1/s, with which the arm returns to its ready pose between balls.
        ball: the controller's own model of flight and bounces; of the table's it is told what trials showed.
        latency, filter, stroke, limits: see there.
    """

    period: float = 0.02
    first_plan: int = 4
    ball_lost: float = 0.3
    homing_gain: float = 2.0
    ball: BallModel = field(default_factory=BallModel)
    latency: LatencyModel = field(default_factory=LatencyModel)
    filter: FilterConfig = field(default_factory=FilterConfig)
    stroke: StrokeConfig = field(default_factory=StrokeConfig)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not 0.001 <= self.period <= 0.02:
            raise ValueError(
                f'period must be between 0.001 and 0.02 s (50 Hz or more); got {self.period:g} s'
            )
        require_ranges(
            self,
            {
                'first_plan': (3, 1000, ' sightings'),
                'ball_lost': (0.05, 5.0, ' s'),
                'homing_gain': (0.0, 10.0, ' 1/s'),
            },
        )


class ControllerState(StrEnum):
    """Values as in ``ControllerStatus.msg``."""

    READY = 'ready'
    PLAYING = 'playing'


class LowLevelController:
    """Plays one ball after the other.

    Args:
        config: its settings.
        kinematics: of the arm.
        chooser: chooses the parameters of each ball's swing; None: those offered hold for the whole stroke.

    Example:
        >>> controller = LowLevelController()
        >>> still = ArmObservation(stamp=0, position=HOME, velocity=np.zeros(8))
        >>> float(np.abs(controller.command(still).applied).max())
        0.0
    """

    def __init__(
        self,
        config: ControllerConfig | None = None,
        kinematics: Kinematics | None = None,
        chooser: Chooser | None = None,
    ) -> None:
        self.config = config or ControllerConfig()
        self._kinematics = kinematics or ArmKinematics()
        self._parameters = Modulation()
        self._waiting: Modulation | None = None
        self._chooser: Chooser | None = None
        self._use(self._parameters)
        self._joints = JointModel(self.config.latency, self.config.period)
        self._action_delay = self.config.latency.action
        self._slowest = float(self._action_delay.max())
        self._outlasted: int | None = None
        self.end_ball()
        self._rehearse()
        self._chooser = chooser
        self._use(self._parameters)

    @property
    def parameters(self) -> Modulation:
        """The parameters in use."""
        return self._parameters

    @property
    def state(self) -> ControllerState:
        """Whether a ball is in play."""
        return ControllerState.READY if self._origin is None else ControllerState.PLAYING

    @property
    def swinging(self) -> bool:
        """Whether there is a stroke: its commands follow the plan, whatever the arm does."""
        return self._stroke.hit is not None

    def offer(self, parameters: Modulation) -> None:
        """Use these parameters from now on; during a ball's play, from its end on."""
        if self.state is ControllerState.PLAYING:
            self._waiting = parameters
            return
        self._waiting = None
        self._parameters = parameters
        self._use(parameters)

    def _use(self, parameters: Modulation) -> None:
        """They hold for the next ball, till others are chosen for its swing."""
        self._attenuation = np.array(parameters.attenuation)
        self._residual = np.array(parameters.residual)
        self._ball = parameters.expected.model(self.config.ball)
        self._filter = BallFilter(self._ball, self.config.filter, parameters.expected.spin)
        if self._chooser is not None:
            self._chooser.prepare(parameters)

    def _rehearse(self) -> None:
        """Play an imaginary ball: nothing is to be compiled or loaded while a real one is in the air."""
        ball = BallState(0.0, (0.1, 1.5, 0.3), (-0.25, -5.6, 1.75), (0.0, 0.0, 0.0))
        for _ in range(60):
            stamp = round(ball.time * NANOSECONDS)
            self.observe_ball(BallObservation(stamp, ball.position))
            self.command(ArmObservation(stamp, HOME, np.zeros(len(arm.ARM))))
            ball, _ = advance(self.config.ball.law, ball, 0.02)
        self.end_ball()

    def end_ball(self) -> None:
        """The ball is out of play: forget it, and take up parameters that waited for this."""
        self._origin: int | None = None
        self._announced: SpinObservation | None = None
        self._last_sighting = 0
        self._stroke = Stroke(self.config.stroke, self._action_delay)
        self._meeting_y: float | None = None
        self._began: float | None = None
        self._joints.forget()
        self._choice = _Choice.TO_COME
        self._use(self._parameters)
        if self._waiting is not None:
            self.offer(self._waiting)

    def observe_ball(self, sighting: BallObservation) -> None:
        """Take one sighting of the ball; the first one after a pause starts a new ball's play."""
        if self.ignores(sighting):
            self._outlasted = sighting.stamp
            return
        self._outlasted = None
        if (
            self._origin is not None
            and sighting.stamp - self._last_sighting > self.config.ball_lost * NANOSECONDS
        ):
            self.end_ball()
        if self._origin is None:
            self._origin = sighting.stamp
            if self._announced is not None:
                self.observe_spin(self._announced)
        self._last_sighting = max(self._last_sighting, sighting.stamp)
        if not self._stroke.frozen:  # what is fixed needs no further estimate
            self._filter.observe((sighting.stamp - self._origin) / NANOSECONDS, sighting.position)
            if sighting.spin is not None:
                self.observe_spin(SpinObservation(sighting.stamp, sighting.spin))

    def observe_spin(self, seen: SpinObservation) -> None:
        """Take an observation of the ball's spin; one a little before its first sighting counts, too."""
        if self._origin is None:
            self._announced = seen
        elif not self._stroke.frozen and seen.stamp > self._origin - ANNOUNCED * NANOSECONDS:
            self._filter.observe_spin((seen.stamp - self._origin) / NANOSECONDS, seen.spin)

    def ignores(self, sighting: BallObservation) -> bool:
        """Whether it shows a ball that was not out of sight since its play was over after `LONGEST_PLAY`."""
        return (
            self._outlasted is not None
            and sighting.stamp - self._outlasted <= self.config.ball_lost * NANOSECONDS
        )

    def command(self, arm_now: ArmObservation) -> Command:
        """The joint velocities for the coming control period."""
        if self._origin is not None:
            if arm_now.stamp - self._last_sighting > self.config.ball_lost * NANOSECONDS:
                self.end_ball()
            elif arm_now.stamp - self._origin > LONGEST_PLAY * NANOSECONDS:
                self._outlasted = self._last_sighting
                self.end_ball()
        position, velocity = self._joints.correct(arm_now.position, arm_now.velocity)
        requested = self._requested(arm_now.stamp, position, velocity)
        modulated = self._modulated(requested)
        applied, limited = self.config.limits.enforce(modulated, position)
        self._joints.send(applied)
        return Command(arm_now.stamp, requested, applied, limited)

    def _modulated(self, requested: Array) -> Array:
        """The policy parameters shape strokes; an arm that waits for a ball neither drifts nor stays away."""
        return requested if self._stroke.hit is None else self._attenuation * requested + self._residual

    def _requested(self, stamp: int, position: Array, velocity: Array) -> Array:
        """The bare controller's joint velocities (8,), for joints that will be in this state when it arrives."""
        if self._origin is None:
            return np.asarray(self.config.homing_gain * (HOME - position))
        time = (stamp - self._origin) / NANOSECONDS
        self._plan(time, position, velocity)
        self._choose(time)
        if self._stroke.hit is None:
            return np.zeros(len(arm.ARM))
        # The drives follow their set points with a time constant; the set points lead by as much.
        period = self.config.period
        return _leading(*self._stroke.during(time, period), period)

    def _plan(self, time: float, position: Array, velocity: Array) -> None:
        """Plan where it is due, from the joint state that there will be then.

        Args:
            position, velocity: (8,) of each joint when its next command takes effect.
        """
        stroke, state = self._stroke, self._filter.state
        if state is None or self._filter.sightings < self.config.first_plan:
            return
        # All joints start the new plan at one time; the slowest command takes effect in this period.
        start = time + self._slowest
        if stroke.due >= start + self.config.period:
            return
        moment, hit = max(start, stroke.due), stroke.hit
        looks = stroke.looks and self._filter.bounces <= 1
        ball = self._interception(state, start) if looks else None
        if ball is not None:
            if self._meeting_y is None and ball.time - moment <= self.config.stroke.settled:
                self._meeting_y = ball.position[1]
            guess = HOME if hit is None else hit.q
            hit = joint_hit(self._kinematics, self._ball, ball, self.config.stroke, guess)
        if hit is None:
            return
        if self._began is None:
            self._began = start
        way, change = stroke.until(time, moment)
        stroke.aim(hit, moment, position + way, velocity + change)

    def _choose(self, time: float) -> None:
        """Have the parameters of the swing chosen a little before it is fixed, and take them up when it is."""
        chooser, start, state = self._chooser, time + self._slowest, self._filter.state
        if chooser is None or self._choice is _Choice.MADE or state is None:
            return
        left = self._stroke.swing_starts() - start
        if left <= 1e-9:
            self._choice = _Choice.MADE
            chosen = chooser.take()
            if chosen is not None:
                self._attenuation, self._residual = chosen
        elif left <= AHEAD + 1e-9 and self._choice is _Choice.TO_COME:
            ball = self._interception(state, start)
            if ball is not None:
                self._choice = _Choice.ASKED
                chooser.ask(IncomingBall.of(ball, time))

    def _interception(self, state: BallState, start: float) -> BallState | None:
        """Where to hit a ball that is in this state, for joints that begin at ``start``, s."""
        return choose_interception(
            self._ball,
            state,
            self._filter.bounces > 0,
            (start if self._began is None else self._began) + _SHORTEST_STROKE,
            self.config.stroke.interception,
            self._meeting_y,
        )


class _Choice(Enum):
    """Of the parameters of a ball."""

    TO_COME = 0
    ASKED = 1
    MADE = 2


@compiled
def _leading(way: Array, change: Array, period: float) -> Array:
    """The command (8,) that takes each drive's set point this way on in a period, ahead by the drive's lag.

    Args:
        way, change: (8,) of position and of velocity.
    """
    command = np.empty(len(way))
    for joint in range(len(way)):
        speed = (way[joint] + LAG[joint] * change[joint]) / period
        command[joint] = min(max(speed, -_FASTEST[joint]), _FASTEST[joint])
    return command
