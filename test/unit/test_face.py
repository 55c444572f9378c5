"""The face of the package, and the examples that use it."""

import ast
import json
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
from paths import ROOT

import llm_policy_improver
from llm_policy_improver.core.settings import SettingsError

EXAMPLES = sorted(
    # A policy is run in the sandbox, by test_program_file.py.
    path for path in (ROOT / 'examples').glob('*.py') if path.stem != 'a_policy_of_your_own'
)
LONGEST = 60
MOST_NAMES = 40


def test_face_has_few_names_and_each_says_what_it_is() -> None:
    names = llm_policy_improver.__all__
    assert 0 < len(names) <= MOST_NAMES
    for name in names:
        assert (getattr(llm_policy_improver, name).__doc__ or '').strip(), name


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match='no attribute'):
        llm_policy_improver.nothing  # noqa: B018


def test_improve_takes_a_method_by_its_name() -> None:
    result = llm_policy_improver.improve('far left', method='quadratic', trials=2, first_trials=1)
    assert result.method == 'quadratic'
    with pytest.raises(SettingsError, match='unknown method "quadratik"; did you mean quadratic'):
        llm_policy_improver.improve('far left', method='quadratik')


def loaded(code: str, *names: str) -> list[str]:
    """Which of these modules a process of its own has loaded after this code."""
    shown = f'{code}\nimport sys\nprint(*[name for name in {names!r} if name in sys.modules])'
    done = subprocess.run([sys.executable, '-c', shown], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = 'import llm_policy_improver'
    assert loaded(code, 'mujoco', 'scipy', 'matplotlib', 'openai', 'numpy') == []


def test_help_loads_nothing_heavy() -> None:
    code = 'from llm_policy_improver.cli.main import cli\ncli(["--help"], standalone_mode=False)'
    assert loaded(code, 'mujoco', 'scipy', 'matplotlib', 'openai') == []


def test_assembling_a_run_without_a_language_model_loads_neither_its_client_nor_an_optimizer() -> None:
    """They take a second between them, which a person would wait for the first line of a run."""
    code = (
        'from llm_policy_improver.loop.build import assemble\n'
        'from llm_policy_improver.loop.settings import OptimizerSettings\nassemble(OptimizerSettings())'
    )
    assert loaded(code, 'scipy.optimize', 'matplotlib', 'openai') == []


@pytest.mark.parametrize('path', EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short_and_runs(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(path.read_text().splitlines()) <= LONGEST
    example = SimpleNamespace(**runpy.run_path(str(path)))
    example.main(trials=10)
    assert capsys.readouterr().out.strip()


def test_examples_need_nothing_but_the_face_and_the_measures() -> None:
    imported = {
        node.module
        for path in EXAMPLES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or '').startswith('llm_policy_improver')
    }
    measures = 'llm_policy_improver.table_tennis.measures.'
    assert {module for module in imported if module and not module.startswith(measures)} == {
        'llm_policy_improver'
    }


@pytest.fixture
def figures() -> Iterator[None]:
    """Closes what a notebook shows: the tests after it in this process find none open."""
    yield
    plt.close('all')


@pytest.mark.usefixtures('figures')
def test_notebook_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('MPLBACKEND', 'agg')
    (path,) = (ROOT / 'examples').glob('*.ipynb')
    cells = [
        ''.join(cell['source'])
        for cell in json.loads(path.read_text())['cells']
        if cell['cell_type'] == 'code'
    ]
    names: dict[str, object] = {}
    for source in cells:
        exec(source.replace('TRIALS = 39', 'TRIALS = 6'), names)  # shorter, but every line
    assert len(names['results']) == 6  # type: ignore[arg-type]
