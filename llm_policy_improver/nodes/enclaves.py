"""SROS2: in which enclave each process runs, and whether ROS 2 keeps strangers out by it.

An enclave is a folder of a keystore with the certificate and the permissions of one process; ``security/policies`` says
what each may publish, hear, serve and ask for. Without ``ROS_SECURITY_ENABLE`` it is a name and nothing more.
"""

from collections.abc import Mapping
from typing import Final

ROOT: Final = '/llm_policy_improver'
"""Above all enclaves of the package."""
REHEARSE: Final = 'rehearse/'
"""Where those of the command ``rehearse`` are."""
SIMULATION: Final = 'simulation/'
"""Where those of ``sim.launch.py`` are."""


def enclave_arguments(name: str) -> list[str]:
    """ROS arguments, without ``--ros-args``, that put a process into an enclave; ROS_SECURITY_ENCLAVE_OVERRIDE wins.

    Args:
        name: of the enclave, below `ROOT`.
    """
    return ['--enclave', f'{ROOT}/{name}']


def security_sentence(environment: Mapping[str, str]) -> str:
    """Whether strangers are kept out, as ROS 2 reads these variables (rcl, ``security.c``); what to do where not."""
    enabled, strategy, keystore = (
        environment.get(f'ROS_SECURITY_{name}', '') for name in ('ENABLE', 'STRATEGY', 'KEYSTORE')
    )
    if enabled != 'true':
        return (
            'ROS 2 security is off: everybody on the network can hear the nodes, stop the arm and send joint states; '
            'docs/security.md says how to enforce it'
        )
    if strategy != 'Enforce':
        return (
            'ROS 2 security is on and not enforced: a node without an enclave joins all the same; '
            'set ROS_SECURITY_STRATEGY=Enforce'
        )
    if not keystore:
        return 'ROS 2 security is enforced without a keystore, so no node will start: set ROS_SECURITY_KEYSTORE'
    return f'ROS 2 security is enforced, with the keystore {keystore}'
