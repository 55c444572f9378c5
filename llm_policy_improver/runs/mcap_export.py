"""Trials of a run as one MCAP file that RViz (by ``ros2 bag play``) and Foxglove show with the arm in it.

What is stored of each trial, and beside it

====================== =========================== ==================================================
topic                  type                        content
====================== =========================== ==================================================
``robot_description``  std_msgs/msg/String         the arm as a URDF, once
``tf_static``          tf2_msgs/msg/TFMessage      links that are fixed to the one before, once
``tf``                 tf2_msgs/msg/TFMessage      all other links at every joint state, from frame ``table``
====================== =========================== ==================================================

and, where ROS 2 is installed, markers of table, net, aim and landings (`Shown`).
"""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.records import Schema
from mcap_ros2.decoder import DecoderFactory
from mcap_ros2.writer import Writer
from numpy.typing import NDArray

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.runs.mcap_series import STATES
from llm_policy_improver.runs.ros_definitions import DEFINITIONS, EXPORTED
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.runs.written import written_whole
from llm_policy_improver.table_tennis.arm.frames import TABLE, RigidTransform
from llm_policy_improver.table_tennis.arm.links import LINKS, relative_poses
from llm_policy_improver.table_tennis.arm.robot_description import robot_description

DESCRIPTION: Final = 'robot_description'
TF, TF_STATIC = 'tf', 'tf_static'

_STRING, _TRANSFORMS = EXPORTED
_PARENT: Final = dict(zip((link.name for link in LINKS), (TABLE, *(link.name for link in LINKS)), strict=False))


Scene = Callable[[Sequence[Trial]], Any]
"""Makes a message of what is shown after these trials, oldest first."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What an export adds that takes a ROS installation to make.

    Attributes:
        topic, kind: of the messages, e.g. ``'visualization_msgs/msg/MarkerArray'``.
        definition: of that type, the types it uses included.
        scene: gives the message.
    """

    topic: str
    kind: str
    definition: str
    scene: Scene


def export_mcap(store: RunRecords, trials: Sequence[int], path: Path, shown: Shown | None = None) -> int:
    """Write trials into a file.

    Args:
        store: of the run.
        trials: their numbers, in the order in which they were played.
        path: of the file.
        shown: a message at the begin of the first trial, and after each of them.

    Returns:
        How many messages it holds.

    Raises:
        StoreError: a trial cannot be read, or the file not be written.
    """
    count = 0
    definitions = DEFINITIONS | EXPORTED | ({} if shown is None else {shown.kind: shown.definition})
    by_number = {trial.number: trial for trial in store.trials()}
    over: list[Trial] = []
    with written_whole(path) as partial, partial.open('wb') as stream, Writer(stream) as writer:
        schemas = {name: writer.register_msgdef(name, text) for name, text in definitions.items()}
        for number in trials:
            samples = store.samples(number)  # says in a sentence what is wrong with a file, and with one of episodes
            stored = list(_stored(store, number))
            stamps = [time for time, topic, _, _ in stored if topic == STATES]
            added = _added(stamps, samples.joint_position, first=not count)
            messages = sorted((*stored, *added), key=lambda message: message[0])
            if shown is not None and messages:
                begin, end = messages[0][0], messages[-1][0]
                if not over:
                    messages.insert(0, (begin, shown.topic, shown.kind, shown.scene(())))
                over.append(by_number[number])
                messages.append((end, shown.topic, shown.kind, shown.scene(tuple(over))))
            for sequence, (time, topic, kind, content) in enumerate(messages, count):
                writer.write_message(topic, schemas[kind], content, time, time, sequence)
            count += len(messages)
    return count


_Message = tuple[int, str, str, Any]
"""Log time in ns, topic, type, content."""


def _stored(store: RunRecords, number: int) -> Iterator[_Message]:
    """The messages of a trial's file."""
    path, content = store.samples_file(number)
    try:
        reader = make_reader(io.BytesIO(content), decoder_factories=[DecoderFactory()])
        for schema, channel, message, decoded in reader.iter_decoded_messages():
            assert isinstance(schema, Schema)
            yield message.log_time, channel.topic, schema.name, decoded
    except McapError as error:
        raise StoreError(f'{path} cannot be exported: {error}') from error


def _added(stamps: Sequence[int], positions: NDArray[np.float64], *, first: bool) -> Iterator[_Message]:
    """The arm's frames at a trial's joint states (n, 8), ns, m and rad; before the first trial, what never changes."""
    if first and stamps:
        begin = min(stamps)
        yield begin, DESCRIPTION, _STRING, {'data': robot_description()}
        fixed = [link.name for link in LINKS if link.joint is None]
        yield begin, TF_STATIC, _TRANSFORMS, _transforms(begin, fixed, positions[0])
    moving = [link.name for link in LINKS if link.joint is not None]
    for stamp, position in zip(stamps, positions, strict=True):
        yield stamp, TF, _TRANSFORMS, _transforms(stamp, moving, position)


def _transforms(stamp: int, links: Sequence[str], position: NDArray[np.float64]) -> dict[str, Any]:
    poses = relative_poses(position)
    header = {'sec': stamp // 1_000_000_000, 'nanosec': stamp % 1_000_000_000}
    return {
        'transforms': [
            {
                'header': {'stamp': header, 'frame_id': _PARENT[link]},
                'child_frame_id': link,
                'transform': _transform(poses[link]),
            }
            for link in links
        ]
    }


def _transform(pose: RigidTransform) -> dict[str, dict[str, float]]:
    from transforms3d.quaternions import mat2quat

    w, x, y, z = mat2quat(pose.rotation).tolist()
    return {
        'translation': dict(zip('xyz', pose.translation.tolist(), strict=True)),
        'rotation': {'x': x, 'y': y, 'z': z, 'w': w},
    }
