"""Sightings, joint states and commands from an MCAP file with ROS 2 messages: a rosbag, or a trial of this package."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.calibration.recordings import ArmSeries, Recording, RecordingError

Array = NDArray[np.float64]

_POINT: Final = 'geometry_msgs/msg/PointStamped'
_JOINTS: Final = 'sensor_msgs/msg/JointState'
_COMMAND: Final = 'llm_policy_improver/msg/JointVelocityCommand'
_BALL: Final = 'ball/position'
_LEAST_AGE: Final = 1e-5
"""s from a picture to its record: less is a recorder that took the stamps for the times of arrival."""


def read_mcap(path: Path, ball_topic: str, joint_names: Sequence[str]) -> Recording:
    """What an MCAP file shows.

    Args:
        ball_topic, joint_names: as in `recordings.read_recordings`.

    Raises:
        RecordingError: it is damaged, or no topic, or more than one, can be that of the ball.
    """
    rows: dict[str, list[Any]] = {_POINT: [], _JOINTS: [], _COMMAND: []}
    try:
        with path.open('rb') as stream:
            reader = make_reader(stream, decoder_factories=[DecoderFactory()])
            summary = reader.get_summary()
            if summary is None:
                raise RecordingError(f'{path}: was not closed properly; repair it with "mcap recover"')
            kinds = {
                channel.topic: summary.schemas[channel.schema_id].name
                for channel in summary.channels.values()
                if channel.schema_id in summary.schemas
            }
            ball = _ball_topic(path, [topic for topic, kind in kinds.items() if kind == _POINT], ball_topic)
            wanted = [ball, *(topic for topic, kind in kinds.items() if kind in (_JOINTS, _COMMAND))]
            for schema, _, message, content in reader.iter_decoded_messages(topics=wanted):
                if schema is not None:
                    rows[schema.name].append((content, message.log_time))
    except (McapError, OSError, ValueError, KeyError) as error:
        if isinstance(error, RecordingError):
            raise
        raise RecordingError(
            f'{path}: is damaged or no MCAP file of ROS 2 messages ({error or type(error).__name__})'
        ) from None
    if not rows[_POINT]:
        raise RecordingError(f'{path}: the topic {ball} holds no sighting')
    stamps = np.array([_stamp(point) for point, _ in rows[_POINT]])
    start = int(stamps.min())
    position = np.array([(m.point.x, m.point.y, m.point.z) for m, _ in rows[_POINT]], dtype=float)
    age = (np.array([logged for _, logged in rows[_POINT]]) - stamps) / 1e9
    frame = str(rows[_POINT][0][0].header.frame_id)
    return Recording(
        str(path),
        (stamps - start) / 1e9,
        position,
        frame,
        age if np.abs(age).max() > _LEAST_AGE else np.empty(0),
        _arm(rows[_JOINTS], rows[_COMMAND], start, joint_names),
    )


def _ball_topic(path: Path, topics: Sequence[str], asked: str) -> str:
    told = f'its topics of {_POINT} are {", ".join(sorted(topics)) or "none"}'
    if asked:
        if asked not in topics:
            raise RecordingError(f'{path}: has no topic {asked} of {_POINT}; {told}')
        return asked
    likely = [topic for topic in topics if topic.endswith(_BALL)] or list(topics)
    if len(likely) != 1:
        raise RecordingError(f'{path}: name the topic of the ball with --ball-topic; {told}')
    return likely[0]


def _arm(
    states: Sequence[Any], commands: Sequence[Any], start: int, joint_names: Sequence[str]
) -> ArmSeries | None:
    """None unless states and commands of all joints are there."""
    states = [(content, logged) for content, logged in states if set(joint_names) <= set(content.name)]
    whole = [
        (content, logged)
        for content, logged in states
        if len(content.position) == len(content.name) == len(content.velocity)
    ]
    if len(whole) < 2 or len(commands) < 2:
        return None
    order = [list(whole[0][0].name).index(name) for name in joint_names]

    def rows(name: str) -> Array:
        return np.array([[getattr(content, name)[place] for place in order] for content, _ in whole])

    time = np.array([(_stamp(content) - start) / 1e9 for content, _ in whole])
    told = np.array([(_stamp(content) - start) / 1e9 for content, _ in commands])
    names = list(commands[0][0].joint_names)
    columns = (
        [names.index(name) for name in JOINTS] if set(JOINTS) <= set(names) else list(range(len(JOINTS)))
    )
    applied = np.array([[content.applied[place] for place in columns] for content, _ in commands])
    return ArmSeries(time, rows('position'), rows('velocity'), told, applied)


def _stamp(message: Any) -> int:
    """ns."""
    return int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)
