"""PromptPO with a reasoning reader, played again: the prompts are the same, and so is what came of them."""

import json
import shutil
from pathlib import Path

import pytest
from paths import ROOT

from llm_policy_improver.experiments.kept_model import KeptModel
from llm_policy_improver.experiments.program_cells import ProgramRun, run_program
from llm_policy_improver.llm.endpoint import Endpoint

RECORDED = ROOT / 'docs' / 'recordings' / 'prompt_po'
OPTIMA = {'noise_world_3': 981.3, 'noise_world_6': 954.8}
"""arXiv 2605.30719; by value iteration in test_exact.py."""


@pytest.mark.parametrize('name', sorted(path.stem for path in (RECORDED / 'cells').iterdir()))
def test_recorded_conversation_comes_to_the_same_programs(name: str, tmp_path: Path) -> None:
    row = json.loads((RECORDED / 'cells' / f'{name}.json').read_text())
    shutil.copy(RECORDED / 'exchanges' / f'{name}.jsonl', tmp_path)
    # Nobody is there: what was not recorded would fail.
    nobody = Endpoint('typed', 'http://127.0.0.1:9/v1', max_retries=0, environment={'OPENAI_API_KEY': 'none'})
    model = KeptModel(nobody, tmp_path, name)
    again = run_program(
        ProgramRun(row['task'], row['method'], row['model'], row['seed'], 9, unseen=20), model
    )
    for quantity in ('curve', 'interactions', 'requests', 'tokens', 'kind', 'repairs'):
        assert again[quantity] == row[quantity], quantity
    assert again['best'] >= 0.98 * OPTIMA[row['task']]
