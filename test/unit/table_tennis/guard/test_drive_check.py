"""The check of the drives, on the arm in MuJoCo: they brake by themselves in time, late, or never; and its record."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from guarded_cell import GuardedCell

from llm_policy_improver.core.security import Key
from llm_policy_improver.table_tennis.cells import noisy_cell
from llm_policy_improver.table_tennis.guard.drive_check import SPEED, TOLERANCE, DriveCheck
from llm_policy_improver.table_tennis.guard.drive_proof import DriveProof, why_unproven
from llm_policy_improver.table_tennis.simulation.drive_timeout import DriveTimeout, TimedDrives

KEY, OTHER = Key(bytes(32)), Key(bytes(range(32)))


def checked(timeout: float, *, late: bool = False) -> tuple[DriveCheck, GuardedCell]:
    """A check of an arm whose drives have this time-out, s, with the published delays where it is late."""
    cell = GuardedCell(simulation=noisy_cell()[0] if late else None)
    cell.drives = TimedDrives(DriveTimeout(timeout))
    cell.run(1.3)
    assert cell.guard.check_drives() == ''
    assert 'being checked' in cell.guard.arm()
    for _ in range(1000):
        cell.step()
        check = cell.guard.take_check()
        if check is not None:
            return check, cell
    raise AssertionError('the check did not end')


@pytest.mark.parametrize(('timeout', 'late'), [(0.05, False), (0.02, False), (0.1, False), (0.05, True)])
def test_time_out_of_every_drive_is_measured(timeout: float, late: bool) -> None:
    check, cell = checked(timeout, late=late)
    assert check.measured is not None
    assert check.measured == pytest.approx(np.full(8, timeout), abs=TOLERANCE)
    assert check.verdict(timeout) == ''
    assert np.abs(np.array(cell.sent)).max() <= SPEED + 1e-9
    assert cell.guard.state == 'disarmed'


@pytest.mark.parametrize('timeout', [0.1, math.inf])
def test_drives_that_brake_late_or_never_are_found(timeout: float) -> None:
    check, cell = checked(timeout)
    assert 'without a command, and the safety file says 0.05 s' in check.verdict(0.05)
    cell.run(0.5)
    assert np.abs(cell.velocity).max() < 0.01


def test_one_slow_drive_of_eight_is_named() -> None:
    check, _ = checked(0.05)
    assert check.measured is not None
    check.measured[5] += 0.02
    assert check.verdict(0.05).startswith('axis_4 went on for 0.0')


def test_a_check_that_a_person_ends_shows_nothing() -> None:
    cell = GuardedCell()
    cell.run(1.3)
    assert cell.guard.check_drives() == ''
    cell.run(0.3)
    cell.guard.emergency_stop()
    cell.run(0.1)
    check = cell.guard.take_check()
    assert check is not None
    assert check.verdict(0.05) == 'the check was broken off'
    cell.run(4.0)
    assert cell.guard.take_check() is None
    assert cell.guard.standing


def test_armed_arm_is_not_checked() -> None:
    assert 'disarm it first' in GuardedCell().armed().guard.check_drives()


def proof(timeout: float = 0.05) -> DriveProof:
    return DriveProof(timeout, (0.05,) * 8, '2026-11-23T09:00:00Z', 'Ada')


def test_record_holds_for_its_time_out_and_key_alone(tmp_path: Path) -> None:
    path = tmp_path / 'keys' / 'drives.json'
    assert 'nobody has shown yet' in why_unproven(path, KEY, 0.05)
    proof().write(path, KEY)
    assert why_unproven(path, KEY, 0.05) == ''
    assert 'the safety file says 0.1 s' in why_unproven(path, KEY, 0.1)
    assert "operator's key of now" in why_unproven(path, OTHER, 0.05)
    content = json.loads(path.read_text())
    assert (content['by'], content['drive_timeout']) == ('Ada', 0.05)
    path.write_text(json.dumps({**content, 'drive_timeout': 0.1}))
    assert "operator's key of now" in why_unproven(path, KEY, 0.1)
    for text in ('', '[]', '{}', 'null', '{"seal": 1}'):
        path.write_text(text)
        assert 'no record of a check' in why_unproven(path, KEY, 0.05)
