import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from llm_policy_improver.core.settings import SettingsError, from_mapping, to_mapping
from llm_policy_improver.table_tennis.arm.frames import TABLE, CameraFrame, FrameError, RigidTransform
from llm_policy_improver.table_tennis.observation import BallObservation

QUARTER = math.pi / 2.0
CORNERS = [(x, y, 0.02) for x in (-0.7625, 0.7625) for y in (-1.37, 1.37)]


def drawn(generator: np.random.Generator) -> RigidTransform:
    return RigidTransform.from_rpy(
        generator.uniform(-3.0, 3.0, 3), generator.uniform((-3.0, -1.5, -3.0), (3.0, 1.5, 3.0)).tolist()
    )


@pytest.mark.parametrize(
    ('rpy', 'expected'),
    [
        ((0.0, 0.0, QUARTER), (0.0, 1.0, 0.0)),  # yaw turns x to y
        ((0.0, QUARTER, 0.0), (0.0, 0.0, -1.0)),  # pitch turns x down
        ((QUARTER, 0.0, 0.0), (1.0, 0.0, 0.0)),
        ((QUARTER, 0.0, QUARTER), (0.0, 1.0, 0.0)),
        ((0.0, QUARTER, QUARTER), (0.0, 0.0, -1.0)),  # about the fixed axes: yaw last
    ],
)
def test_roll_pitch_and_yaw_turn_about_the_fixed_axes(
    rpy: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    transform = RigidTransform.from_rpy((0.0, 0.0, 0.0), rpy)
    assert transform.apply((1.0, 0.0, 0.0)) == pytest.approx(expected, abs=1e-12)


def test_camera_over_the_far_end_that_looks_at_the_robot() -> None:
    # Optical axes: z ahead, x to the image's right, y down. Looking along -y of the table, right is -x, down is -z.
    camera = CameraFrame('camera', translation=(0.2, 2.0, 1.0), rotation=(-QUARTER, 0.0, math.pi))
    seen = camera.to_table(BallObservation(7, (0.3, 0.4, 1.5)), 'camera')
    assert seen.position == pytest.approx((0.2 - 0.3, 2.0 - 1.5, 1.0 - 0.4), abs=1e-12)
    assert seen.stamp == 7


def test_angles_are_found_again() -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        transform = drawn(generator)
        again = RigidTransform.from_rpy(transform.translation, transform.rpy)
        assert np.abs(again.rotation - transform.rotation).max() < 1e-12
    upright = RigidTransform.from_rpy((0.0, 0.0, 0.0), (0.4, QUARTER, 1.1))
    again = RigidTransform.from_rpy(upright.translation, upright.rpy)
    assert np.abs(again.rotation - upright.rotation).max() < 1e-9


def test_transform_is_found_from_a_ball_put_on_known_places() -> None:
    generator = np.random.default_rng(1)
    known = np.array([*CORNERS, (0.0, 0.0, 0.1725), (0.0, -1.0, 0.5)])
    for _ in range(50):
        truth = drawn(generator)
        seen = (known - truth.translation) @ truth.rotation
        exact = RigidTransform.fit(seen, known)
        assert np.abs(exact.rotation - truth.rotation).max() < 1e-9
        assert np.abs(exact.translation - truth.translation).max() < 1e-9
        noisy = RigidTransform.fit(seen + generator.normal(0.0, 0.002, seen.shape), known)
        errors = [math.dist(noisy.apply(tuple(p)), k) for p, k in zip(seen, known, strict=True)]
        assert max(errors) < 0.01


def test_points_of_one_plane_give_no_reflection() -> None:
    truth = RigidTransform.from_rpy((1.0, 2.0, 3.0), (3.0, 0.3, -2.0))
    known = np.array(CORNERS)
    found = RigidTransform.fit((known - truth.translation) @ truth.rotation, known)
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)
    assert np.abs(found.rotation - truth.rotation).max() < 1e-9


@pytest.mark.parametrize(
    ('seen', 'why'),
    [(CORNERS[:2], 'at least three'), ([(0.0, y, 0.0) for y in (0.0, 0.5, 1.0, 1.5)], 'on one line')],
)
def test_too_little_to_fit_is_refused(seen: list[tuple[float, ...]], why: str) -> None:
    with pytest.raises(FrameError, match=why):
        RigidTransform.fit(seen, seen)


@pytest.mark.parametrize(
    ('rotation', 'why'),
    [
        (np.diag([1.0, 1.0, -1.0]), 'determinant -1'),
        (np.diag([1.0, 1.0, 1.01]), 'proper rotation'),
        (np.full((3, 3), math.nan), 'finite'),
        (np.eye(2), r'\(3, 3\)'),
    ],
)
def test_matrix_that_is_no_rotation_is_refused(rotation: np.ndarray, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        RigidTransform(rotation, np.zeros(3))


@pytest.mark.parametrize(
    ('settings', 'why'),
    [
        ({'name': 'camera', 'translation': (math.nan, 0.0, 0.0)}, 'finite'),
        ({'name': 'camera', 'rotation': (0.0, math.inf, 0.0)}, 'finite'),
        ({'name': 'camera', 'translation': (0.0, 1500.0, 0.0)}, 'in m'),
        ({'name': 'camera', 'rotation': (0.0, 0.0, 90.0)}, 'in rad'),
        ({'name': ''}, 'name is empty'),
        ({'translation': (0.0, 0.0, 0.1)}, 'need no transform'),
    ],
)
def test_calibration_that_cannot_be_is_refused(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(FrameError, match=why):
        CameraFrame(**settings)


def test_sighting_in_frame_table_stays_as_it_is() -> None:
    sighting = BallObservation(1, (0.1, 0.2, 0.3))
    assert CameraFrame().to_table(sighting, TABLE) is sighting


@pytest.mark.parametrize('frame', ['camera_left', '', TABLE])
def test_sighting_in_a_frame_that_is_not_calibrated_is_refused(frame: str) -> None:
    with pytest.raises(FrameError, match='"camera" is calibrated'):
        CameraFrame('camera').to_table(BallObservation(1, (0.0, 0.0, 0.0)), frame)


def test_no_number_of_a_bad_sighting_becomes_a_good_one() -> None:
    camera = CameraFrame('camera', (0.0, 1.0, 0.0), (0.3, 0.2, 0.1))
    for bad in (math.nan, math.inf):
        seen = camera.to_table(BallObservation(1, (0.0, bad, 0.0)), 'camera')
        assert not all(map(math.isfinite, seen.position))


@dataclass(frozen=True)
class Settings:
    cameras: CameraFrame = field(default_factory=CameraFrame)


def test_calibration_comes_from_a_parameter_file() -> None:
    assert set(to_mapping(Settings())) == {'cameras.name', 'cameras.translation', 'cameras.rotation'}
    given = {
        'cameras.name': 'camera',
        'cameras.translation': [0.1, 2, 1.5],
        'cameras.rotation': [0.0, 0.0, 3.1],
    }
    assert from_mapping(Settings, given, 'here').cameras == CameraFrame(
        'camera', (0.1, 2.0, 1.5), (0.0, 0.0, 3.1)
    )
    with pytest.raises(SettingsError, match='in rad'):
        from_mapping(Settings, given | {'cameras.rotation': [0.0, 0.0, 180.0]}, 'here')
