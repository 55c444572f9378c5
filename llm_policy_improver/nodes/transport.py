"""How messages of the arm's nodes travel: never through Fast DDS' shared memory.

There, whoever publishes finds out that a node was killed by waiting for it, 0.3 s or 1.3 s as measured, and every
other thread of the Python process waits as well: the drives would hold the last velocity for so long. By UDP nobody
waits for anybody.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from llm_policy_improver.core.share import share_folder

TRANSPORTS: Final = 'FASTDDS_BUILTIN_TRANSPORTS'
_PROFILES: Final = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
_RANGE: Final = 'ROS_AUTOMATIC_DISCOVERY_RANGE'
_MAPS: Final = Path('/proc/self/maps')


def without_shared_memory(environment: Mapping[str, str]) -> dict[str, str]:
    """Environment variables for nodes on any network; none where somebody has chosen how messages travel."""
    chosen = any(environment.get(name) for name in (TRANSPORTS, *_PROFILES))
    return {} if chosen else {TRANSPORTS: 'UDPv4'}


def on_this_machine(environment: Mapping[str, str]) -> dict[str, str]:
    """Environment variables for nodes that shall meet on this machine only; none likewise.

    Not the discovery range LOCALHOST: with it rmw_fastrtps chooses the transports itself, shared memory among them.
    """
    if any(environment.get(name) for name in _PROFILES):
        return {}
    return {_PROFILES[0]: str(share_folder() / 'config' / 'loopback.xml'), _RANGE: 'SUBNET'}


def of_simulation(environment: Mapping[str, str]) -> dict[str, str]:
    """Environment variables for nodes that move no arm: others on the network have no part in them, by default.

    Programs of this machine reach them without any of these. Where somebody has chosen how far nodes are found, that
    stays.
    """
    if environment.get(_RANGE):
        return without_shared_memory(environment)
    if 'fastrtps' in environment.get('RMW_IMPLEMENTATION', 'rmw_fastrtps_cpp'):
        return on_this_machine(environment)
    return {_RANGE: 'LOCALHOST'}


def shared_memory_warning() -> str:
    """What to tell where this process uses shared memory all the same; empty where it does not, or nobody knows."""
    try:
        maps = _MAPS.read_text()
    except OSError:
        return ''
    if '/dev/shm/fast' not in maps:
        return ''
    return (
        'Fast DDS uses shared memory: when another node is killed, this one can stand still for more than a second, '
        f'and the arm goes on meanwhile. Start all nodes with {TRANSPORTS}=UDPv4, and without '
        f'{_RANGE}=LOCALHOST, which overrides that'
    )
