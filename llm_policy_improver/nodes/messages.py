"""Between the package's plain data and its ROS messages."""

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, PointStamped, Vector3, Vector3Stamped
from numpy.typing import NDArray
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from llm_policy_improver import msg
from llm_policy_improver.core.policy import ParameterError, Parameters, Policy, Program
from llm_policy_improver.core.space import Carrier, ParameterSpace
from llm_policy_improver.core.text import clean_line, clean_text
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import CHOSEN, BallProgram, Modulation
from llm_policy_improver.table_tennis.ball.expected import Expected
from llm_policy_improver.table_tennis.ball.restitution import Restitution
from llm_policy_improver.table_tennis.ball.spin import Spin
from llm_policy_improver.table_tennis.ball.state import Vec
from llm_policy_improver.table_tennis.ball_choice import OBSERVED, BallChoice, Fallback
from llm_policy_improver.table_tennis.observation import (
    NANOSECONDS,
    ArmObservation,
    BallObservation,
    Command,
    SpinObservation,
)
from llm_policy_improver.table_tennis.tracing.observed import Outcome, TraceSamples, landing_of, trial_of

FRAME = 'table'

LONGEST_LINE: Final = 500
"""Characters of a line, e.g. a reason, that another node sends."""
LONGEST_NAME: Final = 200
"""Characters of a name that another node sends."""


class MessageError(ValueError):
    """A message does not hold what it must; one sentence says what is wrong with it."""


def line_of(text: str) -> str:
    """A line that another node sends, as it may be shown and stored."""
    return clean_line(text, LONGEST_LINE)


def name_of(text: str) -> str:
    """The same of a name."""
    return clean_line(text, LONGEST_NAME)


def stamp_of(message: Time) -> int:
    """ns."""
    return int(message.sec) * NANOSECONDS + int(message.nanosec)


