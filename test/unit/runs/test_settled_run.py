"""A run of noisy trials of the simulated arm: what each trial tells of what to keep, how it ends, and its replay."""

from contextlib import closing
from pathlib import Path

import pytest

from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.improvement_result import End
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.report.progress import TrialReport
from llm_policy_improver.runs.checkpoint import interrupted
from llm_policy_improver.runs.playing import end_stored, play_stored
from llm_policy_improver.runs.replay import ReplayResult, replay
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import RunSettings
from llm_policy_improver.table_tennis import simulated_prior
from llm_policy_improver.table_tennis.cells import noisy_cell
from llm_policy_improver.table_tennis.task import TableTennis

TRIALS, FIRST, FEWEST = 30, 10, 8
SETTINGS = OptimizerSettings(
    objective='at (0.0, 0.7)', method='bayesian', landing_noise=0.001, vary_balls=True, trials=TRIALS,
    first_trials=FIRST,
)  # fmt: skip


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setattr(simulated_prior, 'FEW', 200)
    return tmp_path / 'run'


def test_a_run_that_settled_is_told_stored_replayed_and_over(folder: Path) -> None:
    with closing(assemble(SETTINGS)) as assembly, closing(RunStore.create(folder, {})) as store:
        objective = assembly.objective(SETTINGS.objective)
        # The noise differs in every trial; the ball is thrown alike.
        improvement = assembly.improvement(objective)
        RunSettings(SETTINGS, history=0, objective=objective).store(store)
        task = TableTennis(*noisy_cell())
        lines = [TrialReport.of(result).as_json() for result in play_stored(improvement, task, store)]
        end_stored(improvement, store)
        result = improvement.result()
    # Each trial says what would be kept, from the last of the first ones on; the best seen stays beside it.
    assert ['recommended' in line for line in lines] == [
        number >= FIRST for number in range(1, len(lines) + 1)
    ]
    assert all(line['recommended_expects']['expected_loss'] > 0.0 for line in lines[FIRST - 1 :])
    distances = [line['distance_m'] for line in lines if line['distance_m'] is not None]
    assert result.best_distance_m == lines[-1]['best_distance_m'] == min(distances)
    assert result.as_json()['recommended'] == lines[-1]['recommended']
    # It ended as nothing worth a trial was left.
    left = TRIALS - len(lines)
    assert result.end is End.SETTLED
    assert 0 < left <= TRIALS - FIRST - FEWEST
    assert result.stopped.endswith(f'that the {left} trials left could tell apart')
    assert result.foretold is not None
    assert result.foretold.trials == len(lines) - FIRST
    assert 0 < result.foretold.inside <= result.foretold.succeeded
    with RunStore.open(folder) as store:
        assert ReplayResult(tuple(replay(store))).identical
        assert interrupted(store, SETTINGS) is None
