"""What strokes tell: the racket, how late the encoders are, and the drives."""

import numpy as np
import pytest
from recorded_balls import drawn_ball, recorded_strokes

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.joint_model import LatencyModel
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.calibration.delays import delay_coefficients
from llm_policy_improver.table_tennis.calibration.drives import Drive, fit_drives
from llm_policy_improver.table_tennis.calibration.flights import cut_flights
from llm_policy_improver.table_tennis.calibration.joint_fit import fit_together
from llm_policy_improver.table_tennis.calibration.racket_fit import RacketFit, find_hits, fit_racket
from llm_policy_improver.table_tennis.calibration.recordings import Recording

BALL = drawn_ball(4, racket=True)


@pytest.fixture(scope='module')
def strokes() -> list[Recording]:
    return recorded_strokes(BALL, 16, 4)


@pytest.fixture(scope='module')
def racket(strokes: list[Recording]) -> RacketFit:
    flights = [flight for each in strokes for flight in cut_flights(each.time, each.position, each.source)]
    arms = {each.source: each.arm for each in strokes if each.arm is not None}
    fitted = fit_racket(
        find_hits(flights, fit_together(flights, BallModel()), BallModel(), arms), BallModel()
    )
    assert fitted is not None
    return fitted


@pytest.fixture(scope='module')
def drives(strokes: list[Recording]) -> list[Drive]:
    return fit_drives([each.arm for each in strokes if each.arm is not None])


def test_restitution_and_grip_are_found_through_late_encoders(racket: RacketFit) -> None:
    assert racket.hits >= 12
    assert racket.restitution == pytest.approx(BALL.racket_restitution, abs=3.0 * racket.restitution_error)
    assert racket.grip == pytest.approx(BALL.racket_grip, abs=3.0 * racket.grip_error)
    assert racket.restitution_error < 0.01
    assert racket.grip_error < 0.03


def test_hits_tell_how_late_the_encoders_are(racket: RacketFit) -> None:
    assert racket.delay == pytest.approx(0.030, abs=0.006)  # 29 ms of the axes, 33 of the slides


def test_time_constants_and_delays_of_the_drives_are_found(drives: list[Drive]) -> None:
    lags = {joint.name: joint.lag for joint in arm.ARM}
    assert [drive.joint for drive in drives] == list(lags)
    for drive in drives:
        if drive.joint.startswith('axis'):
            assert drive.lag == pytest.approx(lags[drive.joint], abs=0.004)
            assert drive.delay == pytest.approx(0.100, abs=0.008)


def test_delays_are_those_that_the_controllers_model_takes(drives: list[Drive], racket: RacketFit) -> None:
    found = delay_coefficients(drives, racket, LatencyModel())
    for name, truth in (('arm_action', 0.071), ('slide_x_action', 0.0561), ('slide_y_action', 0.084)):
        assert found[name].determined
        assert found[name].value == pytest.approx(truth, abs=max(0.008, 2.5 * found[name].standard_error))
    LatencyModel(**{name: each.value for name, each in found.items()})


def test_without_hits_the_encoders_delay_stays_and_is_taken_off_the_sum(drives: list[Drive]) -> None:
    before = LatencyModel(arm_state=0.029, slide_state=0.033)
    found = delay_coefficients(drives, None, before)
    assert not found['arm_state'].determined
    assert 'hits would tell it' in found['arm_state'].why
    assert found['arm_action'].value == pytest.approx(0.071, abs=0.008)


def test_arm_that_never_moves_tells_nothing() -> None:
    assert fit_drives([]) == []
    found = delay_coefficients([], None, LatencyModel())
    assert not any(each.determined for each in found.values())
    assert np.isinf(found['arm_action'].standard_error)
