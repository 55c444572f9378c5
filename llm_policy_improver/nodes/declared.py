"""Settings as ROS parameters."""

from typing import TypeVar

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.node import Node

from llm_policy_improver.settings import SettingsError, from_mapping, to_mapping

Settings = TypeVar('Settings')


def declared(node: Node, defaults: Settings) -> Settings:
    """Declare every setting as a parameter and return the settings with the values given at the start.

    The parameters are read-only: nothing may change under a running trial.

    Raises:
        SettingsError: a parameter has a wrong type or value.
    """
    where = node.get_name()
    values = {}
    for name, default in to_mapping(defaults).items():
        try:
            # One descriptor each: rclpy writes into it.
            values[name] = node.declare_parameter(name, default, ParameterDescriptor(read_only=True)).value
        except InvalidParameterTypeException as error:
            raise SettingsError(
                f'{where}: parameter {name} has the wrong type (write 1.0, not 1, for a number): {error}'
            ) from None
    return from_mapping(type(defaults), values, where)
