"""What is stored as reachable is reached, and trials are the same in any number of processes."""

import json
import math
from pathlib import Path

import pytest

from llm_policy_improver.core.policy import parameters_from_json
from llm_policy_improver.table_tennis.bench import reachable
from llm_policy_improver.table_tennis.bench.trials import Job, run_trials
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.space import NEUTRAL, Searched, parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.observed import landing_of

STORED = json.loads((Path(reachable.__file__).parent / 'reachable.json').read_text())
"""Bests by the parameters that were searched."""


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
