"""``sandbox run``: a person's own program file in the episodes of a task."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from paths import ROOT
from scripted_programmer import CRASHING, PLANNER

from llm_policy_improver.cli.main import cli

EXAMPLE = ROOT / 'examples' / 'a_policy_of_your_own.py'
FUNCTION = 'def get_action(**seen):\n    return 3\n'
SPYING = """
class Policy:
    def act(self, obs):
        return len(open('/etc/passwd').read())
"""


def played(file: Path, *options: str, task: str = 'noise_world_0') -> Result:
    return CliRunner().invoke(cli, ['sandbox', 'run', str(file), '--task', task, *options])


def written(folder: Path, source: str) -> Path:
    path = folder / 'policy.py'
    path.write_text(source)
    return path


def test_the_example_keeps_the_pole_up_and_the_protections_are_told() -> None:
    pytest.importorskip('gymnasium')
    done = played(EXAMPLE, '--episodes', '3', task='cart_pole')
    assert done.exit_code == 0, done.output
    first, *rest = done.stdout.splitlines()
    assert first.startswith('Programs are held by ')
    assert 'seccomp' in first or 'pydantic-monty' in first
    assert rest == [
        'cart_pole: 3 episodes, mean return 500, least 500.',
        'Standard error of the mean: 0.',
        'The kind of policy, by its syntax: tuned_controller.',
    ]


@pytest.mark.parametrize(('source', 'kind'), [(PLANNER, 'planner'), (FUNCTION, 'other')])
def test_one_json_object_tells_returns_and_kind(tmp_path: Path, source: str, kind: str) -> None:
    done = played(written(tmp_path, source), '--episodes', '4', '--seed', '2', '--json')
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found['task'], found['episodes'], found['seed']) == ('noise_world_0', 4, 2)
    assert len(found['returns']) == 4
    assert found['mean'] == pytest.approx(sum(found['returns']) / 4)
    assert found['standard_error'] >= 0.0
    assert found['kind'] == kind
    assert not found['failed']
    assert found['sandbox'].startswith('Programs are held by ')


@pytest.mark.parametrize(
    ('source', 'why', 'line'),
    [
        (CRASHING, "'Policy' object has no attribute 'speed'", 'return self.speed'),
        (SPYING, 'raised', 'open('),
    ],
    ids=['crashing', 'reading a file'],
)
def test_program_that_fails_is_told_with_its_traceback(
    tmp_path: Path, source: str, why: str, line: str
) -> None:
    path = written(tmp_path, source)
    done = played(path, '--json')
    assert done.exit_code == 1
    assert f'Error: {path} failed in episode 1: act raised ' in done.stderr
    assert why in done.stderr
    assert line in done.stderr
    assert 'root:' not in done.output
    found = json.loads(done.stdout)
    assert found['failed']
    assert found['mean'] is found['standard_error'] is None


@pytest.mark.parametrize(
    ('source', 'why'),
    [
        (
            'x = 1\n',
            'must define, at its top level, a class Policy with act(self, obs), or a function get_action',
        ),
        ('class Policy\n', 'is no Python'),
        (None, 'cannot be read: No such file or directory'),
    ],
)
def test_file_without_a_program_is_refused_in_a_sentence(
    tmp_path: Path, source: str | None, why: str
) -> None:
    path = tmp_path / 'policy.py' if source is None else written(tmp_path, source)
    done = played(path)
    assert done.exit_code == 2
    assert done.stderr.startswith(f'Error: {path} ')
    assert why in done.stderr
    assert done.stdout == ''
