"""Settings as ROS parameters."""

from typing import TypeVar

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.node import Node

from llm_policy_improver.core.settings import SettingsError, from_mapping, to_mapping

Settings = TypeVar('Settings')


def declared(node: Node, defaults: Settings) -> Settings:
    """Declare every setting as a parameter and return the settings with the values given at the start.

    The parameters are read-only: nothing may change under a running trial.

    Raises:
        SettingsError: a parameter has a wrong type or value, or was given and is none of this node's.
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
    # rclpy leaves out without a word what was given but never declared, such as a misspelt name, and shows it
    # nowhere in public. Its own parameters (use_sim_time) are declared by now.
    given = node._parameter_overrides
    values |= {name: parameter.value for name, parameter in given.items() if not node.has_parameter(name)}
    return from_mapping(type(defaults), values, where)


def given(node: Node) -> frozenset[str]:
    """Names of the parameters that somebody gave the node at its start, in a file or else."""
    return frozenset(node._parameter_overrides)


def require_own_clock(node: Node) -> None:
    """Raise `SettingsError` where a node of the arm takes its time from ``/clock``, which anybody may set or stop."""
    if node.get_parameter('use_sim_time').value:
        raise SettingsError(
            f'{node.get_name()}: use_sim_time must be false on the arm (lockstep: false), which moves by the real time'
        )
