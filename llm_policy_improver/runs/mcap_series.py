"""The time series of a trial as an MCAP file that Foxglove and ``ros2 bag`` open, and back, bit for bit.

=========================== ======================================== ==================================
topic                       type                                     content
=========================== ======================================== ==================================
``ball/position``           geometry_msgs/msg/PointStamped           m, frame ``table``
``racket/position``         geometry_msgs/msg/PointStamped           m, frame ``table``
``joint_states``            sensor_msgs/msg/JointState               m, rad, m/s, rad/s
``joint_velocity_command``  llm_policy_improver/msg/JointVelocity... m/s, rad/s: requested and applied
=========================== ======================================== ==================================

Log times and stamps are whole nanoseconds. The exact times in seconds are attached beside the messages,
as little-endian float64: first those of the ball, then those of the joints.
"""

import io
import math
import struct
from collections.abc import Sequence
from dataclasses import fields
from typing import Final

import numpy as np
from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.well_known import MessageEncoding, Profile, SchemaEncoding
from mcap.writer import Writer
from numpy.typing import NDArray

from llm_policy_improver.runs.cdr import CdrError, CdrLayout
from llm_policy_improver.runs.ros_definitions import DEFINITIONS
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples

BALL: Final = 'ball/position'
RACKET: Final = 'racket/position'
STATES: Final = 'joint_states'
COMMANDS: Final = 'joint_velocity_command'
TIMES: Final = 'sample_times'
"""Name of the attachment."""

_POINT: Final = 'geometry_msgs/msg/PointStamped'
TOPICS: Final = {
    BALL: _POINT,
    STATES: 'sensor_msgs/msg/JointState',
    COMMANDS: 'llm_policy_improver/msg/JointVelocityCommand',
    RACKET: _POINT,
}
"""Topic to message type."""

_WIDTH: Final = len(JOINTS)
_ROW_WIDTH: Final = {'ball_position': 3, 'racket_position': 3}
_LAYOUTS: Final = {
    BALL: CdrLayout().stamp().string('table').doubles('point', 3),
    RACKET: CdrLayout().stamp().string('table').doubles('point', 3),
    STATES: CdrLayout()
    .stamp()
    .string('')
    .strings(JOINTS)
    .sequence('position', _WIDTH)
    .sequence('velocity', _WIDTH)
    .sequence('effort', 0),
    COMMANDS: CdrLayout()
    .stamp()
    .string('')
    .uint32('version')
    .strings(JOINTS)
    .sequence('requested', _WIDTH)
    .sequence('applied', _WIDTH),
}


class SeriesError(ValueError):
    """Samples, or a file of them, are not what they must be; the message says what, without the file."""


def _check(samples: TraceSamples) -> None:
    for field in fields(samples):
        name, values = field.name, getattr(samples, field.name)
        time = samples.ball_time if name.startswith('ball') else samples.joint_time
        shape = (len(time),) if name.endswith('_time') else (len(time), _ROW_WIDTH.get(name, _WIDTH))
        if values.shape != shape:
            raise SeriesError(
                f'{name} of a trial must have the shape {shape}, one row a sample; got {values.shape}'
            )
        if values.dtype != np.float64:
            raise SeriesError(f'{name} of a trial must be float64; got {values.dtype}')
    for name, time in (('ball_time', samples.ball_time), ('joint_time', samples.joint_time)):
        if not np.all(np.abs(time) < 1e9):
            raise SeriesError(f'{name} of a trial must be finite seconds since its first sighting')


def duration_ns(samples: TraceSamples) -> int:
    """Nanoseconds from the trial's time 0 to its last sample."""
    last = [float(time[-1]) for time in (samples.ball_time, samples.joint_time) if len(time)]
    return int(max([0.0, *(time for time in last if math.isfinite(time))]) * 1e9)


