"""Every method that asks a language model through ``bench methods``, with a local endpoint that answers by rule."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import scripted_methods
from chat_server import Answer, ChatServer, Scripted, reply_text, say
from click.testing import CliRunner
from scripted_controller import controller
from scripted_programmer import RIGHT, programmer

from llm_policy_improver.cli.main import cli
from llm_policy_improver.experiments.methods import WITH_MODEL
from llm_policy_improver.methods.registry import PROGRAMS

MOVING_ON = """
def get_action(**observed):
    return 3
"""
"""Of `sensorimotor`: to the right, whatever is observed."""
_BOUNDS = re.compile(r'^- (\w+) \(.*\): (-?[\d.]+) to (-?[\d.]+)', re.MULTILINE)


def another_point(request: dict[str, Any]) -> Answer:
    """Of a table of trials of any task: within the bounds, and no point twice."""
    text = str(request['messages'][0]['content'])
    tried = len(re.findall(r'^ *\d+ .* done$', text, re.MULTILINE))
    named = {name: _between(low, high, tried) for name, low, high in _BOUNDS.findall(text)}
    return say(reply_text([], parameters=named), 100, 20)


def _between(low: str, high: str, step: int) -> float:
    return round(float(low) + (float(high) - float(low)) * (0.3 + 0.05 * (step % 8)), 3)


def scripted(method: str) -> Scripted:
    """What answers a method."""
    if method not in PROGRAMS:
        return partial(scripted_methods.answer, table=another_point)
    return controller(MOVING_ON) if method == 'sensorimotor' else programmer(RIGHT)


@pytest.mark.parametrize('method', WITH_MODEL)
def test_every_method_that_asks_a_model_is_compared(method: str, tmp_path: Path) -> None:
    task = 'noise_world_0' if method in PROGRAMS else 'slide_gc'
    with ChatServer(default=scripted(method)) as server:
        command = [
            *('bench', 'methods', '--task', task, '--method', method, '--seeds', '1', '--evaluations', '7'),
            *('--unseen', '5', '--executor', 'serial', '--output', str(tmp_path), '--json'),
            *('--model', 'test-model', '--base-url', server.url),
        ]
        result = CliRunner(env={'OPENAI_API_KEY': 'none'}).invoke(cli, command)
        asked = len(server.requests)
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout)['rows']
    assert (row['task'], row['method'], row['model']) == (task, method, 'test-model')
    assert row['requests'] == asked > 0
    assert row['refused'] == row['unchanged'] == 0
    assert row['tokens'] > 0
    assert row['best'] is not None
    assert len(row['curve']) == 7