def time_of(stamp: int) -> Time:
    """From ns."""
    return Time(sec=stamp // NANOSECONDS, nanosec=stamp % NANOSECONDS)


def header_of(stamp: int, frame: str = '') -> Header:
    """With a stamp in ns."""
    return Header(stamp=time_of(stamp), frame_id=frame)


def doubles(values: Iterable[float] | NDArray[np.float64]) -> 'array[float]':
    """For a ``float64[]`` field: the fastest form rclpy takes."""
    return array('d', values.ravel().tolist() if isinstance(values, np.ndarray) else values)


def point(values: Vec | Sequence[float] | None) -> Point:
    """From (x, y, z) in metres; all NaN for None."""
    x, y, z = (math.nan,) * 3 if values is None else (float(value) for value in values)
    return Point(x=x, y=y, z=z)


def number(value: float | None) -> float:
    """NaN for None."""
    return math.nan if value is None else float(value)


def numbers_of(carrier: Carrier) -> tuple[list[str], 'array[float]']:
    """Names and values of a policy; none of a program."""
    policy = carrier.policy
    if isinstance(policy, Program):
        return [], doubles([])
    return list(policy.names), doubles(policy.values)


def policy_in(names: Iterable[str], values: Iterable[float]) -> Policy:
    """The same back from a message."""
    return Parameters(tuple(map(name_of, names)), tuple(values))


def values_in(message: msg.PolicyParameters) -> dict[str, float]:
    """What was published, by the names of the parameters; empty of a program.

    Raises:
        ParameterError: of `parameters_of`.
    """
    policy = parameters_of(message).policy
    return dict(policy.as_json()) if isinstance(policy, Parameters) else {}


def program_of(carrier: Carrier, space: ParameterSpace) -> BallProgram | None:
    """What a policy that is a program would run as; None for parameters."""
    return Modulation.within(space, carrier.policy).program


def parameters_message(
    parameters: Modulation, stamp: int, run: str = '', controller: str = ''
) -> msg.PolicyParameters:
    """Stamp in ns; the run that they are of, and the start of the controller that they are for."""
    return msg.PolicyParameters(
        header=header_of(stamp),
        version=parameters.version,
        joint_names=list(JOINTS),
        attenuation=doubles(parameters.attenuation),
        residual=doubles(parameters.residual),
        names=list(parameters.names),
        run=run,
        controller=controller,
        proposed_by=parameters.proposed_by,
        **_program_fields(parameters.program),
        **_expected_fields(parameters.expected),
    )


def _program_fields(program: BallProgram | None) -> dict[str, Any]:
    if program is None:
        return {}
    return {
        'source': program.source, 'entry': program.entry,
        'envelope_low': doubles(program.low), 'envelope_high': doubles(program.high),
    }  # fmt: skip


def _expected_fields(expected: Expected) -> dict[str, Any]:
    spin, restitution = expected.spin, expected.restitution
    fields: dict[str, Any] = {}
    if spin is not None:
        fields |= {'expected_spin': doubles(spin.mean), 'expected_spin_sd': doubles(spin.deviation)}
    if restitution is not None:
        fields['expected_restitution'] = doubles((restitution.mean, restitution.deviation))
    return fields


def _expected_of(message: msg.PolicyParameters) -> Expected:
    spin = restitution = None
    try:
        if message.expected_spin or message.expected_spin_sd:
            spin = Spin(tuple(message.expected_spin), tuple(message.expected_spin_sd))
        if message.expected_restitution:
            mean, deviation = message.expected_restitution
            restitution = Restitution(mean, deviation)
    except ValueError as error:
        raise ParameterError(f'what is expected of the balls cannot be: {error}') from None
    return Expected(spin, restitution)


def parameters_of(message: msg.PolicyParameters) -> Modulation:
    """Raises `ParameterError` for wrong joints, lengths or numbers, an envelope or an expectation that is none."""
    if tuple(message.joint_names) != JOINTS:
        raise ParameterError(
            f'joint_names must be {", ".join(JOINTS)}; got {line_of(", ".join(message.joint_names)) or "none"}'
        )
    program = None
    if message.source or message.entry:
        low, high = tuple(message.envelope_low), tuple(message.envelope_high)
        program = BallProgram(clean_text(message.source), name_of(message.entry), low, high)
    return Modulation(
        tuple(message.attenuation), tuple(message.residual), int(message.version), name_of(message.proposed_by),
        tuple(map(name_of, message.names)), program, _expected_of(message),
    )  # fmt: skip


def choice_message(choice: BallChoice, stamp: int) -> msg.BallChoice:
    """Stamp in ns."""
    return msg.BallChoice(
        header=header_of(stamp),
        parameters_version=choice.version,
        observed=doubles(choice.observed),
        applied=doubles(choice.applied),
        fallback='' if choice.fallback is None else choice.fallback.value,
        detail=choice.detail,
    )


def choice_of(message: msg.BallChoice) -> BallChoice:
    """What held in the swing of a ball.

    Raises:
        MessageError: it is none: another fallback, or not as many finite numbers as there are.
    """
    if len(message.applied) != len(CHOSEN) or len(message.observed) not in (0, len(OBSERVED)):
        raise MessageError(
            f'a choice applies {len(CHOSEN)} numbers, by {len(OBSERVED)} observed ones or none'
        )
    if not all(map(math.isfinite, (*message.applied, *message.observed))):
        raise MessageError('the numbers of a choice are finite')
    try:
        fallback = Fallback(message.fallback) if message.fallback else None
    except ValueError as error:
        raise MessageError(line_of(str(error))) from None
    return BallChoice(
        int(message.parameters_version), tuple(message.observed), tuple(message.applied), fallback,
        line_of(message.detail),
    )  # fmt: skip


def ball_message(sighting: BallObservation) -> PointStamped:
    """A sighting in frame ``table``."""
    return PointStamped(header=header_of(sighting.stamp, FRAME), point=point(sighting.position))


def ball_of(message: PointStamped) -> BallObservation:
    """A sighting; the message must be in frame ``table``."""
    return BallObservation(
        stamp_of(message.header.stamp), (message.point.x, message.point.y, message.point.z)
    )


def spin_message(seen: SpinObservation) -> Vector3Stamped:
    """A spin in frame ``table``."""
    x, y, z = seen.spin
    return Vector3Stamped(header=header_of(seen.stamp, FRAME), vector=Vector3(x=x, y=y, z=z))


def spin_of(message: Vector3Stamped) -> SpinObservation:
    """An observed spin; the message must be in frame ``table``."""
    return SpinObservation(
        stamp_of(message.header.stamp), (message.vector.x, message.vector.y, message.vector.z)
    )


def joint_state_message(arm: ArmObservation) -> JointState:
    """Joint positions and velocities."""
    return JointState(
        header=header_of(arm.stamp),
        name=list(JOINTS),
        position=doubles(arm.position),
        velocity=doubles(arm.velocity),
    )


def arm_of(message: JointState) -> ArmObservation | None:
    """All joints in their order, of a message of the simulator; None where it lacks one, or a value of one."""
    order = {name: index for index, name in enumerate(message.name)}
    count = min(len(message.position), len(message.velocity))
    if any(order.get(name, count) >= count for name in JOINTS):
        return None
    rows = [order[name] for name in JOINTS]
    return ArmObservation(
        stamp_of(message.header.stamp),
        np.array([message.position[row] for row in rows]),
        np.array([message.velocity[row] for row in rows]),
    )


def command_message(command: Command, version: int) -> msg.JointVelocityCommand:
    """With the version of the parameters that shaped it."""
    return msg.JointVelocityCommand(
        header=header_of(command.stamp),
        parameters_version=version,
        joint_names=list(JOINTS),
        requested=doubles(command.requested),
        applied=doubles(command.applied),
    )


def command_of(message: msg.JointVelocityCommand) -> Command:
    """Requested and applied joint velocities.

    Raises:
        MessageError: they are not as many as there are joints.
    """
    for name, values in (('requested', message.requested), ('applied', message.applied)):
        if len(values) != len(JOINTS):
            raise MessageError(
                f'a command has {len(values)} {name} velocities: {len(JOINTS)} are expected, one a joint'
            )
    return Command(stamp_of(message.header.stamp), np.array(message.requested), np.array(message.applied))


def trace_message(trial: Trial, start: int, run: str = '') -> msg.ExecutionTrace:
    """``start``: ns stamp of the first sighting of the ball; ``run``: that of its parameters."""
    samples, landing = trial.samples, landing_of(trial)
    modulation, program = _played(trial), trial.policy if isinstance(trial.policy, Program) else None
    return msg.ExecutionTrace(
        header=header_of(start, FRAME),
        run=run,
        trial=trial.number,
        parameters_version=trial.version,
        joint_names=list(JOINTS),
        attenuation=doubles(modulation.attenuation),
        residual=doubles(modulation.residual),
        names=list(modulation.names),
        source='' if program is None else program.source,
        entry='' if program is None else program.entry,
        proposed_by=trial.proposed_by,
        outcome=str(trial.outcome),
        note=trial.note,
        has_landing=landing is not None,
        landing_point=point(None if landing is None else (landing.x, landing.y, 0.0)),
        landing_time=number(None if landing is None else landing.time),
        net_clearance=number(trial.measures.get('net_clearance')),
        peak_height=number(trial.measures.get('peak_height')),
        measure_names=list(trial.measures),
        measures=doubles(list(trial.measures.values())),
        ball_time=doubles(samples.ball_time),
        ball_position=[point(row) for row in samples.ball_position.tolist()],
        joint_time=doubles(samples.joint_time),
        joint_position=doubles(samples.joint_position),
        joint_velocity=doubles(samples.joint_velocity),
        requested_velocity=doubles(samples.requested_velocity),
        applied_velocity=doubles(samples.applied_velocity),
        racket_position=[point(row) for row in samples.racket_position.tolist()],
    )


def _played(trial: Trial) -> Modulation:
    """What held in the swing: of a program what its ball's measures tell, unchanged where they do not."""
    if not isinstance(trial.policy, Program):
        return Modulation.of(trial.policy)
    neutral = Modulation().attenuation + Modulation().residual
    applied = [trial.measures.get(name, none) for name, none in zip(CHOSEN, neutral, strict=True)]
    return Modulation(tuple(applied[: len(JOINTS)]), tuple(applied[len(JOINTS) :]))


def trial_in(message: msg.ExecutionTrace) -> Trial:
    """A trial as plain data, samples included.

    Raises:
        MessageError: it is none: an outcome that there is not, or numbers that are not as many as they must be.
    """
    try:
        return _trial_in(message)
    except ValueError as error:
        raise MessageError(f'trial {message.trial} of execution_trace cannot be read: {line_of(str(error))}') from None


def _trial_in(message: msg.ExecutionTrace) -> Trial:
    ball_rows, joint_rows = len(message.ball_time), len(message.joint_time)

    def points(values: Sequence[Point], rows: int) -> NDArray[np.float64]:
        return np.array([(value.x, value.y, value.z) for value in values]).reshape(rows, 3)

    def joints(values: Sequence[float]) -> NDArray[np.float64]:
        return np.array(values).reshape(joint_rows, len(JOINTS))

    modulation = Modulation(
        tuple(message.attenuation), tuple(message.residual), int(message.parameters_version),
        name_of(message.proposed_by), tuple(map(name_of, message.names)),
    )  # fmt: skip
    trial = trial_of(
        modulation,
        Outcome(message.outcome),
        dict(zip(map(name_of, message.measure_names), message.measures, strict=True)),
        clean_text(message.note),
        number=int(message.trial),
        samples=TraceSamples(
            ball_time=np.array(message.ball_time),
            ball_position=points(message.ball_position, ball_rows),
            joint_time=np.array(message.joint_time),
            joint_position=joints(message.joint_position),
            joint_velocity=joints(message.joint_velocity),
            requested_velocity=joints(message.requested_velocity),
            applied_velocity=joints(message.applied_velocity),
            racket_position=points(message.racket_position, joint_rows),
        ),
    )
    if not message.source:
        return trial
    return replace(trial, policy=Program(clean_text(message.source), name_of(message.entry)))
