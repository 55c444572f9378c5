"""What is stored as reachable is reached, and trials are the same in any number of processes."""

import json
import math
from pathlib import Path

import pytest

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import parameters_from_json
from llm_policy_improver.table_tennis.bench import reachable
from llm_policy_improver.table_tennis.bench import reachable_best as stored
from llm_policy_improver.table_tennis.bench.trials import Job, run_trials
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.space import NEUTRAL, Searched, parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.observed import landing_of

STORED = json.loads((Path(stored.__file__).parent / 'reachable.json').read_text())
"""Bests by the parameters that were searched."""


@pytest.mark.parametrize('searched', STORED)
@pytest.mark.parametrize('name', stored.OBJECTIVES)
def test_stored_best_is_what_its_parameters_reach(name: str, searched: Searched) -> None:
    best = stored.read_reachable(searched)[name]
    policy = parameters_from_json(best.parameters)
    assert policy.names == parameter_space(searched).names
    assert parameter_space(searched).contains(policy)
    trial = TableTennis().run(policy, 0)
    assert parse_objective(best.words).distance(trial) == pytest.approx(best.distance_m, abs=1e-6)
    landing = landing_of(trial)
    assert landing is not None
    assert (landing.x, landing.y) == pytest.approx((best.x, best.y), abs=1e-6)


@pytest.mark.parametrize(
    ('words', 'searched', 'name'),
    [
        ('hit the ball as far right as possible', Searched.ATTENUATION, 'far right'),
        ('hit the ball as far right as possible', Searched.BOTH, 'far right'),
        ('into the far left corner', Searched.BOTH, 'left corner'),
    ],
)
def test_same_aim_in_other_words_has_the_same_reachable_best(words: str, searched: Searched, name: str) -> None:
    found = stored.reachable_best(parse_objective(words), parameter_space(searched))
    assert found == stored.read_reachable(searched)[name]


def test_nothing_is_said_to_be_reachable_that_no_search_was_made_for() -> None:
    aim, usual = parse_objective('as far right as possible'), parameter_space()
    narrow = parameter_space(attenuation_low=[0.9] * 8)
    assert stored.reachable_best(aim, narrow) is None
    assert stored.reachable_best(aim, parameter_space(Searched.RESIDUAL)) is None
    assert stored.reachable_best(parse_objective('at (0.31, 0.9)'), usual) is None
    assert stored.reachable_best(Objective('as pretty as possible'), usual) is None


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
