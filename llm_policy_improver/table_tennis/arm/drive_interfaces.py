"""The arm's drives as ros2_control knows them: its URDF with a ``<ros2_control>`` element.

Each joint takes a velocity and tells its position and velocity, as `config/hardware.yaml` expects it of the drivers.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import SubElement, fromstring, indent, tostring

from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.robot_description import ROBOT, robot_description

MOCK: Final = 'mock_components/GenericSystem'
"""Hardware of ros2_control itself that needs none: states follow commands at once."""
MOCK_PARAMETERS: Final[Mapping[str, str]] = MappingProxyType({'calculate_dynamics': 'true'})
"""Positions are then the integrals of the velocities."""


def description_with_drives(
    joint_names: Sequence[str] = JOINTS, plugin: str = MOCK, parameters: Mapping[str, str] = MOCK_PARAMETERS
) -> str:
    """The URDF of `robot_description`, with the drives' interfaces.

    Args:
        joint_names: what the drivers call the joints, in the order of `arm.joints.JOINTS`.
        plugin: class of ros2_control's hardware component.
        parameters: of that component.

    Raises:
        ValueError: names are missing, equal or none.
    """
    robot = fromstring(robot_description(joint_names))
    system = SubElement(robot, 'ros2_control', name=ROBOT, type='system')
    hardware = SubElement(system, 'hardware')
    SubElement(hardware, 'plugin').text = plugin
    for name, value in parameters.items():
        SubElement(hardware, 'param', name=name).text = value
    for name, start in zip(joint_names, HOME, strict=True):
        joint = SubElement(system, 'joint', name=name)
        SubElement(joint, 'command_interface', name='velocity')
        position = SubElement(joint, 'state_interface', name='position')
        SubElement(position, 'param', name='initial_value').text = repr(start)
        SubElement(joint, 'state_interface', name='velocity')
    indent(robot, ' ')
    return f'<?xml version="1.0"?>\n{tostring(robot, encoding="unicode")}\n'
