"""How messages of the arm's nodes travel: a node that is killed must not hold up the one that moves the arm."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from rclpy.utilities import get_rmw_implementation_identifier
from ros_graph import environment

from llm_policy_improver.nodes.transport import (
    TRANSPORTS,
    of_simulation,
    on_this_machine,
    without_shared_memory,
)

WARNED = """
import rclpy
from llm_policy_improver.nodes.transport import shared_memory_warning
before = shared_memory_warning()
rclpy.init()
node = rclpy.create_node('warned')
print(repr((before, shared_memory_warning())))
node.destroy_node()
rclpy.shutdown()
"""

fast_dds = pytest.mark.skipif(
    'fastrtps' not in get_rmw_implementation_identifier(), reason='another middleware than Fast DDS is in use'
)


def warned(**changed: str | None) -> tuple[str, str]:
    """The warning in a process of its own, before and after it has joined."""
    said = subprocess.run(
        [sys.executable, '-c', WARNED], env=environment(**changed), capture_output=True, text=True, check=True
    )
    before, after = eval(said.stdout)
    return before, after


@fast_dds
def test_nodes_on_this_machine_share_no_memory_and_the_others_are_warned() -> None:
    assert warned(**on_this_machine({})) == ('', '')
    before, after = warned(FASTRTPS_DEFAULT_PROFILES_FILE=None, ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST')
    assert before == ''
    assert 'can stand still for more than a second' in after
    assert f'{TRANSPORTS}=UDPv4' in after


def test_profile_of_the_loopback_is_there_and_knows_no_other_address() -> None:
    (profile,) = [Path(value) for value in on_this_machine({}).values() if value.endswith('.xml')]
    assert profile.read_text().count('<address>127.0.0.1</address>') == 2
    assert profile.read_text().count('<address>') == 2


def test_what_somebody_has_chosen_stays() -> None:
    assert without_shared_memory({}) == {TRANSPORTS: 'UDPv4'}
    assert without_shared_memory({TRANSPORTS: 'DEFAULT'}) == {}
    for name in ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'):
        assert without_shared_memory({name: 'mine.xml'}) == {}
        assert on_this_machine({name: 'mine.xml'}) == {}


def test_simulation_stays_on_this_machine_unless_somebody_has_chosen_how_far_it_is_found() -> None:
    assert of_simulation({}) == on_this_machine({})
    for chosen in ('SUBNET', 'LOCALHOST', 'OFF'):
        assert of_simulation({'ROS_AUTOMATIC_DISCOVERY_RANGE': chosen}) == {TRANSPORTS: 'UDPv4'}
    assert of_simulation({'FASTRTPS_DEFAULT_PROFILES_FILE': 'mine.xml'}) == {}
    other = {'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'}
    assert of_simulation(other) == {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
