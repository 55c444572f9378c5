"""Cuts the streams of sightings, encoders and commands into trials."""

from dataclasses import dataclass, field

import numpy as np

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.kinematics import ArmKinematics, Kinematics
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, BallObservation, Command
from llm_policy_improver.table_tennis.tracing.blade_hit import place_on_blade
from llm_policy_improver.table_tennis.tracing.incoming import incoming_measures
from llm_policy_improver.table_tennis.tracing.observed import UNTESTED, Outcome, TraceSamples, trial_of
from llm_policy_improver.table_tennis.tracing.outcome import Judgement, judge


@dataclass(slots=True)
class TraceRecorder:
    """Collects one trial. Its time starts with the first sighting of the ball.

    Attributes:
        kinematics: to note where the blade was.
        ball, filter: laws and noise with which the incoming ball's spin and bounce are measured.
        balls, arms, commands: what came so far, in order of arrival.
    """

    kinematics: Kinematics = field(default_factory=ArmKinematics)
    ball: BallModel = field(default_factory=BallModel)
    filter: FilterConfig = field(default_factory=FilterConfig)
    balls: list[BallObservation] = field(default_factory=list)
    arms: list[ArmObservation] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)

    def clear(self) -> None:
        """Forget everything, for the next trial."""
        self.balls.clear()
        self.arms.clear()
        self.commands.clear()

    @property
    def start(self) -> int | None:
        """ns stamp of the first sighting; None before it."""
        return min(ball.stamp for ball in self.balls) if self.balls else None

    @property
    def last_sighting(self) -> int | None:
        """ns stamp of the latest sighting; None before the first."""
        return max(ball.stamp for ball in self.balls) if self.balls else None

    def samples(self) -> TraceSamples:
        """The time series of the trial so far, in order of time; encoders without a command are left out."""
        start = self.start
        if start is None:
            return TraceSamples()
        balls = sorted(self.balls, key=lambda ball: ball.stamp)
        commands = {command.stamp: command for command in self.commands}
        ticks = [
            (arm, commands[arm.stamp])
            for arm in sorted(self.arms, key=lambda arm: arm.stamp)
            if arm.stamp >= start and arm.stamp in commands
        ]
        width = len(JOINTS)

        def rows(values: list[np.ndarray]) -> np.ndarray:
            return np.array(values, dtype=float).reshape(-1, width)

        positions = rows([arm.position for arm, _ in ticks])
        return TraceSamples(
            ball_time=np.array([(ball.stamp - start) / NANOSECONDS for ball in balls]),
            ball_position=np.array([ball.position for ball in balls]).reshape(-1, 3),
            joint_time=np.array([(arm.stamp - start) / NANOSECONDS for arm, _ in ticks]),
            joint_position=positions,
            joint_velocity=rows([arm.velocity for arm, _ in ticks]),
            requested_velocity=rows([command.requested for _, command in ticks]),
            applied_velocity=rows([command.applied for _, command in ticks]),
            racket_position=self.kinematics.blade_path(positions),
        )

    def finish(self, modulation: Modulation, arm_contact: str = '', aborted: str = '') -> Trial:
        """The trial, judged from the observed positions; the recorder is clear afterwards.

        Args:
            modulation: that was active.
            arm_contact: what the arm touched that it must not, in words.
            aborted: why the trial ended early; it is not judged then.
        """
        samples = self.samples()
        self.clear()
        judged = Judgement(Outcome.ABORTED, aborted) if aborted else judge(samples, arm_contact)
        measures = dict(judged.measures)
        if judged.outcome not in UNTESTED:
            measures |= incoming_measures(samples, modulation.expected, self.ball, self.filter)
            measures |= place_on_blade(samples, self.kinematics)
        return trial_of(modulation, judged.outcome, measures, judged.note, samples=samples)
