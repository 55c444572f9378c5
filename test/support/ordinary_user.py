"""Running a command as a user without rights, where the tests are run by root."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from paths import ROOT

_SETPRIV = ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--')

_SHOW = """
set -e
hidden=$1 kept=$2; shift 2
number=0
for place in "$@"; do
  [ "$place" = -- ] && break
  mkdir -p "$kept/$number"; mount --bind "$place" "$kept/$number"; number=$((number + 1))
done
mount -t tmpfs -o mode=755 none "$hidden"
number=0
while [ "$1" != -- ]; do
  mkdir -p "$1"; mount --bind "$kept/$number" "$1"; number=$((number + 1)); shift
done
shift
exec "$@"
"""
"""In mounts of its own: a folder that only root may enter is replaced by one that shows no more than what is needed."""


def as_ordinary_user(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of this Python as the user nobody. Skips the test where that cannot be done.

    Args:
        command: arguments of the interpreter.
        folder: an empty one, for mounts.
    """
    if shutil.which('setpriv') is None or shutil.which('unshare') is None:
        pytest.skip('util-linux is not installed')
    numpy = Path(np.__file__).parents[1]
    needed = dict.fromkeys(Path(each).resolve() for each in (sys.base_prefix, sys.prefix, numpy, ROOT))
    hidden = {above for place in needed for above in place.parents if not above.stat().st_mode & 0o001}
    run = (*_SETPRIV, sys.executable, *command)
    if hidden:
        outermost = min(hidden, key=lambda place: len(place.parts))
        places = [str(place) for place in needed if place.is_relative_to(outermost)]
        run = (
            *('unshare', '--mount', '--propagation', 'private', 'sh', '-c', _SHOW, 'sh'),
            *(str(outermost), str(folder), *places, '--', *run),
        )
    environment = {
        'PATH': '/usr/bin:/bin',
        'HOME': '/tmp',
        'PYTHONPATH': str(ROOT),
        'PYTHONDONTWRITEBYTECODE': '1',
    }
    return subprocess.run(run, cwd='/', env=environment, capture_output=True, text=True)
