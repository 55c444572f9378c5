"""``check-arm`` on the stand-in arm: no arming before it; drives that brake by themselves, and others."""

import json
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from paused_cell import cell

from llm_policy_improver.nodes.operator_client import OperatorClient
from llm_policy_improver.report.robot import RobotError

pytestmark = pytest.mark.real_time


def test_arm_is_not_armed_before_its_drives_were_checked(tmp_path: Path) -> None:
    with cell(tmp_path, proven=False) as made:
        refused = made.operator.arm()
        assert not refused.success
        assert 'nobody has shown yet that the drives brake by themselves after 0.05 s' in refused.message
        with OperatorClient(made.security, 'Ada', made.graph.namespace) as person:
            made.graph.spin_for(3.0)  # everything in order for a moment
            assert person.check_drives().startswith('drives checked: without a command they brake after 0.0')
        record = json.loads(made.proof.read_text())
        assert (record['drive_timeout'], record['by']) == (0.05, 'Ada')
        assert all(0.03 < measured < 0.06 for measured in record['measured'])
        made.graph.spin_for(1.5)
        assert made.operator.arm().success


def test_drives_without_a_time_out_are_found_and_the_arm_stays_disarmed(tmp_path: Path) -> None:
    with cell(tmp_path, proven=False, drive_timeout=0.0) as made:
        with OperatorClient(made.security, 'Ada', made.graph.namespace) as person:
            made.graph.spin_for(3.0)
            with pytest.raises(RobotError, match=r'drives not checked: \w+ went on for \d\.\d+ s without a command'):
                person.check_drives()
        assert not made.proof.exists()
        assert not made.operator.arm().success
