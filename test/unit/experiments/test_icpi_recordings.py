"""Conversations with a reasoning reader, played again: the prompts are the same, and so is what came of them."""

import json
import shutil
from pathlib import Path

import pytest
from paths import ROOT

from llm_policy_improver.experiments.kept_model import KeptModel
from llm_policy_improver.experiments.vector_cells import VectorRun, run_vector
from llm_policy_improver.llm.endpoint import Endpoint

RECORDED = ROOT / 'docs' / 'recordings' / 'icpi'
NAMES = sorted(path.stem for path in (RECORDED / 'cells').iterdir())


@pytest.mark.parametrize('name', NAMES)
def test_recorded_conversation_comes_to_the_same_row(name: str, tmp_path: Path) -> None:
    row = json.loads((RECORDED / 'cells' / f'{name}.json').read_text())
    shutil.copy(RECORDED / 'exchanges' / f'{name}.jsonl', tmp_path)
    # Nobody is there: what was not recorded would fail.
    nobody = Endpoint('typed', 'http://127.0.0.1:9/v1', max_retries=0, environment={'OPENAI_API_KEY': 'none'})
    model = KeptModel(nobody, tmp_path, name)
    again = run_vector(VectorRun(row['task'], row['method'], row['model'], row['seed'], 11), model)
    for quantity in ('interactions', 'requests', 'tokens'):
        assert again[quantity] == row[quantity], quantity
    for quantity in ('curve', 'best', 'final'):
        assert again[quantity] == pytest.approx(row[quantity], abs=1e-6), quantity


def test_reader_came_below_the_peers_of_the_paper() -> None:
    rows = [json.loads(path.read_text()) for path in (RECORDED / 'cells').iterdir()]
    assert len(rows) == 10
    for task in ('slide_gc', 'rope_swing_gc'):
        finals = [row['final'] for row in rows if row['task'] == task]
        peers = [
            run_vector(VectorRun(task, 'example_linear_knn', '', seed, 11))['final'] for seed in range(5)
        ]
        assert sum(finals) / len(finals) < 0.001 < sum(peers) / len(peers)
