"""Says in one sentence what this machine lacks for the set-up, and fails; silent where nothing is missing.

Run by the Python to be checked, which may be too old for the rest of the package.
"""

import importlib.util
import os
import shutil
import sys
import sysconfig
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)  # as requires-python in pyproject.toml
VERSION = '.'.join(map(str, sys.version_info[:2]))
COMPILERS = {
    'CC': ('a C compiler', ('cc', 'gcc', 'clang')),
    'CXX': ('a C++ compiler', ('c++', 'g++', 'clang++')),
}


def python_problem():
    """What is wrong with this Python; empty if nothing."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return (
            f'Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]} is needed, {sys.executable} is '
            f'{VERSION}: name another one, e.g. make PYTHON=python3.12'
        )
    if not (importlib.util.find_spec('venv') and importlib.util.find_spec('ensurepip')):
        return (
            f'the venv module of {sys.executable} is missing: install it, '
            f'e.g. apt install python{VERSION}-venv'
        )
    return ''


def compiler_problem():
    """What is missing to compile the ROS messages; empty if nothing."""
    for variable, (what, usual) in COMPILERS.items():
        names = os.environ.get(variable, '').split()[:1] or usual
        if not any(shutil.which(name) for name in names):
            return (
                f'{what} is needed to build the ROS messages, and {" or ".join(names)} was not found: '
                'install one, e.g. apt install build-essential'
            )
    if not Path(sysconfig.get_path('include'), 'Python.h').exists():
        return (
            f'the headers of {sys.executable} (Python.h) are missing: install them, '
            f'e.g. apt install python{VERSION}-dev'
        )
    return ''


if __name__ == '__main__':
    sys.exit(python_problem() or compiler_problem() or None)
