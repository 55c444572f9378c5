import json
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from chat_server import BAD_REPLIES, EXPLAINED, ChatServer, fail, good
from curved_map import CurvedMap

from llm_policy_improver.core.chat import Completion, Ending, Message
from llm_policy_improver.core.finding import Failure
from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.loop.improvement import Improvement, ImprovementError, run_improvement
from llm_policy_improver.loop.improvement_result import End
from llm_policy_improver.methods.numeric.least_squares import LeastSquares
from llm_policy_improver.methods.sas.sas import SasPrompt
from llm_policy_improver.report.wording import step_text
from llm_policy_improver.table_tennis.arm.modulation import ATTENUATIONS, Modulation
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import NEUTRAL, parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief
from llm_policy_improver.table_tennis.tracing.observed import Outcome, trial_of

SPACE = parameter_space()
BRIEF = make_brief(SPACE)
RIGHT = parse_objective('as far right as possible')
UNMEASURABLE = parse_objective('make the opponent run')
KEY = 'sk-very-secret-0123456789'


class Says:
    """A method that does what it is told, with the first parameters of the space."""

    name = 'says'

    def __init__(self, propose: Callable[[Sequence[Trial]], Sequence[float]]) -> None:
        self._propose = propose

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        values = tuple(self._propose(history))
        return Proposal(Parameters(SPACE.names[: len(values)], values), self.name, reason='because')


def stepping(history: Sequence[Trial]) -> list[float]:
    """Something new each time."""
    return [1.0 + 0.01 * (1 + len(history)), *[1.0] * 7]


def raising(error: BaseException) -> Callable[[Sequence[Trial]], Sequence[float]]:
    def propose(history: Sequence[Trial]) -> Sequence[float]:
        raise error

    return propose


def played(improvement: Improvement, task: CurvedMap | None = None) -> Improvement:
    for _ in run_improvement(improvement, task or CurvedMap(0)):
        pass
    return improvement


def test_first_trials_are_neutral_then_spread_over_the_bounds() -> None:
    improvement = played(Improvement(RIGHT, Says(stepping), SPACE, trials=26, seed=5))
    first = improvement.steps[:24]
    assert first[0].policy == NEUTRAL
    assert all(step.proposed_by == 'initial' for step in first)
    values = np.array([step.parameters.values for step in first[1:]])
    assert np.all((values >= 0.6) & (values <= 1.4))
    # A Latin hypercube: every parameter reaches into both ends of its range.
    assert np.all(values.min(axis=0) < 0.64)
    assert np.all(values.max(axis=0) > 1.36)
    assert [step.proposed_by for step in improvement.steps[24:]] == ['says', 'says']


def test_same_seed_gives_the_same_run_and_another_one_another() -> None:
    def parameters(seed: int) -> list[Parameters]:
        improvement = Improvement(RIGHT, LeastSquares(BRIEF), SPACE, trials=8, first_trials=6, seed=seed)
        return [step.parameters for step in played(improvement).steps]

    assert parameters(1) == parameters(1)
    assert parameters(1) != parameters(2)


def test_versions_grow_from_the_first_version() -> None:
    improvement = played(
        Improvement(RIGHT, Says(stepping), SPACE, trials=4, first_trials=2, first_version=17)
    )
    assert [step.version for step in improvement.steps] == [17, 18, 19, 20]


def test_every_trial_meets_the_same_ball_unless_asked_otherwise() -> None:
    def seeds(**options: object) -> list[int]:
        improvement = Improvement(RIGHT, Says(stepping), SPACE, trials=3, first_trials=1, seed=4, **options)  # type: ignore[arg-type]
        return [step.seed for step in played(improvement).steps]

    assert seeds() == [4, 4, 4]
    assert seeds(ball_seed=9) == [9, 9, 9]
    assert seeds(ball_seed=9, vary_balls=True) == [10, 11, 12]


def test_history_of_earlier_runs_replaces_first_trials() -> None:
    before = played(Improvement(RIGHT, Says(stepping), SPACE, trials=5, first_trials=5, seed=3))
    after = Improvement(
        RIGHT, Says(stepping), SPACE, trials=3, first_trials=6, seed=3, history=before.history
    )
    played(after)
    assert [step.proposed_by for step in after.steps] == ['initial', 'says', 'says']
    assert len(after.history) == 8
    assert after.result().trials == 3


