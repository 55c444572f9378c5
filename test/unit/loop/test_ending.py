"""When a run with noisy trials is over, by what the method's model says."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from curved_map import CurvedMap
from noisy_throw import BRIEF, POINT, Throw, drawn

from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.method import Prospect, Prospector
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.improvement import Improvement, ImprovementError, run_improvement
from llm_policy_improver.loop.improvement_result import End, ImprovementResult
from llm_policy_improver.methods.numeric.landing.bayesian import Bayesian
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import parameter_space

SPACE = parameter_space()
HERE = parse_objective('at (0.0, 0.6)')
"""0.07 m beside where `CurvedMap` puts the ball with the neutral policy."""


class Foresees:
    """Says of every history what it is told to, and notes the questions. Its proposals end 0.07 to 0.1 m off."""

    name = 'foresees'

    def __init__(self, loss: float = 0.5, prospect: Prospect | None = None, hope: float = 0.2) -> None:
        self.loss, self.left, self.hope = loss, prospect, hope
        self.asked: list[int] = []

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        policy = SPACE.at((1.0 + 0.01 * (1 + len(history)), *[1.0] * 7))
        memos = Expectation(self.hope).memos()
        return Proposal(policy, self.name, expected={'landing_x': 0.0}, memos=memos)

    def recommend(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal | None:
        self.asked.append(len(history))
        memos = Expectation(self.loss, 0.3, 0.6, 0.9).memos()
        return Proposal(SPACE.neutral, self.name, reason='By the model.', memos=memos)

    def prospect(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Prospect | None:
        return self.left


def run(method: Foresees, **options: float | bool) -> tuple[Improvement, list[Proposal | None]]:
    settings = {'trials': 24, 'first_trials': 3, 'noise': 0.08, 'all_trials': False} | options
    improvement = Improvement(HERE, method, SPACE, **settings)  # type: ignore[arg-type]
    kept = [result.recommended for result in run_improvement(improvement, CurvedMap(0))]
    return improvement, kept


def test_a_lucky_ball_is_not_enough_where_a_model_expects_worse() -> None:
    improvement, _ = run(Foresees(loss=0.1))
    # The very first ball was within the noise.
    assert HERE.distance(improvement.history[0]) == pytest.approx(0.0707, abs=0.0001)
    assert (improvement.end, improvement.played) == (End.PLAYED, 24)


def test_it_is_reached_when_what_would_be_kept_is_expected_to_reach_it() -> None:
    improvement, _ = run(Foresees(loss=0.079))
    # Not in the first trials, which the model is made of.
    assert (improvement.end, improvement.played) == (End.REACHED, 3)
    assert improvement.result().stopped == 'the objective is reached'


def test_a_run_ends_where_the_trials_left_cannot_show_what_is_left() -> None:
    prospect = Prospect(gain=0.021, scatter=0.08)
    improvement, _ = run(Foresees(prospect=prospect))
    left = 24 - improvement.played
    assert improvement.end is End.SETTLED
    assert prospect.told_apart(left + 1) <= 0.021 < prospect.told_apart(left)
    result = improvement.result()
    assert result.stopped == (
        f'what is left to gain, about 0.021 m, is less than the {prospect.told_apart(left):.3f} m that the {left} '
        'trials left could tell apart'
    )
    assert result.as_json()['left_to_gain'] == 0.021
    with pytest.raises(ImprovementError, match='the run is over: what is left to gain'):
        improvement.propose()


def test_a_model_is_believed_once_eight_of_its_proposals_bear_it_out() -> None:
    nothing = Prospect(gain=0.0, scatter=0.08)
    improvement, _ = run(Foresees(prospect=nothing))
    assert (improvement.end, improvement.played) == (End.SETTLED, 3 + 8)
    # Each of them comes out worse by more than all that further trials could tell apart.
    improvement, _ = run(Foresees(prospect=nothing, hope=-0.1))
    assert (improvement.end, improvement.played) == (End.PLAYED, 24)


@pytest.mark.parametrize(
    ('options', 'prospect'),
    [
        ({'all_trials': True}, Prospect(0.0, 0.1)), ({'noise': 0.0}, Prospect(0.0, 0.1)), ({}, None),
        ({}, Prospect(0.2, 0.1)),
    ],
)  # fmt: skip
def test_all_trials_are_played_otherwise(options: dict[str, float], prospect: Prospect | None) -> None:
    method = Foresees(prospect=prospect)
    if not options.get('noise', 1.0):  # what was seen decides then
        options = options | {'all_trials': True}
    improvement, _ = run(method, **options)
    result = improvement.result()
    assert (improvement.end, result.stopped, result.prospect) == (End.PLAYED, '', None)


def test_first_trials_are_played_before_a_model_is_asked() -> None:
    method = Foresees(prospect=Prospect(0.0, 0.1))
    improvement, kept = run(method, first_trials=7)
    assert improvement.played >= 7
    assert kept[:6] == [None] * 6
    assert min(method.asked) == 7
    assert kept[6] is not None


def test_every_trial_says_what_would_be_kept_and_each_history_is_asked_once() -> None:
    method = Foresees()
    improvement, kept = run(method, all_trials=True)
    improvement.result()
    improvement.result()
    assert [proposal is not None for proposal in kept] == [False] * 2 + [True] * 22
    assert method.asked == list(range(3, 25))


def test_without_noise_no_model_is_asked() -> None:
    method = Foresees()
    improvement, kept = run(method, noise=0.0, all_trials=True)
    assert improvement.result().recommended is None
    assert improvement.result().foretold is None
    assert (method.asked, kept) == ([], [None] * 24)


def test_a_model_that_fails_stops_no_run() -> None:
    class Fails(Foresees):
        def recommend(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal | None:
            raise ZeroDivisionError('of the model')

    with pytest.warns(RuntimeWarning, match='foresees cannot say what to keep: ZeroDivisionError: of the model'):
        improvement, kept = run(Fails())
    assert (improvement.end, set(kept)) == (End.PLAYED, {None})


def test_a_restored_run_is_over_where_the_whole_one_was() -> None:
    method = Foresees(prospect=Prospect(gain=0.021, scatter=0.08))
    whole, _ = run(method)
    again = Improvement(HERE, method, SPACE, trials=24, first_trials=3, noise=0.08, all_trials=False)
    again.restore(list(zip(whole.steps, whole.history, strict=True)))
    assert again.end is whole.end is End.SETTLED
    assert again.result().stopped == whole.result().stopped


def test_figures_that_are_lost_leave_the_sentence() -> None:
    result = ImprovementResult('here', 'here', 'foresees', 4, 0.5, 0.2, 1, None, 1.0, end=End.SETTLED, left=3)
    assert result.stopped == 'what is left to gain is less than the trials left could tell apart'


# --- the model of the numeric method ---------------------------------------------------------------------------

REAL = Throw(off=0.08, scatter=0.05)


def towards(objective: Objective, count: int) -> tuple[Bayesian, list[Trial]]:
    method, history = Bayesian(BRIEF, 0), drawn(12, 1, REAL)
    for number in range(count):
        proposal = method.propose(history, objective)
        history.append(REAL.run(proposal.parameters, 5000 + number, proposal.proposed_by))
    return method, history


def test_what_is_left_to_gain_falls_as_trials_come_in() -> None:
    method, history = towards(POINT, 12)
    assert isinstance(method, Prospector)
    early, late = (method.prospect(history[:count], POINT) for count in (12, 24))
    assert early is not None
    assert late is not None
    assert 0.0 <= late.gain < 0.5 * early.gain
    # Of the distance to a point with a scatter of 0.05 m a coordinate, by Rayleigh's distribution: 0.66 of it.
    assert late.scatter == pytest.approx(0.033, abs=0.02)
    assert method.prospect(history, POINT) == late


def test_nothing_is_said_where_nothing_can_be_recommended() -> None:
    assert Bayesian(BRIEF).prospect([], POINT) is None
    assert Bayesian(BRIEF).prospect([], Objective('play well')) is None


class Thrown:
    """A task whose balls scatter."""

    def run(self, policy: Parameters, seed: int) -> Trial:
        return replace(REAL.run(policy, seed), version=0)


def test_a_run_of_the_numeric_method_ends_by_itself_and_is_as_good_as_a_whole_one() -> None:
    played, losses = [], []
    for all_trials in (False, True):
        improvement = Improvement(
            POINT, Bayesian(BRIEF), BRIEF.space, trials=32, first_trials=12, vary_balls=True, noise=0.02,
            all_trials=all_trials,
        )  # fmt: skip
        for _ in run_improvement(improvement, Thrown()):
            pass
        kept = improvement.result().recommended
        assert kept is not None
        distances = [POINT.distance(REAL.run(kept.parameters, 9000 + number)) for number in range(200)]
        played.append(improvement.played)
        losses.append(sum(1.0 if distance is None else distance for distance in distances) / 200)
    assert 12 < played[0] < played[1] == 32
    assert losses[0] < losses[1] + 0.02