def encode(samples: TraceSamples, start: int, parameters_version: int) -> bytes:
    """The file's content.

    Args:
        samples: of one trial.
        start: ns since 1970, or of simulated time, of the trial's time 0.
        parameters_version: version of the parameters that shaped the commands.

    Raises:
        SeriesError: the arrays do not fit each other or are not float64.
    """
    _check(samples)
    ball, joint = (np.rint(time * 1e9).astype(np.int64) for time in (samples.ball_time, samples.joint_time))
    # A log time is unsigned: samples before a start near 0 move the trial as a whole.
    start = max(start, -min((int(time) for series in (ball, joint) for time in series), default=0))
    ball, joint = ball + start, joint + start
    series: dict[str, tuple[NDArray[np.int64], list[bytes]]] = {
        BALL: (ball, _encode(BALL, ball, point=samples.ball_position)),
        STATES: (
            joint,
            _encode(STATES, joint, position=samples.joint_position, velocity=samples.joint_velocity),
        ),
        COMMANDS: (
            joint,
            _encode(
                COMMANDS,
                joint,
                version=np.full(len(joint), parameters_version),
                requested=samples.requested_velocity,
                applied=samples.applied_velocity,
            ),
        ),
        RACKET: (joint, _encode(RACKET, joint, point=samples.racket_position)),
    }
    stream = io.BytesIO()
    writer = Writer(stream, enable_data_crcs=True)
    writer.start(Profile.ROS2, 'llm_policy_improver')
    schemas = {
        name: writer.register_schema(name, SchemaEncoding.ROS2, text.encode())
        for name, text in DEFINITIONS.items()
    }
    messages: list[tuple[int, int, int, bytes]] = []
    for topic, (times, data) in series.items():
        channel = writer.register_channel(topic, MessageEncoding.CDR, schemas[TOPICS[topic]])
        rows = enumerate(zip(times.tolist(), data, strict=True))
        messages += [(time, channel, number, content) for number, (time, content) in rows]
    for time, channel, number, content in sorted(messages, key=lambda message: message[0]):
        writer.add_message(channel, log_time=time, data=content, publish_time=time, sequence=number)
    times = np.concatenate([samples.ball_time, samples.joint_time]).astype('<f8')
    writer.add_attachment(start, start, TIMES, 'application/octet-stream', times.tobytes())
    writer.finish()
    return stream.getvalue()


def _encode(topic: str, stamps: NDArray[np.int64], **values: NDArray[np.generic]) -> list[bytes]:
    sec, nanosec = np.divmod(stamps, 1_000_000_000)
    return _LAYOUTS[topic].encode(len(stamps), sec=sec, nanosec=nanosec, **values)


def decode(content: bytes) -> TraceSamples:
    """The samples in a file's content, exactly as they were encoded.

    Raises:
        SeriesError: the content is damaged or no trial of this package.
    """
    collected: dict[str, list[tuple[int, bytes]]] = {topic: [] for topic in TOPICS}
    try:
        reader = make_reader(io.BytesIO(content), validate_crcs=True)
        for _, channel, message in reader.iter_messages(topics=list(TOPICS), log_time_order=False):
            collected[channel.topic].append((message.sequence, message.data))
        attached = [item.data for item in reader.iter_attachments() if item.name == TIMES]
        rows = {topic: _LAYOUTS[topic].decode(_ordered(found)) for topic, found in collected.items()}
    except (McapError, CdrError, OSError, ValueError, TypeError, LookupError, struct.error, MemoryError) as error:
        raise SeriesError(
            f'it is damaged or no trial of this package ({error or type(error).__name__})'
        ) from None
    ball, joint = len(rows[BALL]), len(rows[STATES])
    lengths = {len(rows[COMMANDS]), len(rows[RACKET])}
    if len(attached) != 1 or len(attached[0]) != 8 * (ball + joint) or lengths != {joint}:
        raise SeriesError('it is damaged or no trial of this package (samples are missing)')
    times = np.frombuffer(attached[0], '<f8')
    return TraceSamples(
        ball_time=_native(times[:ball]),
        ball_position=_native(rows[BALL]['point']),
        joint_time=_native(times[ball:]),
        joint_position=_native(rows[STATES]['position']),
        joint_velocity=_native(rows[STATES]['velocity']),
        requested_velocity=_native(rows[COMMANDS]['requested']),
        applied_velocity=_native(rows[COMMANDS]['applied']),
        racket_position=_native(rows[RACKET]['point']),
    )


def _ordered(found: Sequence[tuple[int, bytes]]) -> list[bytes]:
    return [data for _, data in sorted(found, key=lambda pair: pair[0])]


def _native(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(values, dtype=np.float64)
