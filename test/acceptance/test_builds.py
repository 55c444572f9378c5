"""colcon and pip build the package, and what each installs is complete. Each build takes minutes."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from paths import KINDS, PACKAGE, ROOT, interfaces

NODES = ('simulator', 'stand_in_arm', 'controller', 'trace_logger', 'optimizer', 'visualizer')
NOT_SOURCE = shutil.ignore_patterns(
    '.git', '.venv', 'runs', 'build', 'install', 'log', 'dist', '*.so', '__pycache__', '.*_cache', '*.egg-info'
)  # fmt: skip

needs_build_tools = pytest.mark.skipif(
    importlib.util.find_spec('rosidl_generator_py') is None or importlib.util.find_spec('catkin_pkg') is None,
    reason='the ROS 2 build tools are not installed in this Python environment: make setup',
)
needs_colcon = pytest.mark.skipif(
    importlib.util.find_spec('colcon_core') is None,
    reason='colcon is not installed in this Python environment: make setup',
)


def package_files(source: Path) -> list[str]:
    """Every file of the package in ``source``, code and data, relative to it."""
    files = [file for file in sorted((source / PACKAGE).rglob('*')) if file.is_file()]
    return [str(file.relative_to(source)) for file in files if file.suffix not in ('.pyc', '.so')]


def shared_files(source: Path) -> list[str]:
    """What goes from ``source`` into the package's share folder, relative to either."""
    files = [source / 'package.xml', *(source / 'config').rglob('*.yaml'), *(source / 'launch').rglob('*.py')]
    files += (source / 'security').rglob('*.xml')
    return [str(file.relative_to(source)) for file in files]


def run(command: list[str | Path], folder: Path) -> str:
    """Runs ``command`` in ``folder`` with the ROS 2 of this Python environment; returns its output."""
    prefixes = os.environ.get('AMENT_PREFIX_PATH') or sys.prefix
    environment = os.environ | {
        'AMENT_PREFIX_PATH': prefixes,
        'CMAKE_PREFIX_PATH': os.environ.get('CMAKE_PREFIX_PATH') or prefixes,
        'PATH': f'{sys.prefix}/bin:{os.environ["PATH"]}',
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


def installed_face(python_folder: Path, folder: Path) -> None:
    """The face of the package is ours, and its names are there, in what was installed into ``python_folder``.

    Generating messages makes a package of the same name, whose ``__init__.py`` is empty.
    """
    ours = (ROOT / PACKAGE / '__init__.py').read_bytes()
    assert (python_folder / PACKAGE / '__init__.py').read_bytes() == ours
    look = f'import sys; sys.path.insert(0, {str(python_folder)!r})'
    face = (
        f'import {PACKAGE}; from {PACKAGE} import improve, Objective, Task, Method; print({PACKAGE}.__file__)'
    )
    output = run([sys.executable, '-c', f'{look}; {face}'], folder)
    assert Path(output.strip()) == python_folder / PACKAGE / '__init__.py'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the tree as in a fresh clone."""
    copy = tmp_path / 'source' / PACKAGE
    shutil.copytree(ROOT, copy, ignore=NOT_SOURCE)
    for kind in KINDS:
        shutil.rmtree(copy / PACKAGE / kind, ignore_errors=True)
    return copy


@needs_build_tools
@needs_colcon
def test_colcon_builds_and_installs_everything(source: Path, tmp_path: Path) -> None:
    code, shared = package_files(source), shared_files(source)
    run(
        [sys.executable, '-m', 'colcon', 'build', '--base-paths', source,
         '--cmake-args', '-DBUILD_TESTING=OFF', f'-DPython3_EXECUTABLE={sys.executable}'],
        tmp_path,
    )  # fmt: skip
    prefix = tmp_path / 'install' / PACKAGE
    for executable in (*(f'lib/{PACKAGE}/{node}' for node in NODES), 'bin/llm-policy-improver'):
        assert os.access(prefix / executable, os.X_OK), executable
        module = re.search(r'from (\S+) import main', (prefix / executable).read_text())
        assert module, executable
        assert module[1].replace('.', '/') + '.py' in code, module[1]
    for file in shared:
        assert (prefix / 'share' / PACKAGE / file).is_file(), file
    (python_folder,) = prefix.glob('lib/python*/site-packages')
    for file in code:
        assert (python_folder / file).is_file(), file
    imports = [f'from {PACKAGE}.{kind} import {name}' for kind, name in interfaces()]
    look = f'import sys; sys.path.insert(0, {str(python_folder)!r})'
    share = f'from {PACKAGE}.core.share import share_folder; print(share_folder())'
    output = run([sys.executable, '-c', '; '.join([look, *imports, share])], tmp_path)
    assert Path(output.strip()) == prefix / 'share' / PACKAGE
    installed_face(python_folder, tmp_path)


@needs_build_tools
def test_wheel_holds_package_messages_and_libraries(source: Path, tmp_path: Path) -> None:
    code, shared = package_files(source), shared_files(source)
    run(
        [sys.executable, '-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '-w', tmp_path, source],
        tmp_path,
    )
    (wheel,) = tmp_path.glob('*.whl')
    this_python = 'cp' + ''.join(map(str, sys.version_info[:2]))
    assert f'-{this_python}-{this_python}-' in wheel.name  # for this platform and Python only
    names = set(zipfile.ZipFile(wheel).namelist())
    data = '-'.join(wheel.name.split('-')[:2]) + '.data/data'
    share = f'{data}/share/{PACKAGE}'
    assert names >= set(code)
    assert names >= {f'{PACKAGE}/{kind}/__init__.py' for kind in KINDS}
    assert names >= {f'{share}/{kind}/{name}.idl' for kind, name in interfaces()}
    assert f'{PACKAGE}/{PACKAGE}_s__rosidl_typesupport_fastrtps_c.so' in names
    assert f'{data}/lib/lib{PACKAGE}__rosidl_typesupport_fastrtps_c.so' in names
    assert f'{data}/share/ament_index/resource_index/packages/{PACKAGE}' in names
    assert names >= {f'{share}/{file}' for file in shared}
    assert not [name for name in names if name.startswith(('test/', 'scripts/'))]
    installed = tmp_path / 'installed'
    run(
        [sys.executable, '-m', 'pip', 'install', '--no-deps', '--no-index', '--target', installed, wheel],
        tmp_path,
    )
    installed_face(installed, tmp_path)
