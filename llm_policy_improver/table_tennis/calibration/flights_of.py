"""The flights in recordings, in frame ``table`` as far as that is known."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from llm_policy_improver.table_tennis.arm.frames import TABLE, CameraFrame, RigidTransform
from llm_policy_improver.table_tennis.calibration.flights import Flight, cut_flights
from llm_policy_improver.table_tennis.calibration.level import level, moved
from llm_policy_improver.table_tennis.calibration.recordings import Recording


def known_transform(cameras: CameraFrame, frame: str) -> RigidTransform:
    """From a recorded frame to ``table``: as it is calibrated, where it is; else no change.

    Sightings that name no frame, as those of CSV files, are taken for the cameras'.
    """
    if cameras.name == TABLE or frame not in ('', cameras.name):
        return level(0.0, 0.0, 0.0)
    return RigidTransform.from_rpy(cameras.translation, cameras.rotation)


def in_table(recording: Recording, cameras: CameraFrame) -> Recording:
    """In frame ``table`` as far as it is known, in order of time, without what is not finite."""
    whole = np.isfinite(recording.time) & np.isfinite(recording.position).all(axis=1)
    time, first = np.unique(recording.time[whole], return_index=True)
    position = moved(known_transform(cameras, recording.frame), recording.position[whole][first])
    return replace(recording, time=time, position=position)


def flights_of(recordings: Sequence[Recording], cameras: CameraFrame) -> list[Flight]:
    """All flights, in the order of the recordings."""
    tracks = [in_table(recording, cameras) for recording in recordings]
    return [flight for each in tracks for flight in cut_flights(each.time, each.position, each.source)]
