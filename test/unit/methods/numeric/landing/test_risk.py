"""Trials of another kind: a ball that is hit with the blade's edge."""

from dataclasses import replace

import numpy as np

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.landing.outlook import Outlook
from llm_policy_improver.methods.numeric.landing.prior import Otherwise, Prior
from llm_policy_improver.methods.numeric.landing.told import Told
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief
from llm_policy_improver.table_tennis.tracing.blade_hit import HIT_ABOVE, HIT_RIGHT

BRIEF = make_brief(parameter_space())
OBJECTIVE = parse_objective('at (0.3, 0.9)')


def hit(first: float, second: float, place: float, right: float = 0.0) -> Trial:
    """A ball that lands by two parameters, and is hit so far below and beside the blade's middle."""
    policy = BRIEF.space.at((first, second, *([1.0] * 6)))
    measures = {
        'landing_x': 0.3 + 0.5 * (first - 1.0), 'landing_y': 0.9 + 0.5 * (second - 1.0), 'net_clearance': 0.2,
        'peak_height': 0.3, HIT_ABOVE: place, HIT_RIGHT: right,
    }  # fmt: skip
    return Trial(policy, 'landed', measures, succeeded=True)


def test_a_hit_by_the_edge_tells_nothing_but_where_it_was() -> None:
    trials = [hit(1.0, 1.0, -0.07), hit(1.0, 1.0, -0.07, 0.05), replace(hit(1.1, 1.0, -0.09), succeeded=False)]
    told = Told.of(trials, BRIEF)
    assert told.telling['landing_x'].tolist() == [True, False, False]
    assert told.telling[HIT_ABOVE].all()
    # The failure has a reason, and asks for no other.
    assert not told.failed_otherwise.any()


def test_the_nearer_to_the_edge_the_less_is_a_policy_expected_to_succeed() -> None:
    generator = np.random.default_rng(0)
    trials = []
    for first, second in generator.uniform(0.6, 1.4, (40, 2)):
        below = -0.05 - 0.08 * (first - 1.0) + 0.006 * generator.normal()
        trials.append(hit(first, second, below))
    outlook = Outlook(trials, BRIEF, OBJECTIVE)

    def success(first: float) -> float:
        return outlook.expected(outlook.explored.point(hit(first, 1.0, 0.0).policy)).success

    assert success(0.7) > 0.85
    assert success(1.4) < 0.6


def test_trials_played_again_in_other_cells_tell_what_a_coefficient_changes() -> None:
    generator = np.random.default_rng(1)
    amounts = generator.normal(size=(120, 2))
    policies = generator.uniform(0.6, 1.4, (120, 2))
    trials = [hit(first, second, -0.02) for first, second in policies]
    trials = [
        replace(trial, measures={name: value + 0.005 * generator.normal() for name, value in trial.measures.items()})
        for trial in trials
    ]
    others = [
        replace(trial, measures=dict(trial.measures) | {'landing_y': trial.measures['landing_y'] + shift})
        for trial, shift in zip(trials, 0.1 * amounts[:, 1] * policies[:, 0], strict=True)
    ]
    prior = Prior.fit(Told.of(trials, BRIEF), Otherwise(Told.of(others, BRIEF), amounts))
    ends = np.array([(-1.0, *([0.0] * 7)), (1.0, *([0.0] * 7))])
    np.testing.assert_allclose(prior.measures['landing_y'].changes(ends), [(0.0, 0.06), (0.0, 0.14)], atol=0.01)
    np.testing.assert_allclose(prior.measures['landing_x'].changes(ends), 0.0, atol=0.01)
