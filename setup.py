"""Builds the ROS messages along with the Python package, so that ``pip install .`` is all it takes.

Everything else is declared in pyproject.toml. Runs CMakeLists.txt, as colcon does, against the ROS 2
wheels among the build requirements, and takes from what it installs: the generated Python modules (into
the package), the shared libraries (into ``<environment>/lib``, where the ROS 2 wheels keep theirs) and the
ament index (into ``<environment>/share``).
"""

import importlib.util
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext

NAME = 'llm_policy_improver'
SHARE = f'share/{NAME}'
HERE = Path(__file__).parent


def ros_prefix() -> Path | None:
    """The folder the ROS 2 message generators are installed under, None where there are none."""
    spec = importlib.util.find_spec('rosidl_generator_py')
    if spec is None or spec.origin is None:
        return None
    prefix = Path(spec.origin).parents[4]  # above lib/python3.x/site-packages/rosidl_generator_py/__init__.py
    return prefix if (prefix / 'share' / 'rosidl_default_generators').is_dir() else None


def run_cmake(prefix: Path, build: Path, target: Path) -> None:
    """Builds CMakeLists.txt in ``build`` with the ROS 2 in ``prefix`` and installs it to ``target``."""
    problem = runpy.run_path(str(HERE / 'scripts' / 'check_machine.py'))['compiler_problem']()
    if problem:
        raise SystemExit(problem)
    environment = os.environ | {
        'AMENT_PREFIX_PATH': str(prefix),
        'CMAKE_PREFIX_PATH': str(prefix),
        'LD_LIBRARY_PATH': ':'.join(filter(None, [f'{prefix}/lib', os.environ.get('LD_LIBRARY_PATH')])),
        'PATH': f'{prefix}/bin:{os.environ["PATH"]}',
        '_ROS_WHEELS_BOOTSTRAP_COMPLETE': '1',  # the path above is right: the wheels' start-up hook can rest
    }
    configure = [
        'cmake', '-G', 'Ninja', '-S', HERE, '-B', build, '-DBUILD_TESTING=OFF', '-DCMAKE_BUILD_TYPE=Release',
        f'-DCMAKE_INSTALL_PREFIX={target}', f'-DPython3_EXECUTABLE={sys.executable}',
    ]  # fmt: skip
    for command in (configure, ['cmake', '--build', build, '--target', 'install']):
        if subprocess.run(command, env=environment).returncode != 0:
            raise SystemExit(f'{NAME}: building the ROS messages failed; the reason is in the lines above.')


class Build(build):
    """Starts from nothing: else a module deleted since the last build would still be installed."""

    def run(self) -> None:
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class BuildMessages(build_ext):
    """Generates and compiles the messages; an editable install gets them inside the source tree."""

    def run(self) -> None:
        self._build()
        if self.editable_mode:  # setuptools forgets data_files: it looks for has_data, not has_data_files
            self.run_command('install_data')

    def _build(self) -> None:
        editable = self.inplace or self.editable_mode
        self._install_files(SHARE, [HERE / 'package.xml'])
        if not editable:  # an editable install reads them from the source tree
            shared = (('config', '*.*'), ('launch', '*.py'), ('security', '*.xml'))
            for file in (file for folder, names in shared for file in (HERE / folder).rglob(names)):
                self._install_files(f'{SHARE}/{file.parent.relative_to(HERE)}', [file])
        prefix = ros_prefix()
        if prefix is None:
            self.warn(
                'no ROS 2 wheels for this machine: installing without the ROS messages and nodes; '
                'build with colcon in a ROS 2 installation to have them'
            )
            return
        installed = Path(self.build_temp).absolute() / 'installed'
        shutil.rmtree(installed, ignore_errors=True)
        with tempfile.TemporaryDirectory() as build:
            run_cmake(prefix, Path(build), installed)
        package = HERE / NAME if editable else Path(self.build_lib) / NAME
        self._copy_generated(next(installed.glob(f'lib/python*/site-packages/{NAME}')), package)
        self._install_files('lib', installed.glob('lib/*.so'))
        for file in installed.glob('share/ament_index/resource_index/*/*'):
            if file.parent.name != 'parent_prefix_path':  # that names the folder of this build
                self._install_files(str(file.parent.relative_to(installed)), [file])
        for kind in ('msg', 'srv', 'action'):
            self._install_files(f'{SHARE}/{kind}', installed.glob(f'{SHARE}/{kind}/*'))

    def _install_files(self, folder: str, files: Iterable[Path]) -> None:
        """Has ``files`` installed into ``folder``, relative to the environment's root."""
        sources = [os.path.relpath(file, HERE) for file in files if file.is_file()]
        self.distribution.data_files.append((folder, sources))

    def _copy_generated(self, generated: Path, package: Path) -> None:
        """Copies what was generated, and only that, of the Python package ``generated``."""
        package.mkdir(parents=True, exist_ok=True)
        for kind in ('msg', 'srv', 'action'):
            shutil.rmtree(package / kind, ignore_errors=True)
            shutil.copytree(
                generated / kind, package / kind, ignore=shutil.ignore_patterns('__pycache__', '*.c')
            )
        for library in generated.glob('*.so'):
            shutil.copy2(library, package)

    def get_outputs(self) -> list[str]:
        return []

    def get_output_mapping(self) -> dict[str, str]:
        return {}


setup(
    # Makes the wheel one for this platform and Python version; BuildMessages knows what to build.
    ext_modules=[Extension(f'{NAME}.messages', sources=[])],
    data_files=[],
    cmdclass={'build': Build, 'build_ext': BuildMessages},
)
