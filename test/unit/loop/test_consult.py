import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chat_server import reply_text
from curved_map import CurvedMap
from rich.console import Console

from llm_policy_improver.core.chat import Completion, Message
from llm_policy_improver.core.method import Proposal
from llm_policy_improver.core.objective import Objective, parse_objective
from llm_policy_improver.core.parameters import ParameterSpace, PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.loop.consult import Answer, consult
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.methods.candidates import SimulatorScreen
from llm_policy_improver.methods.numeric.screened import Screen, ScreenedOptimizer
from llm_policy_improver.methods.sas import claims
from llm_policy_improver.methods.sas.sas import SasPrompt
from llm_policy_improver.report.progress import ConsoleReporter, TrialReport

SPACE = ParameterSpace()
RIGHT = parse_objective('as far right as possible')
GOOD = (1.05, 0.95, 1.0, 1.1, 0.9, 1.2, 0.8, 1.15)


class Proposes:
    """An optimizer that returns what it was made with."""

    name = 'proposes'

    def __init__(self, proposal: Any) -> None:
        self._proposal = proposal

    def propose(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        return self._proposal


class Replies:
    """A model that gives these replies in turn, the last one for ever."""

    model = 'replies'

    def __init__(self, *replies: str) -> None:
        self._replies = list(replies)

    def complete(self, messages: Sequence[Message], schema: object = None) -> Completion:
        return Completion(self._replies.pop(0) if len(self._replies) > 1 else self._replies[0])


def trials(count: int) -> list[ExecutionTrace]:
    task, generator = CurvedMap(1), np.random.default_rng(0)
    return [
        task.run(PolicyParameters(task.space.sample(generator), proposed_by='initial'), i)
        for i in range(count)
    ]


def asked(proposal: Any, **options: Any) -> Answer:
    return consult(Proposes(proposal), trials(3), RIGHT, SPACE, **options)


def test_what_the_proposer_changed_and_what_is_changed_here_are_both_told() -> None:
    said = 'trust_region: the step was\nshortened'
    assert asked(Proposal(GOOD, 'p')).text == 'accepted'
    assert asked(Proposal(GOOD, 'p', verdict=said)).text == 'accepted (trust_region: the step was shortened)'
    both = asked(Proposal((1.41, *GOOD[1:]), 'p', verdict=said))
    assert both.attenuation == (1.4, *GOOD[1:])
    assert both.text == (
        'accepted (trust_region: the step was shortened; bounds: clipped to its bound: a (slide_y) 1.41 to 1.4)'
    )
    refused = asked(Proposal((9.0, *GOOD[1:]), 'p', verdict=said))
    assert refused.proposal is None
    assert refused.attenuation == ()
    assert refused.text.startswith(
        'the proposal of proposes was refused (trust_region: the step was shortened; bounds: out of bounds'
    )


def test_clip_made_inside_of_a_model_is_told_in_the_published_verdict() -> None:
    model = SasPrompt(Replies(reply_text((1.41, *GOOD[1:]))), SPACE)
    improvement = Improvement(RIGHT, model, SPACE, trials=1, first_trials=0)
    step = improvement.propose()
    assert step.parameters.attenuation == (1.4, *GOOD[1:])
    assert 'bounds: clipped to its bound: a (slide_y) 1.41 to 1.4' in step.verdict
    assert step.verdict.startswith('accepted (')


def test_step_of_a_model_is_shortened_after_failures_and_the_person_reads_why() -> None:
    task = CurvedMap(1)
    history = trials(6)
    best = RIGHT.best(history)
    assert best is not None
    centre = SPACE.unit(best.parameters.attenuation)
    for k in (1, 2, 3):
        near = SPACE.from_unit(centre * (1.0 - 0.02 * k))
        history.append(task.run(PolicyParameters(near, proposed_by='sas:replies'), k))
    assert RIGHT.best(history) is best
    leap = SPACE.from_unit(-np.sign(centre))
    answer = consult(SasPrompt(Replies(reply_text(leap)), SPACE), history, RIGHT, SPACE)
    assert answer.attenuation != leap
    assert SPACE.contains(answer.attenuation, tolerance=0.0)
    assert f'the step from trial {history.index(best) + 1}, the best so far, was shortened' in answer.text


def test_refused_replies_can_be_counted_from_the_exchanges() -> None:
    replies = ('no JSON', reply_text((9.0,) * 8), reply_text(GOOD), 'hm', reply_text((1.2,) * 8))
    improvement = Improvement(
        RIGHT, SasPrompt(Replies(*replies), SPACE), SPACE, trials=3, first_trials=0, history=trials(3)
    )
    for _ in run_improvement(improvement, CurvedMap(1)):
        pass
    verdicts = [exchange.verdict for step in improvement.steps for exchange in step.proposal.exchanges]
    assert Counter(verdict[:7] for verdict in verdicts) == {'refused': 3, 'accepte': 2}
    assert [step.unchanged for step in improvement.steps] == [True, False, False]
    assert improvement.steps[0].verdict.startswith('unchanged: sas:replies gave no usable proposal')


@pytest.mark.parametrize(
    'proposal',
    [None, 'a: 1.0', Proposal(None, 'p'), Proposal(GOOD, 'p', verdict=3), Proposal(5, 'p')],  # type: ignore[arg-type]
)
def test_what_is_no_proposal_at_all_is_an_answer_without_one(proposal: object) -> None:
    answer = asked(proposal)
    assert answer.proposal is None
    assert answer.text.startswith('proposes failed (')


def test_repeats_are_allowed_where_asked_for() -> None:
    tried = trials(3)[2].parameters.attenuation
    assert 'repeat: these parameters are those of trial 3' in asked(Proposal(tried, 'p')).text
    assert asked(Proposal(tried, 'p'), repeats_allowed=1).text == 'accepted'


class Broken:
    """A simulated arm that cannot run."""

    def run(self, parameters: PolicyParameters, seed: int) -> ExecutionTrace:
        raise ValueError('the model of the arm is missing')


def broken(*args: object, **kwargs: object) -> Any:
    raise ValueError('singular matrix')


def test_an_internal_error_keeps_the_requests_already_made_and_asks_no_more() -> None:
    several = reply_text((), parameters=[list(GOOD), [1.0, *GOOD[1:]]])
    model = SasPrompt(Replies('no JSON', several, several), SPACE, screen=SimulatorScreen(Broken()))
    answer = consult(model, trials(6), RIGHT, SPACE)
    assert answer.proposal is None
    assert 'internal error, ValueError: the model of the arm is missing' in answer.text
    verdicts = [exchange.verdict for exchange in answer.exchanges]
    assert len(verdicts) == 2
    assert verdicts[1] == 'refused: internal error, ValueError: the model of the arm is missing'
    assert answer.exchanges[1].reply == several
    first = SasPrompt(Replies(several), SPACE, screen=SimulatorScreen(Broken()))
    assert len(consult(first, trials(6), RIGHT, SPACE).exchanges) == 1


def test_a_fault_of_the_screening_costs_no_proposal(monkeypatch: pytest.MonkeyPatch) -> None:
    model = SasPrompt(Replies(reply_text(GOOD)), SPACE)
    monkeypatch.setattr(Screen, 'fit', broken)
    answer = consult(ScreenedOptimizer(model, SPACE), trials(24), RIGHT, SPACE)
    assert answer.attenuation == model.propose(trials(24), RIGHT).attenuation
    assert len(answer.exchanges) == 1
    assert 'screen: not screened: internal error, ValueError: singular matrix' in answer.text


@pytest.mark.parametrize('place', ['compare_claims', 'parse_claims'])
def test_a_fault_in_comparing_claims_costs_no_proposal(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = SasPrompt(Replies(reply_text(GOOD)), SPACE)
    sound = model.propose(trials(24), RIGHT)
    monkeypatch.setattr(claims, place, broken)
    proposal = model.propose(trials(24), RIGHT)
    assert replace(proposal, claims='', claimed=(0, 0, 0)) == replace(sound, claims='', claimed=(0, 0, 0))
    assert sum(sound.claimed) == 2
    assert proposal.claims.endswith(
        'not compared with the trials (internal error, ValueError: singular matrix)'
    )
    assert proposal.claimed == (0, 0, 0)


def test_claims_are_judged_near_the_best_trial_counted_and_shown_beside_the_checks() -> None:
    history = trials(40)
    best = RIGHT.best(history)
    assert best is not None
    analysis = '; '.join(f'{name}: left, longer' for name in 'abcdefgh')
    report = claims.compare_claims(claims.parse_claims(analysis), history, SPACE, best.parameters.attenuation)
    counts = (report.agreements, report.contradictions, report.undecided)
    assert sum(counts) == 16
    assert min(counts) > 0
    replies = Replies(*(reply_text((1.41, *GOOD[1:-1], last), analysis=analysis) for last in (1.0, 1.1)))
    improvement = Improvement(
        RIGHT, SasPrompt(replies, SPACE), SPACE, trials=2, first_trials=0, history=history
    )
    results = list(run_improvement(improvement, CurvedMap(1)))
    assert results[0].step.proposal.claimed == counts
    assert results[0].step.proposal.claims == report.summary
    shown = TrialReport.of(results[0])
    assert shown.as_json()['claims'] == report.summary
    assert shown.verdict.startswith('accepted (')
    assert results[0].step.verdict == f'{shown.verdict[:-1]}; {report.summary})'
    result = improvement.result()
    summed = tuple(sum(pair) for pair in zip(*(one.step.proposal.claimed for one in results), strict=True))
    names = ('claims_agreeing', 'claims_contradicted', 'claims_undecided')
    assert tuple(result.as_json()[name] for name in names) == summed
    text = io.StringIO()
    reporter = ConsoleReporter(Console(file=text, width=2000))
    reporter.begin(RIGHT.words, RIGHT.metric, 'sas:replies', 2)
    reporter.trial(shown)
    reporter.trial(replace(shown, verdict='accepted'))
    reporter.end(result, Path('run'), None)
    lines = [line.strip() for line in text.getvalue().splitlines()]
    assert lines.count(report.summary) == 2
    assert [line for line in lines if line.startswith('checks:')] == [f'checks: {shown.verdict}']
    assert (
        'Claimed effects: {} agree with the trials, {} contradict them, {} undecided'.format(*summed) in lines
    )
