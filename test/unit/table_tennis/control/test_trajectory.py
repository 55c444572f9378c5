import numpy as np
import pytest

from llm_policy_improver.table_tennis.control.trajectory import Segment

GENERATOR = np.random.default_rng(0)
Q0, V0, A0, Q1, V1, A1 = GENERATOR.uniform(-1.0, 1.0, (6, 8))
QUINTIC = Segment.quintic(0.3, 0.8, Q0, V0, A0, Q1, V1, A1)
QUARTIC = Segment.quartic(0.3, 0.8, Q0, V0, Q1, V1)


def acceleration(segment: Segment, time: float) -> np.ndarray:
    step = 1e-5
    return (segment.at(time + step)[1] - segment.at(time - step)[1]) / (2 * step)


@pytest.mark.parametrize('segment', [QUINTIC, QUARTIC])
def test_segment_starts_and_ends_in_the_given_states(segment: Segment) -> None:
    assert np.array(segment.at(0.3)) == pytest.approx(np.array((Q0, V0)))
    assert np.array(segment.at(0.8)) == pytest.approx(np.array((Q1, V1)))


def test_quintic_has_the_given_accelerations_at_its_ends() -> None:
    assert acceleration(QUINTIC, 0.3 + 1e-5) == pytest.approx(A0, abs=0.03)
    assert acceleration(QUINTIC, 0.8 - 1e-5) == pytest.approx(A1, abs=0.03)


def test_quartic_ends_without_acceleration() -> None:
    assert acceleration(QUARTIC, 0.8 - 1e-5) == pytest.approx(np.zeros(8), abs=0.01)


@pytest.mark.parametrize('segment', [QUINTIC, QUARTIC])
def test_velocity_is_the_derivative_of_the_position(segment: Segment) -> None:
    for time in np.linspace(0.31, 0.79, 9):
        slope = (segment.at(time + 1e-6)[0] - segment.at(time - 1e-6)[0]) / 2e-6
        assert segment.at(time)[1] == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize('segment', [QUINTIC, QUARTIC])
def test_beyond_its_ends_the_segment_goes_on_at_constant_velocity(segment: Segment) -> None:
    assert np.array(segment.at(1.0)) == pytest.approx(np.array((Q1 + 0.2 * V1, V1)))
    assert np.array(segment.at(0.1)) == pytest.approx(np.array((Q0 - 0.2 * V0, V0)))
