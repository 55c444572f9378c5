"""Recordings of a cell, whoever made them: what cameras saw of balls, and what the arm did meanwhile.

    for recording in read_recordings([Path('runs/today'), Path('balls.csv')]):
        print(recording.source, len(recording.time))

A recording is an MCAP file with standard ROS 2 messages (of a rosbag, or a trial of this package), or a CSV file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm.joints import JOINTS

Array = NDArray[np.float64]

_FARTHEST: Final = 30.0
"""m that a ball may be from the frame's origin: more is another unit."""
_SLOWEST: Final = 0.1
"""s between pictures, at most: more is another unit, or no track of a ball."""


class RecordingError(ValueError):
    """A recording cannot be used; the message says why, and what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class ArmSeries:
    """What the arm showed and was told; s of the recording, m and rad, m/s and rad/s.

    Attributes:
        time: (m,) stamps of the joint states.
        position, velocity: (m, 8), in the order of `arm.joints.JOINTS`.
        command_time: (k,) stamps of the commands.
        command: (k, 8), velocities.
    """

    time: Array
    position: Array
    velocity: Array
    command_time: Array
    command: Array


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One file.

    Attributes:
        source: its name.
        time: (n,) s since the first stamp, of the sightings, as recorded: in whatever order.
        position: (n, 3) m in the cameras' frame.
        frame: ``frame_id`` of the sightings; empty where none is told.
        age: (n,) s from the picture to the record of it; empty where the recording does not tell.
        arm: None where it shows no arm.
    """

    source: str
    time: Array
    position: Array
    frame: str = ''
    age: Array = field(default_factory=lambda: np.empty(0))
    arm: ArmSeries | None = None


def read_recordings(
    paths: Sequence[Path], ball_topic: str = '', joint_names: Sequence[str] = JOINTS
) -> list[Recording]:
    """All recordings in these files and folders; a folder may be a run, a rosbag, or hold several of either.

    Args:
        paths: of files and folders.
        ball_topic: of the sightings, in MCAP files; empty: the one that ends in ``ball/position``, or the only one of
            its type.
        joint_names: what joint states call the joints, in the order of `arm.joints.JOINTS`.

    Raises:
        RecordingError: nothing is there, or a file is no recording.
    """
    from llm_policy_improver.table_tennis.calibration.csv_recording import read_csv
    from llm_policy_improver.table_tennis.calibration.mcap_recording import read_mcap

    found = []
    for path in paths:
        for file in _files(path):
            bag = file.suffix == '.mcap'
            recording = read_mcap(file, ball_topic, joint_names) if bag else read_csv(file)
            _require_metres_and_seconds(recording)
            found.append(recording)
    return found


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        if path.suffix == '.db3':
            raise RecordingError(f'{path}: is a rosbag in SQLite; make an MCAP of it with "ros2 bag convert"')
        if path.suffix not in ('.mcap', '.csv', '.txt'):
            raise RecordingError(f'{path}: must be an .mcap or a .csv file, or a folder with such files')
        yield path
        return
    if not path.is_dir():
        raise RecordingError(f'{path}: does not exist; name a recording or a folder of recordings')
    files = sorted(
        each for kind in ('*.mcap', '*.csv') for each in path.rglob(kind) if not each.name.startswith('.')
    )
    if not files:
        bags = next(path.rglob('*.db3'), None)
        hint = '; make an MCAP of the rosbag with "ros2 bag convert"' if bags else ''
        raise RecordingError(f'{path}: holds no .mcap and no .csv file{hint}')
    yield from files


def _require_metres_and_seconds(recording: Recording) -> None:
    whole = np.isfinite(recording.time) & np.isfinite(recording.position).all(axis=1)
    if whole.sum() < 2:
        return
    far = float(np.median(np.abs(recording.position[whole]).max(axis=1)))
    if far > _FARTHEST:
        raise RecordingError(
            f'{recording.source}: positions must be in m; most are {far:.0f} away from the origin'
        )
    gaps = np.diff(np.sort(recording.time[whole]))
    gap = float(np.median(gaps[gaps > 0.0])) if (gaps > 0.0).any() else 0.0
    if gap > _SLOWEST:
        raise RecordingError(
            f'{recording.source}: times must be in s, at least 10 sightings a second; most are {gap:.3g} apart'
        )
