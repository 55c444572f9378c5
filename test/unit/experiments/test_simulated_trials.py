"""Simulated trials as cells: the same whoever plays them, and more of them are more cells."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.experiments.simulated_trials import A_BLOCK, TrialsPlan, play_block
from llm_policy_improver.table_tennis.space import NEUTRAL, Searched
from llm_policy_improver.table_tennis.task import TableTennis


def bench(folder: Path, *options: str) -> dict[str, Any]:
    result = CliRunner().invoke(
        cli,
        ['bench', 'simulated-trials', '--output', str(folder), '--json', *options],
        catch_exceptions=False,
    )
    return dict(json.loads(result.stdout))


def test_rows_tell_what_a_trial_comes_to() -> None:
    row = play_block(Searched.BOTH, False, 1)
    assert tuple(row['values'][0]) == (1.0,) * 8 + (0.0,) * 8
    policy = Parameters(tuple(row['names']), tuple(row['values'][7]))
    trial = TableTennis().run(policy, row['seeds'][7])
    assert row['outcomes'][7] == trial.outcome
    assert row['measures']['hit_speed'][7] == round(trial.measures['hit_speed'], 9)
    assert len(set(row['seeds'])) == A_BLOCK


def test_more_trials_are_more_cells_and_shards_make_up_the_whole(tmp_path: Path) -> None:
    first = bench(tmp_path / 'a', '--trials', '100', '--executor', 'serial')
    assert first['summary'][0]['trials'] == 100
    assert 0.8 < first['summary'][0]['landed'] <= 1.0
    kept = (tmp_path / 'a' / 'cells' / 'attenuation--0--0.json').stat()
    more = bench(tmp_path / 'a', '--trials', '150', '--processes', '2')
    assert more['summary'][0]['trials'] == 200
    assert (tmp_path / 'a' / 'cells' / 'attenuation--0--0.json').stat() == kept
    for shard in ('2/2', '1/2'):
        found = bench(tmp_path / 'b', '--trials', '200', '--shard', shard, '--executor', 'serial')
    assert found['rows'] == more['rows']


def test_blocks_differ_and_each_begins_with_the_unchanged_controller() -> None:
    cells = TrialsPlan(250, Searched.ATTENUATION, False).cells()
    assert [cell.name for cell in cells] == ['attenuation--0--0', 'attenuation--0--1', 'attenuation--0--2']
    one, other = (play_block(Searched.ATTENUATION, False, block) for block in (0, 1))
    assert one['values'][0] == other['values'][0] == list(NEUTRAL.values)
    assert one['values'][1] != other['values'][1]
