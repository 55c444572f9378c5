"""bubblewrap around the zygote, where it is installed: namespaces, and only what Python needs of the file system."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_SYSTEM: Final = (
    '/usr',
    '/lib',
    '/lib32',
    '/lib64',
    '/bin',
    '/etc/ld.so.cache',
    '/etc/ld.so.conf',
    '/etc/ld.so.conf.d',
)
"""Where the libraries are that Python and NumPy are linked to."""

_SHARED_WITH_NOBODY: Final = (
    '--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try',
)  # fmt: skip

_OF_ROOT: Final = ('CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_KILL')
"""That the zygote keeps, where it runs as root: to give up root in each worker, and to end them."""

_PACKAGE: Final = Path(__file__).parents[1]


def bubblewrap(folders: Sequence[str]) -> tuple[str, ...]:
    """The command to put before that of the zygote; empty where bubblewrap is not installed.

    Args:
        folders: where NumPy and further modules are.
    """
    found = shutil.which('bwrap')
    if found is None:
        return ()
    places = dict.fromkeys(
        (
            *_SYSTEM,
            sys.prefix,
            sys.base_prefix,
            str(Path(sys.executable).parent),
            str(Path(os.path.realpath(sys.executable)).parent),
            *folders,
            str(_PACKAGE / '__init__.py'),
            str(_PACKAGE / 'sandbox'),
        )
    )
    seen = [part for place in places for part in ('--ro-bind-try', place, place)]
    rights = (
        [part for each in _OF_ROOT for part in ('--cap-add', each)]
        if os.geteuid() == 0
        else ['--unshare-user']
    )
    return (
        found, *_SHARED_WITH_NOBODY, *rights, *seen, '--proc', '/proc', '--dev', '/dev', '--chdir', '/', '--',
    )  # fmt: skip
