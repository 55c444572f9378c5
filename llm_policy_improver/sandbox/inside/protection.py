"""The layers that hold a program, by name."""

from enum import StrEnum


class Protection(StrEnum):
    """A layer; which of them are active depends on the machine and on who runs."""

    SECCOMP = 'seccomp'
    """A short list of system calls, all others fail."""
    LANDLOCK = 'landlock'
    """No files, TCP ports, abstract sockets and signals, as far as the kernel's version goes."""
    NO_NEW_PRIVILEGES = 'no_new_privileges'
    """Nothing that is executed could gain rights."""
    RESOURCE_LIMITS = 'resource_limits'
    """Memory, processor time, processes, descriptors and output, by setrlimit."""
    UNPRIVILEGED_USER = 'unprivileged_user'
    """Not root: either never, or given up."""
    NO_CAPABILITIES = 'no_capabilities'
    OWN_SESSION = 'own_session'
    BUBBLEWRAP = 'bubblewrap'
    """Own namespaces, with nothing of the file system but what Python needs, by `bwrap`."""
    INTERPRETER = 'interpreter'
    """An interpreter that has no files, network and processes at all, pydantic-monty."""
