"""From the cameras' frame to frame ``table``: the calibration of the cell, as numbers in a parameter file.

cameras = CameraFrame('cameras', translation=(0.1, 2.0, 1.5), rotation=(2.1, 0.0, 3.1))
cameras.to_table(sighting, 'cameras')
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_policy_improver.core.ranges import require_label
from llm_policy_improver.table_tennis.ball.state import Vec
from llm_policy_improver.table_tennis.observation import BallObservation, SpinObservation

TABLE: Final = 'table'
"""The frame that everything here is told in: origin at the centre of the surface, x to the robot's right, y towards
the opponent, z up."""

_FIXED_AXES: Final = 'sxyz'
"""Roll, pitch and yaw about the fixed axes x, y and z in this order, as transforms3d calls it."""

_FARTHEST = 20.0
"""m from the table to cameras, at most; more is a wrong unit."""
_PROPER = 1e-6
"""By which a rotation matrix may be off: more than rounding, less than a wrong digit."""
_SPREAD = 0.1
"""m that points to fit must be apart across their longest line: less says nothing about the rotation about it."""


class FrameError(ValueError):
    """A transform is none, or a sighting came in a frame that is not calibrated; the message says what to do."""


@dataclass(frozen=True, slots=True, eq=False)
class RigidTransform:
    """A rotation and then a translation: p' = R p + t.

    Attributes:
        rotation: (3, 3), orthogonal and no reflection.
        translation: (3,) m.

    Raises:
        FrameError: numbers are not finite, or the matrix is no rotation.
    """

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    def __post_init__(self) -> None:
        rotation, translation = (np.array(part, dtype=float) for part in (self.rotation, self.translation))
        if rotation.shape != (3, 3) or translation.shape != (3,):
            raise FrameError(
                f'a transform takes a (3, 3) rotation and a (3,) translation; got {rotation.shape} and '
                f'{translation.shape}'
            )
        if not (np.isfinite(rotation).all() and np.isfinite(translation).all()):
            raise FrameError('a transform takes finite numbers only')
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > _PROPER or np.linalg.det(rotation) < 0.0:
            raise FrameError(
                'a transform takes a proper rotation: orthogonal, with determinant +1; '
                f'got determinant {np.linalg.det(rotation):.4g}'
            )
        object.__setattr__(self, 'rotation', rotation)
        object.__setattr__(self, 'translation', translation)

    @classmethod
    def from_rpy(cls, translation: ArrayLike, rpy: Sequence[float]) -> Self:
        """Of roll, pitch and yaw, rad, about the fixed axes x, y and z in this order, as in URDF and REP 103."""
        from transforms3d.euler import euler2mat

        return cls(euler2mat(*rpy, axes=_FIXED_AXES), np.asarray(translation, dtype=float))

    @classmethod
    def fit(cls, seen: ArrayLike, known: ArrayLike) -> Self:
        """The transform that takes points ``seen`` (n, 3) nearest to where they are ``known`` (n, 3) to be, m.

        Least squares: Kabsch 1976, in SciPy's implementation, which never gives a reflection.

        Raises:
            FrameError: fewer than three points, or nearly on one line.
        """
        points, targets = np.asarray(seen, dtype=float), np.asarray(known, dtype=float)
        if points.shape != targets.shape or points.ndim != 2 or points.shape[1] != 3 or len(points) < 3:
            raise FrameError(
                f'at least three points, each seen and known, are needed; got {points.shape} and {targets.shape}'
            )
        middle, target_middle = points.mean(axis=0), targets.mean(axis=0)
        across = np.linalg.svd(targets - target_middle, compute_uv=False)[1] / math.sqrt(len(targets))
        if not across > 0.5 * _SPREAD:
            raise FrameError('the points lie nearly on one line: take some on both sides of it')
        from scipy.spatial.transform import Rotation

        rotation = Rotation.align_vectors(targets - target_middle, points - middle)[0].as_matrix()
        return cls(rotation, target_middle - rotation @ middle)

    @property
    def rpy(self) -> Vec:
        """Roll, pitch and yaw, rad, as `from_rpy` takes them."""
        from transforms3d.euler import mat2euler

        roll, pitch, yaw = mat2euler(self.rotation, axes=_FIXED_AXES)
        return (roll, pitch, yaw)

    def then(self, other: 'RigidTransform') -> 'RigidTransform':
        """This one first, and then another one, as one transform."""
        return RigidTransform(other.rotation @ self.rotation, other.rotation @ self.translation + other.translation)

    def apply(self, position: Vec) -> Vec:
        """The point (x, y, z), m, in the new frame; what is not finite stays so."""
        x, y, z = (self.rotation @ position + self.translation).tolist()
        return (x, y, z)


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """Where the cameras' frame lies in frame ``table``. By default the cameras report in frame ``table`` itself.

    Attributes:
        name: the ``frame_id`` of the sightings; those of another one are refused.
        translation: m, where its origin is in frame ``table``.
        rotation: rad, roll, pitch and yaw of its axes in frame ``table``: about the fixed axes x, y, z in this order.
    """

    name: str = TABLE
    translation: Vec = (0.0, 0.0, 0.0)
    rotation: Vec = (0.0, 0.0, 0.0)
    _transform: RigidTransform | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = (*self.translation, *self.rotation)
        if len(self.translation) != 3 or len(self.rotation) != 3 or not all(map(math.isfinite, numbers)):
            raise FrameError(
                'cameras: translation (x, y, z) in m and rotation (roll, pitch, yaw) in rad must be three finite '
                f'numbers each; got {self.translation} and {self.rotation}'
            )
        if max(map(abs, self.translation)) > _FARTHEST:
            raise FrameError(
                f'cameras: translation must be within {_FARTHEST:g} m of the table; got {self.translation} (in m?)'
            )
        if max(map(abs, self.rotation)) > 2.0 * math.pi:
            raise FrameError(f'cameras: rotation must be within 2 pi; got {self.rotation} (in rad?)')
        if not self.name.strip():
            raise FrameError('cameras: name is empty: give the frame_id of the sightings')
        try:
            require_label('name', self.name, 'cameras')
        except ValueError as error:
            raise FrameError(str(error)) from None
        if self.name == TABLE and any(numbers):
            raise FrameError(
                f"cameras: sightings in frame {TABLE} need no transform: give the name of the cameras' own frame"
            )
        transform = None if self.name == TABLE else RigidTransform.from_rpy(self.translation, self.rotation)
        object.__setattr__(self, '_transform', transform)

    def to_table(self, sighting: BallObservation, frame: str) -> BallObservation:
        """The sighting in frame ``table``; unchanged bit for bit where it was in it.

        Raises:
            FrameError: it came in another frame than the calibrated one.
        """
        self._require(frame)
        if self._transform is None:
            return sighting
        return sighting._replace(position=self._transform.apply(sighting.position))

    def spin_to_table(self, seen: SpinObservation, frame: str) -> SpinObservation:
        """The same of a spin, which is only turned.

        Raises:
            FrameError: it came in another frame than the calibrated one.
        """
        self._require(frame)
        if self._transform is None:
            return seen
        x, y, z = (self._transform.rotation @ seen.spin).tolist()
        return seen._replace(spin=(x, y, z))

    def _require(self, frame: str) -> None:
        if frame != self.name:
            raise FrameError(
                f'sightings come in frame "{frame}", but "{self.name}" is calibrated: '
                'set cameras.name, .translation and .rotation, or the frame_id of the cameras'
            )
