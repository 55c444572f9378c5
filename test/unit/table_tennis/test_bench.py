"""The benchmarks in their quick form: they run, give the promised keys, and hold the bars few trials can show."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.policy import parameters_from_json
from llm_policy_improver.table_tennis.bench import physics, reachable
from llm_policy_improver.table_tennis.bench.trials import Job, run_trials
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.space import NEUTRAL, Searched, parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.observed import landing_of

STORED = json.loads((Path(reachable.__file__).parent / 'reachable.json').read_text())
"""Bests by the parameters that were searched."""


def bench(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli, ['bench', *arguments, '--json'])
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert isinstance(content, dict)
    return content


def test_physics_holds_its_bars_and_is_the_same_for_the_same_seed() -> None:
    figures = bench('physics')
    assert figures['drop_rebound_m'] == pytest.approx(0.230, abs=0.003)
    assert figures['restitution_spread'] < 0.001
    assert figures['flight_error_m'] < 0.001
    assert figures['bounce_error_mps'] < 1e-6
    assert figures['energy_rises'] == 0
    assert physics.run(0).as_json() == figures


def test_returns_in_its_quick_form(tmp_path: Path) -> None:
    plot = tmp_path / 'returns.png'
    figures = bench('returns', '--balls', '60', '--plot', str(plot))
    assert figures['balls'] == 60
    assert figures['returned_fraction'] >= 0.95
    assert figures['returned_fraction_noisy'] >= 0.7
    assert figures['mean_target_error_m'] <= 0.06
    assert figures['limit_violations'] == 0
    assert plot.read_bytes()[:4] == b'\x89PNG'


def test_coverage_in_its_quick_form(tmp_path: Path) -> None:
    figures = bench('coverage', '--samples', '60', '--varied', '30', '--plot', str(tmp_path / 'coverage.png'))
    assert figures['samples'] == 60
    assert figures['landed_fraction'] >= 0.85
    assert max(figures[f'{edge}_gap_m'] for edge in ('right_edge', 'left_edge', 'far_end')) <= 0.10
    assert figures['beyond_net_m'] <= 0.20


def test_landings_in_its_quick_form(tmp_path: Path) -> None:
    figures = bench('landings', '--trials', '60', '--plot', str(tmp_path / 'landings.png'))
    assert figures['median_error_m'] <= 0.005
    assert figures['p95_error_m'] <= 0.015
    assert figures['outcome_accuracy'] >= 0.95


def test_throughput_gives_its_figures() -> None:
    figures = bench('throughput', '--trials', '10')
    assert figures['trials'] == 10
    assert all(figures[key] > 0.0 for key in ('trials_per_second', 'cpu_over_mj_step', 'two_process_speedup'))


@pytest.mark.parametrize('searched', STORED)
@pytest.mark.parametrize('name', reachable.OBJECTIVES)
def test_stored_best_is_what_its_parameters_reach(name: str, searched: Searched) -> None:
    best = reachable.read_reachable(searched)[name]
    policy = parameters_from_json(best.parameters)
    assert policy.names == parameter_space(searched).names
    assert parameter_space(searched).contains(policy)
    trial = TableTennis().run(policy, 0)
    assert parse_objective(best.words).distance(trial) == pytest.approx(best.distance_m, abs=1e-6)
    landing = landing_of(trial)
    assert landing is not None
    assert (landing.x, landing.y) == pytest.approx((best.x, best.y), abs=1e-6)


def test_search_finds_a_better_landing_than_the_bare_controllers() -> None:
    found = reachable.search('far left', trials=120, seed=0, searched=Searched.ATTENUATION)
    assert found.distance_m < 0.6
    assert found.trials >= 120


def test_trials_are_the_same_in_one_process_and_in_two() -> None:
    jobs = [Job(NEUTRAL, seed) for seed in range(4)]
    simulation = SimulationConfig(balls='rally', camera_noise=0.002)
    one, two = (run_trials(jobs, simulation, processes=processes) for processes in (1, 2))
    assert one == two
    assert all(math.isfinite(trial.launch_speed) for trial in one)
