"""What describes the package to colcon, to pip and to people agrees."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from paths import PACKAGE, ROOT, interfaces

from llm_policy_improver.core.share import share_folder


def test_package_descriptions_agree() -> None:
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
    package = ElementTree.parse(ROOT / 'package.xml').getroot()
    assert package.findtext('name') == project['name'].replace('-', '_') == PACKAGE
    assert package.findtext('version') == project['version']
    assert package.findtext('license') == project['license']
    assert [package.findtext('maintainer')] == [author['name'] for author in project['authors']]
    cmake = (ROOT / 'CMakeLists.txt').read_text()
    assert f'project({PACKAGE})' in cmake  # no version of its own: ament takes package.xml's


def test_needed_python_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
    check = (ROOT / 'scripts' / 'check_machine.py').read_text()
    oldest, newest = re.findall(r'\(3, (\d+)\)', check)
    assert project['requires-python'] == f'>=3.{oldest},<3.{int(newest) + 1}'


def test_every_interface_package_is_a_dependency() -> None:
    text = '\n'.join((ROOT / kind / f'{name}.{kind}').read_text() for kind, name in interfaces())
    used = set(re.findall(r'^(\w+)/\w+', text, re.MULTILINE))
    declared = {e.text for e in ElementTree.parse(ROOT / 'package.xml').getroot().iter('depend')}
    wheels = re.findall(r'ros-jazzy-([\w-]+)', (ROOT / 'pyproject.toml').read_text().split('[project]')[1])
    assert used
    assert used <= declared
    assert used <= {wheel.replace('-', '_') for wheel in wheels}


def test_share_folder_holds_configuration_and_package_xml() -> None:
    assert (share_folder() / 'package.xml').is_file()
    assert (share_folder() / 'config').is_dir()


def test_share_folder_missing_is_said_clearly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr('llm_policy_improver.core.share.__file__', str(tmp_path / 'core' / 'share.py'))
    with pytest.raises(FileNotFoundError, match='install the package again'):
        share_folder()


def test_unsuitable_machine_is_refused_in_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / 'scripts' / 'check_machine.py'],
        env=os.environ | {'CC': str(tmp_path / 'no-such-compiler')}, text=True, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert re.fullmatch(r'a C compiler is needed .* build-essential\n', done.stderr)
