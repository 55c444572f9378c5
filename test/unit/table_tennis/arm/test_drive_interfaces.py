"""ros2_control finds the arm as config/hardware.yaml expects its drivers."""

import pytest
import yaml
from paths import CONFIG
from urdf_chain import Urdf

from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.table_tennis.arm.drive_interfaces import MOCK, description_with_drives
from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.arm.joints import JOINTS, LINEAR
from llm_policy_improver.table_tennis.settings import ControllerSettings

ARM = read_settings(CONFIG / 'hardware.yaml', ControllerSettings, 'controller')
CONTROLLERS = {
    name: section['ros__parameters']
    for name, section in yaml.safe_load((CONFIG / 'ros2_control' / 'controllers.yaml').read_text()).items()
}


def test_each_joint_takes_a_velocity_and_tells_position_and_velocity() -> None:
    urdf = Urdf.read(description_with_drives(ARM.driver_joint_names))
    (system,) = urdf.root.findall('ros2_control')
    assert system.findtext('hardware/plugin') == MOCK
    joints = system.findall('joint')
    assert [joint.get('name') for joint in joints] == list(ARM.driver_joint_names) == urdf.moving
    for joint, start in zip(joints, HOME, strict=True):
        assert [each.get('name') for each in joint.findall('command_interface')] == ['velocity']
        assert [each.get('name') for each in joint.findall('state_interface')] == ['position', 'velocity']
        assert float(joint.findtext('state_interface/param') or 'nan') == start


def test_no_name_of_a_joint_is_within_another_one() -> None:
    """mock_components/GenericSystem finds the joint of an interface by whether its name is in that of the interface."""
    for name in ARM.driver_joint_names:
        assert [other for other in ARM.driver_joint_names if name in other] == [name]


def test_own_drives_are_named_with_their_parameters() -> None:
    text = description_with_drives(JOINTS, 'my_robot/Drives', {'address': '10.0.0.2 <a&b>'})
    (system,) = Urdf.read(text).root.findall('ros2_control')
    assert system.findtext('hardware/plugin') == 'my_robot/Drives'
    (told,) = system.findall('hardware/param')
    assert (told.get('name'), told.text) == ('address', '10.0.0.2 <a&b>')


@pytest.mark.parametrize(
    ('topic', 'joints'),
    [
        (ARM.gantry_command_topic, ARM.driver_joint_names[:LINEAR]),
        (ARM.arm_command_topic, ARM.driver_joint_names[LINEAR:]),
    ],
)
def test_controllers_listen_where_the_commands_go_with_the_joints_in_their_order(
    topic: str, joints: tuple[str, ...]
) -> None:
    name = topic.removeprefix('/').removesuffix('/commands')
    assert tuple(CONTROLLERS[name]['joints']) == joints
    assert CONTROLLERS[name]['interface_name'] == 'velocity'


def test_controller_manager_is_as_fast_as_the_inner_loop() -> None:
    assert CONTROLLERS['controller_manager']['update_rate'] == ARM.inner_loop.rate
