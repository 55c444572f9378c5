import numpy as np
import pytest
from noisy_throw import BRIEF, POINT, RIGHT, SPACE, Throw, drawn, simulated_prior

from llm_policy_improver.core.expectation import FAILED_LOSS
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.methods.numeric.effect_model import TooFewTrialsError
from llm_policy_improver.methods.numeric.landing.outlook import Outlook

PRIOR = simulated_prior()
REAL = Throw(off=0.08)
HISTORY = drawn(30, 1, REAL)
OUTLOOK = Outlook(HISTORY, BRIEF, RIGHT, PRIOR)
GENERATOR = np.random.default_rng(5)
PLACES = GENERATOR.uniform(-1.0, 1.0, (12, 5))


def played(point: np.ndarray, objective: Objective, count: int = 200) -> float:
    policy = SPACE.at(SPACE.from_unit(point))
    distances = [objective.distance(REAL.run(policy, 10_000 + seed)) for seed in range(count)]
    return float(np.mean([FAILED_LOSS if distance is None else distance for distance in distances]))


@pytest.mark.parametrize('objective', [RIGHT, POINT])
def test_expected_losses_are_those_of_trials_played(objective: Objective) -> None:
    expected = Outlook(HISTORY, BRIEF, objective, PRIOR).losses(PLACES)
    errors = np.abs(expected - [played(point, objective) for point in PLACES])
    assert np.median(errors) < 0.03


def test_eight_of_ten_distances_are_within_the_interval() -> None:
    point = np.array([0.6, -0.4, 0.2, 0.0, 0.0])
    expected = OUTLOOK.expected(point)
    policy = SPACE.at(SPACE.from_unit(point))
    distances = [RIGHT.distance(REAL.run(policy, seed)) for seed in range(400)]
    inside = np.mean([expected.low <= each <= expected.high for each in distances if each is not None])
    assert 0.65 < inside <= 0.97
    assert expected.success > 0.9


def test_beyond_the_edge_it_expects_the_loss_of_a_failure() -> None:
    inside, outside = OUTLOOK.losses(np.array([[0.7, -0.6, 0.3, 0.0, 0.0], [1.0, -1.0, 1.0, 1.0, 0.0]]))
    assert inside < 0.35
    assert outside > 0.8 * FAILED_LOSS


def test_balls_that_went_out_tell_where_the_edge_is() -> None:
    # All beyond the edge: nothing but where they would have come down says by how much.
    out = [trial for trial in drawn(400, 9, REAL) if trial.outcome == 'out']
    silent = [trial for trial in HISTORY if trial.succeeded][:4]
    taught = Outlook([*silent, *out[:20]], BRIEF, RIGHT, PRIOR).processes['across']
    untaught = Outlook(silent, BRIEF, RIGHT, PRIOR).processes['across']
    corner = np.array([[1.0, -1.0, 1.0, 0.0, 0.0]])
    assert len(taught.points) > 20
    assert taught.predict(corner)[1][0] < 0.5 * untaught.predict(corner)[1][0]


def test_failures_of_another_kind_lower_the_chance_there() -> None:
    missed = [trial for trial in drawn(600, 4, REAL) if trial.outcome == 'missed'][:8]
    before, after = (
        Outlook(history, BRIEF, RIGHT, PRIOR).chance(np.array([[0.0, 0.0, 0.0, 0.8, 0.8]]))[0]
        for history in (HISTORY[:10], [*HISTORY[:10], *missed])
    )
    assert after < before - 0.2


def test_without_a_prior_it_needs_some_trials_that_tell_the_objective() -> None:
    with pytest.raises(TooFewTrialsError, match='too few of 2 trials tell what the objective is about'):
        Outlook([trial for trial in HISTORY if trial.succeeded][:2], BRIEF, RIGHT)
    assert Outlook([], BRIEF, RIGHT, PRIOR).losses(PLACES).shape == (12,)


def test_drawn_worlds_differ_and_scatter_around_what_is_expected() -> None:
    worlds = np.array([OUTLOOK.draw(np.random.default_rng(seed))(PLACES) for seed in range(40)])
    assert np.std(worlds, axis=0).max() > 1e-3
    assert np.abs(worlds.mean(axis=0) - OUTLOOK.losses(PLACES)).max() < 0.08
