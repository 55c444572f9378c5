"""What holds programs on this machine, in words."""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.sandbox.inside.protection import Protection

REQUIRED: Final = (Protection.SECCOMP, Protection.NO_NEW_PRIVILEGES, Protection.RESOURCE_LIMITS)
"""Without these no process is trusted to hold a program: Landlock alone lets UDP, fork and shared memory through."""

_WORDS: Final = {
    Protection.SECCOMP: 'a short list of system calls (seccomp)',
    Protection.LANDLOCK: 'no files and ports (Landlock)',
    Protection.NO_NEW_PRIVILEGES: 'no new privileges',
    Protection.RESOURCE_LIMITS: 'limits of memory, time and output',
    Protection.UNPRIVILEGED_USER: 'a user without rights',
    Protection.NO_CAPABILITIES: 'no capabilities',
    Protection.OWN_SESSION: 'a session of its own',
    Protection.BUBBLEWRAP: 'namespaces of its own (bubblewrap)',
    Protection.INTERPRETER: 'an interpreter without files, network and processes (pydantic-monty)',
}


def sentence(active: Sequence[Protection], not_used: str = '') -> str:
    """What is active, in one sentence; and in another one what more there might be, and why it is not used."""
    held = f'Programs are held by {", ".join(_WORDS[each] for each in active)}.'
    return f'{held} {not_used}' if not_used else held


def missing(active: Sequence[Protection]) -> tuple[Protection, ...]:
    """What is needed and not active."""
    return tuple(each for each in REQUIRED if each not in active)


def missing_sentence(absent: Sequence[Protection]) -> str:
    """What is missing, in one sentence."""
    return f'this machine cannot confine programs: it lacks {", ".join(_WORDS[each] for each in absent)}'
