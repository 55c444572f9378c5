"""The benchmarks in their quick form: they run, give the promised keys, and hold the bars few trials can show."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from llm_policy_improver.cli.main import cli
from llm_policy_improver.table_tennis.bench import physics


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


def test_noise_in_its_quick_form(tmp_path: Path) -> None:
    figures = bench('noise', '--quick', '--plot', str(tmp_path / 'noise.png'))
    assert max(figures['neutral_m']) <= 0.08
    assert max(figures['random_m']) <= 0.1
    assert figures['random_landed'] >= 0.8
    assert figures['phase_m'] <= 0.03
    assert min(figures['steering_m']) >= 0.12
    assert [row['balls'] for row in figures['rows'] if 'policy' in row] == [10] * 10
    assert figures['mean_loss_m'] <= 1.0
    assert 0.0 <= figures['within_0_25'] <= 1.0


def test_throughput_gives_its_figures() -> None:
    figures = bench('throughput', '--trials', '10')
    assert figures['trials'] == 10
    assert all(figures[key] > 0.0 for key in ('trials_per_second', 'cpu_over_mj_step', 'two_process_speedup'))