def test_result_sums_up_the_run() -> None:
    improvement = played(Improvement(RIGHT, LeastSquares(BRIEF), SPACE, trials=30))
    result = improvement.result()
    summary = json.loads(json.dumps(result.as_json()))
    assert {
        'objective', 'optimizer', 'trials', 'initial_distance_m', 'best_distance_m', 'best_trial',
        'best_parameters', 'returned',
    } <= set(summary)  # fmt: skip
    assert summary['optimizer'] == 'least_squares'
    assert summary['trials'] == 30
    assert summary['initial_distance_m'] == RIGHT.distance(improvement.history[0])
    assert summary['best_distance_m'] == min(
        d for t in improvement.history if (d := RIGHT.distance(t)) is not None
    )
    best = improvement.steps[summary['best_trial'] - 1]
    assert summary['best_parameters'] == list(best.policy.values)
    assert summary['parameters'] == best.policy.as_json()
    assert summary['returned'] == sum(trial.succeeded for trial in improvement.history) / 30


class Recommends(Says):
    """Says what to keep, too."""

    def recommend(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        return Proposal(SPACE.neutral, self.name, reason='It expects much.', memos={'expected_loss': '0.2'})


def test_under_noise_a_method_with_a_model_says_what_to_keep() -> None:
    noisy, quiet, plain = (
        played(Improvement(RIGHT, method, SPACE, trials=3, first_trials=2, noise=noise)).result()
        for method, noise in ((Recommends(stepping), 0.05), (Recommends(stepping), 0.0), (Says(stepping), 0.05))
    )
    assert noisy.as_json()['recommended'] == SPACE.neutral.as_json()
    assert noisy.as_json()['recommended_expects'] == {'expected_loss': 0.2}
    assert noisy.recommended_told.endswith('h (axis_6) 1.000')
    # The best trial stays what it was: the one seen.
    assert noisy.best_trial == quiet.best_trial
    for other in (quiet, plain):
        assert 'recommended' not in other.as_json()
        assert other.recommended_told == ''


def test_each_trial_says_whether_it_is_the_new_best() -> None:
    improvement = Improvement(RIGHT, LeastSquares(BRIEF), SPACE, trials=28)
    best = None
    for result in run_improvement(improvement, CurvedMap(4)):
        better = result.distance is not None and (best is None or result.distance < best)
        assert result.improved == better
        best = result.distance if better else best
        assert result.best_distance == best


def test_unmeasurable_objective_has_no_distances() -> None:
    improvement = played(Improvement(UNMEASURABLE, Says(stepping), SPACE, trials=4, first_trials=2))
    result = improvement.result()
    assert (result.initial_distance_m, result.best_distance_m, result.best_trial) == (None, None, 0)
    assert result.as_json()['best_parameters'] is None


def test_nothing_recorded_is_a_result_too() -> None:
    assert Improvement(RIGHT, Says(stepping), SPACE, trials=1).result().returned == 0.0


def test_wrong_use_is_told_in_one_sentence() -> None:
    with pytest.raises(ImprovementError, match='trials must be at least 1; got 0'):
        Improvement(RIGHT, Says(stepping), SPACE, trials=0)
    with pytest.raises(ImprovementError, match='first trials must not be negative; got -1'):
        Improvement(RIGHT, Says(stepping), SPACE, trials=1, first_trials=-1)
    improvement = Improvement(RIGHT, Says(stepping), SPACE, trials=1)
    with pytest.raises(ImprovementError, match='call propose'):
        improvement.record(trial_of(Modulation(), Outcome.LANDED, {}))
    assert improvement.propose() is improvement.propose()
    with pytest.raises(ImprovementError, match='policy version 9, and step 1 asked for version 1'):
        improvement.record(trial_of(Modulation(version=9), Outcome.NET, {}))
    played(improvement)
    with pytest.raises(ImprovementError, match='the run is over'):
        improvement.propose()


@pytest.mark.parametrize(
    ('propose', 'why'),
    [
        (
            raising(ProposalError('the model is on holiday')),
            'says gave no usable proposal (the model is on holiday)',
        ),
        (raising(RuntimeError('bug\nhere.')), 'says failed (RuntimeError: bug here)'),
        (lambda history: [1e9] * 8, 'says was refused by the checks (bounds: out of bounds'),
        (
            lambda history: [1.0] * 8,
            'was refused by the checks (repeat: these parameters are those of trial 1',
        ),
        (
            lambda history: [float('nan')] * 8,
            'says failed (ParameterError: every parameter must be a finite number; ',
        ),
        (lambda history: [1.0] * 7, 'was refused by the checks (count: '),
        (lambda history: [], 'was refused by the checks (count: '),
    ],
)
def test_unusable_proposal_falls_back_and_says_why(
    propose: Callable[[Sequence[Trial]], Sequence[float]], why: str
) -> None:
    improvement = Improvement(
        RIGHT, Says(propose), SPACE, trials=12, first_trials=10, fallback=LeastSquares(BRIEF)
    )
    played(improvement)
    step = improvement.steps[-1]
    assert step.proposed_by == 'least_squares'
    (in_vain,) = step.proposal.instead_of
    assert in_vain.method == 'says'
    assert why in str(in_vain)
    assert step_text(step) == f'accepted; least_squares stands in: {in_vain}'
    assert '\n' not in step_text(step)
    assert not step.unchanged
    assert improvement.result().fallbacks == 2


def test_endpoint_that_fails_again_and_again_rests_and_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', KEY)
    with ChatServer() as server:
        server.script(*[fail(500)] * 20)
        model = SasPrompt(Endpoint('m', server.url, timeout_s=5.0, max_retries=0), BRIEF)
        improvement = Improvement(
            RIGHT, model, SPACE, trials=24 + 9, fallback=LeastSquares(BRIEF), first_trials=24
        )
        played(improvement)
        asked = len(server.requests)
    improved = improvement.steps[24:]
    failures = [vain.failure for step in improved for vain in step.proposal.instead_of]
    resting = [number for number, failure in enumerate(failures, 1) if failure is Failure.RESTING]
    assert len(failures) == len(improved)
    assert resting == [4, 5, 6, 7, 9]
    assert asked == 4
    assert all(step.proposed_by == 'least_squares' for step in improved)


def test_without_a_fallback_the_last_good_parameters_stay() -> None:
    improvement = played(Improvement(RIGHT, Says(lambda history: [1e9] * 8), SPACE, trials=4, first_trials=2))
    second, third, fourth = improvement.steps[1:]
    assert third.unchanged
    assert fourth.unchanged
    assert third.policy == fourth.policy == second.policy
    assert third.version == fourth.version == second.version
    assert third.reason.startswith('The last good policy stays: says was refused by the checks')
    assert improvement.result().unchanged == 2


def test_where_the_fallback_cannot_measure_the_last_good_parameters_stay() -> None:
    improvement = Improvement(
        UNMEASURABLE,
        Says(raising(ProposalError('no'))),
        SPACE,
        trials=3,
        first_trials=2,
        fallback=LeastSquares(BRIEF),
    )
    last = played(improvement).steps[-1]
    assert last.unchanged
    assert 'says gave no usable proposal (no); least_squares gave no usable proposal' in last.reason


def test_with_nothing_before_it_an_unusable_proposal_means_the_unchanged_controller() -> None:
    improvement = Improvement(
        RIGHT, Says(lambda history: []), SPACE, trials=1, first_trials=0, first_version=3
    )
    step = improvement.propose()
    assert step.unchanged
    assert step.policy == NEUTRAL
    assert step.version == 3


def test_proposal_that_overshoots_a_little_is_clipped_before_it_is_published() -> None:
    improvement = Improvement(
        RIGHT, Says(lambda history: [1.41, *[1.0] * 7]), SPACE, trials=1, first_trials=0
    )
    step = improvement.propose()
    assert step.parameters.values[0] == 1.4
    assert step.changes == {'a': (1.41, 1.4)}
    assert 'clipped' in step_text(step)


def test_person_can_interrupt() -> None:
    improvement = Improvement(RIGHT, Says(raising(KeyboardInterrupt())), SPACE, trials=1, first_trials=0)
    with pytest.raises(KeyboardInterrupt):
        improvement.propose()


def sas(server: ChatServer) -> SasPrompt:
    endpoint = Endpoint(
        'test-model', server.url, timeout_s=0.3, max_retries=1, environment={'OPENAI_API_KEY': KEY}
    )
    return SasPrompt(endpoint, BRIEF)


@pytest.mark.parametrize('kind', BAD_REPLIES)
def test_bad_reply_of_an_endpoint_falls_back_and_the_run_goes_on(kind: str) -> None:
    with ChatServer(BAD_REPLIES[kind]) as server:
        improvement = Improvement(
            RIGHT, sas(server), SPACE, trials=7, first_trials=6, fallback=LeastSquares(BRIEF)
        )
        step = played(improvement).steps[-1]
    assert step.proposed_by == 'least_squares'
    assert SPACE.contains(step.policy)
    assert 'sas:test-model gave no usable proposal' in str(step.proposal.instead_of[0])
    assert step.proposal.exchanges
    assert all(exchange.ending is not Ending.ACCEPTED for exchange in step.proposal.exchanges)
    assert KEY not in repr(step)


@pytest.mark.parametrize('kind', ['one billion', 'HTTP 500', 'empty'])
def test_bad_reply_of_an_endpoint_leaves_the_last_good_parameters_where_nothing_can_step_in(
    kind: str,
) -> None:
    with ChatServer(good([1.1] * 8)) as server:
        improvement = Improvement(
            UNMEASURABLE, sas(server), SPACE, trials=3, first_trials=1, fallback=LeastSquares(BRIEF)
        )
        for number, _ in enumerate(run_improvement(improvement, CurvedMap(0))):
            if number == 1:
                server.default = BAD_REPLIES[kind]
    accepted, after = improvement.steps[1:]
    assert accepted.parameters.values == (1.1,) * 8
    assert after.unchanged
    assert (after.policy, after.version) == (accepted.policy, accepted.version)


def test_endpoint_that_recovers_is_asked_again() -> None:
    with ChatServer() as server:
        bad = BAD_REPLIES['HTTP 401']
        server.script(bad, good([1.1, *[1.0] * 7]))
        improvement = Improvement(
            RIGHT, sas(server), SPACE, trials=10, first_trials=8, fallback=LeastSquares(BRIEF)
        )
        played(improvement)
    assert [step.proposed_by for step in improvement.steps[8:]] == [
        'least_squares',
        'sas:test-model',
    ]


class Typed:
    """A model that answers what the test generates."""

    model = 'typed'

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator

    def complete(self, messages: Sequence[Message], schema: object = None) -> Completion:
        return Completion(noisy_reply(self._generator))


def noisy_reply(generator: np.random.Generator) -> str:
    """A reply that may be good, broken in one of many ways, or both."""
    values: list[object] = [round(float(v), 3) for v in generator.normal(1.0, 0.15, size=8)]
    odd: list[object] = [float('nan'), 1e9, -1, None, 'x', '1.2', True, [], {'a': 1}, '\u0661', 10**60, 1.43]
    for _ in range(generator.integers(3)):
        values[generator.integers(len(values))] = odd[generator.integers(len(odd))]
    names = list(ATTENUATIONS) if generator.random() < 0.9 else [*ATTENUATIONS[:7], 'z']
    given = dict(zip(names, values, strict=True))
    if generator.random() < 0.1:
        given.popitem()
    body: dict[str, object] = {**EXPLAINED, 'parameters': given}
    if generator.random() < 0.2:
        body = {'parameters': values[: generator.choice([8, 8, 7])]}
    text = json.dumps(body)
    if generator.random() < 0.2:
        text = text[: generator.integers(len(text))]
    if generator.random() < 0.2:
        text = text.replace('"b":', '"a":')
    wrap = generator.integers(5)
    around = [
        '{}',
        '```json\n{}\n```',
        '<think>{{"parameters": [9]}}</think>{}',
        '{} {{',
        'os.system("x") {}',
    ][wrap]
    return around.replace('{}', text, 1)


def test_of_500_generated_replies_nothing_out_of_bounds_is_ever_published() -> None:
    generator = np.random.default_rng(11)
    method = SasPrompt(Typed(generator), BRIEF)
    history = played(Improvement(RIGHT, Says(stepping), SPACE, trials=5, first_trials=3)).history
    accepted = refused = 0
    while accepted + refused < 500:
        improvement = Improvement(RIGHT, method, SPACE, trials=1, first_trials=0, history=history)
        step = improvement.propose()
        assert SPACE.contains(step.policy, tolerance=0.0)
        verdicts = [exchange.verdict for exchange in step.proposal.exchanges]
        accepted += sum(verdict.startswith('accepted') for verdict in verdicts)
        refused += sum(verdict.startswith('refused: ') and len(verdict) > 20 for verdict in verdicts)
        assert all(verdict.startswith(('accepted', 'refused')) for verdict in verdicts)
        assert step.unchanged == (not verdicts[-1].startswith('accepted'))
    assert accepted > 30
    assert refused > 100


def misreading() -> SasPrompt:
    class Misreading:
        model = 'm'

        def complete(self, messages: Sequence[Message], schema: object = None) -> Completion:
            return Completion('{"misread": "as far left as possible"}')

    return SasPrompt(Misreading(), BRIEF)


def test_run_ends_without_a_ball_where_the_model_says_that_the_words_were_misread() -> None:
    improvement = played(
        Improvement(RIGHT, misreading(), SPACE, trials=24, first_trials=3, fallback=LeastSquares(BRIEF))
    )
    result = improvement.result()
    assert (improvement.end, result.trials, len(improvement.steps)) == (End.MISREAD, 3, 3)
    assert result.stopped == (
        'sas:m takes the words to ask for something else than what is measured, "as far left as possible" instead of '
        '"as far right as possible": say it in other words and begin again'
    )
    assert result.as_json()['stopped'] == result.stopped
    with pytest.raises(ImprovementError, match='the run is over: the words ask for something else'):
        improvement.propose()


def test_run_ends_where_nobody_proposes_anything_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', KEY)
    with ChatServer(fail(401)) as server:
        model = SasPrompt(Endpoint('m', server.url, timeout_s=5.0, max_retries=0), BRIEF)
        improvement = played(
            Improvement(
                UNMEASURABLE, model, SPACE, trials=24 + 15, fallback=LeastSquares(BRIEF), first_trials=24
            )
        )
    result = improvement.result()
    assert result.trials == 24 + 3
    assert improvement.end is result.end is End.NO_PROPOSALS
    assert result.unchanged == 3
    assert 'nobody could propose anything several times in a row: sas:m gave no usable' in result.stopped
    assert 'refused the key (HTTP 401)' in result.stopped
    with pytest.raises(
        ImprovementError, match='the run is over: nobody could propose anything 3 times in a row'
    ):
        improvement.propose()


class Names:
    """Names the trial that lands furthest right as the nearest, and tries something new."""

    name = 'names'

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        best = RIGHT.best(history)
        assert best is not None
        policy = SPACE.sample(np.random.default_rng(len(history)))
        return Proposal(policy, self.name, nearest=history.index(best) + 1)


def test_where_nothing_measures_the_word_of_the_model_ranks() -> None:
    improvement = played(Improvement(UNMEASURABLE, Names(), SPACE, trials=30, first_trials=24))
    before_last = improvement.history[:-1]
    assert improvement.best is RIGHT.best(before_last)
    result = improvement.result()
    assert result.best is improvement.best
    assert result.best_trial == before_last.index(improvement.best) + 1
    assert result.best_distance_m is None


HERE = parse_objective('at (0.0, 0.6)')
"""0.07 m beside where `CurvedMap` puts the ball with the neutral policy."""


@pytest.mark.parametrize(('noise', 'end'), [(0.08, End.REACHED), (0.0, None)])
def test_run_ends_where_the_objective_is_reached_within_the_noise(noise: float, end: End | None) -> None:
    improvement = Improvement(HERE, Says(stepping), SPACE, trials=9, noise=noise, all_trials=False)
    result = next(run_improvement(improvement, CurvedMap(0)))
    assert result.distance == pytest.approx(0.0707, abs=0.0001)
    assert improvement.end is improvement.result().end is end
    assert improvement.result().stopped == ('the objective is reached' if end else '')
    if end:
        with pytest.raises(ImprovementError, match='the run is over: the objective is reached'):
            improvement.propose()


def test_all_trials_are_played_where_asked_for() -> None:
    improvement = played(Improvement(HERE, Says(stepping), SPACE, trials=3, noise=0.08))
    assert (len(improvement.history), improvement.end) == (3, End.PLAYED)
    assert improvement.result().stopped == ''


def test_objective_that_an_earlier_run_reached_is_worked_towards_again() -> None:
    before = played(Improvement(HERE, Says(stepping), SPACE, trials=1))
    again = Improvement(
        HERE, Says(stepping), SPACE, trials=2, first_trials=0, history=before.history, noise=0.08,
        all_trials=False,
    )  # fmt: skip
    assert again.end is None
    assert len(played(again).steps) >= 1
