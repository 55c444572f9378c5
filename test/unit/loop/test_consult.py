import io
import json
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
from llm_policy_improver.core.finding import Failure, Finding
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.consult import Answer, consult
from llm_policy_improver.loop.improvement import Improvement, run_improvement
from llm_policy_improver.methods.candidates import SimulatorScreen
from llm_policy_improver.methods.checks import verdict_text
from llm_policy_improver.methods.hybrid import Hybrid, Screen
from llm_policy_improver.methods.sas import effects
from llm_policy_improver.methods.sas.sas import SasPrompt
from llm_policy_improver.report.progress import ConsoleReporter, TrialReport
from llm_policy_improver.report.wording import claims_text, step_text
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief

SPACE = parameter_space()
BRIEF = make_brief(SPACE)
RIGHT = parse_objective('as far right as possible')
GOOD = (1.05, 0.95, 1.0, 1.1, 0.9, 1.2, 0.8, 1.15)
SHORTENED = (Finding('trust_region', 'the step was shortened', changed=True),)


class Proposes:
    """A method that returns what it was made with."""

    name = 'proposes'

    def __init__(self, proposal: Any) -> None:
        self._proposal = proposal

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        return self._proposal


class Replies:
    """A model that gives these replies in turn, the last one for ever."""

    model = 'replies'

    def __init__(self, *replies: str) -> None:
        self._replies = list(replies)

    def complete(self, messages: Sequence[Message], schema: object = None) -> Completion:
        return Completion(self._replies.pop(0) if len(self._replies) > 1 else self._replies[0])


def trials(count: int) -> list[Trial]:
    task, generator = CurvedMap(1), np.random.default_rng(0)
    played = [task.run(task.space.sample(generator), i) for i in range(count)]
    return [replace(trial, proposed_by='initial') for trial in played]


def proposed(values: Sequence[float], **more: Any) -> Proposal:
    return Proposal(SPACE.at(values), 'p', **more)


def asked(proposal: Any, **options: Any) -> Answer:
    return consult(Proposes(proposal), trials(3), RIGHT, SPACE, **options)


def told(answer: Answer) -> str:
    """What a person reads of an answer that may be published."""
    assert answer.proposal is not None
    assert answer.checked is not None
    return verdict_text(True, (*answer.proposal.findings, *answer.findings))


def test_what_the_proposer_changed_and_what_is_changed_here_are_both_told() -> None:
    assert told(asked(proposed(GOOD))) == 'accepted'
    changed = asked(proposed(GOOD, findings=SHORTENED))
    assert told(changed) == 'accepted (trust_region: the step was shortened)'
    both = asked(proposed((1.41, *GOOD[1:]), findings=SHORTENED))
    assert both.checked is not None
    assert both.checked.policy == SPACE.at((1.4, *GOOD[1:]))
    assert told(both) == (
        'accepted (trust_region: the step was shortened; bounds: clipped to its bound: a (slide_y) 1.41 to 1.4)'
    )
    refused = asked(proposed((9.0, *GOOD[1:]), findings=SHORTENED))
    assert refused.checked is None
    assert refused.failure is Failure.REFUSED
    assert refused.proposal is not None
    assert refused.proposal.findings == SHORTENED
    assert str(refused.in_vain).startswith('proposes was refused by the checks (bounds: out of bounds')


def test_clip_made_inside_of_a_model_is_told_in_the_published_step() -> None:
    model = SasPrompt(Replies(reply_text((1.41, *GOOD[1:]))), BRIEF)
    improvement = Improvement(RIGHT, model, SPACE, trials=1, first_trials=0)
    step = improvement.propose()
    assert step.policy == SPACE.at((1.4, *GOOD[1:]))
    assert 'bounds: clipped to its bound: a (slide_y) 1.41 to 1.4' in step_text(step)
    assert step_text(step).startswith('accepted (')


def test_step_of_a_model_is_shortened_after_failures_and_the_person_reads_why() -> None:
    task = CurvedMap(1)
    history = trials(6)
    best = RIGHT.best(history)
    assert best is not None
    centre = SPACE.unit(best.policy)
    for k in (1, 2, 3):
        near = SPACE.at(SPACE.from_unit(centre * (1.0 - 0.02 * k)))
        history.append(replace(task.run(near, k), proposed_by='sas:replies'))
    assert RIGHT.best(history) is best
    leap = SPACE.from_unit(-np.sign(centre))
    answer = consult(SasPrompt(Replies(reply_text(leap)), BRIEF), history, RIGHT, SPACE)
    assert answer.checked is not None
    assert answer.checked.policy != SPACE.at(leap)
    assert SPACE.contains(answer.checked.policy, tolerance=0.0)
    assert f'the step from trial {history.index(best) + 1}, the best so far, was shortened' in told(answer)


def test_refused_replies_can_be_counted_from_the_exchanges() -> None:
    replies = ('no JSON', reply_text((9.0,) * 8), reply_text(GOOD), 'hm', reply_text((1.2,) * 8))
    improvement = Improvement(
        RIGHT, SasPrompt(Replies(*replies), BRIEF), SPACE, trials=3, first_trials=0, history=trials(3)
    )
    for _ in run_improvement(improvement, CurvedMap(1)):
        pass
    verdicts = [exchange.verdict for step in improvement.steps for exchange in step.proposal.exchanges]
    assert Counter(verdict[:7] for verdict in verdicts) == {'refused': 3, 'accepte': 2}
    assert [step.unchanged for step in improvement.steps] == [True, False, False]
    assert step_text(improvement.steps[0]).startswith('unchanged: sas:replies gave no usable proposal')


@pytest.mark.parametrize('proposal', [None, 'a: 1.0', 3])
def test_what_is_no_proposal_at_all_is_an_answer_without_one(proposal: object) -> None:
    answer = asked(proposal)
    assert answer.checked is None
    assert answer.failure is Failure.ERROR
    assert str(answer.in_vain).startswith('proposes failed (')


@pytest.mark.parametrize('policy', [None, 5, GOOD, Parameters(tuple('abcdefgz'), GOOD), Parameters((), ())])
def test_what_is_no_policy_of_the_space_is_refused(policy: Any) -> None:
    answer = asked(Proposal(policy, 'p'))
    assert answer.checked is None
    assert answer.failure is Failure.REFUSED
    assert 'count: a policy of the parameters a, b, c, d, e, f, g, h is needed; got ' in str(answer.in_vain)


def test_repeats_are_allowed_where_asked_for() -> None:
    tried = Proposal(trials(3)[2].policy, 'p')
    assert 'repeat: these parameters are those of trial 3' in str(asked(tried).in_vain)
    assert told(asked(tried, repeats_allowed=1)) == 'accepted'


class Broken:
    """A simulated arm that cannot run."""

    def run(self, policy: Parameters, seed: int) -> Trial:
        raise ValueError('the model of the arm is missing')


def broken(*args: object, **kwargs: object) -> Any:
    raise ValueError('singular matrix')


def test_an_internal_error_keeps_the_requests_already_made_and_asks_no_more() -> None:
    several = reply_text((), parameters=[list(GOOD), [1.0, *GOOD[1:]]])
    model = SasPrompt(Replies('no JSON', several, several), BRIEF, screen=SimulatorScreen(Broken(), SPACE))
    answer = consult(model, trials(6), RIGHT, SPACE)
    assert answer.proposal is None
    assert 'internal error, ValueError: the model of the arm is missing' in answer.detail
    verdicts = [exchange.verdict for exchange in answer.exchanges]
    assert len(verdicts) == 2
    assert verdicts[1] == 'refused: internal error, ValueError: the model of the arm is missing'
    assert answer.exchanges[1].reply == several
    first = SasPrompt(Replies(several), BRIEF, screen=SimulatorScreen(Broken(), SPACE))
    assert len(consult(first, trials(6), RIGHT, SPACE).exchanges) == 1


def test_a_fault_of_the_screening_costs_no_proposal(monkeypatch: pytest.MonkeyPatch) -> None:
    model = SasPrompt(Replies(reply_text(GOOD)), BRIEF)
    monkeypatch.setattr(Screen, 'fit', broken)
    answer = consult(Hybrid(model, model.name, BRIEF), trials(24), RIGHT, SPACE)
    assert answer.checked is not None
    assert answer.checked.policy == model.propose(trials(24), RIGHT).policy
    assert len(answer.exchanges) == 1
    assert 'screen: not screened: internal error, ValueError: singular matrix' in told(answer)


@pytest.mark.parametrize('place', ['ranked', 'judged'])
def test_a_fault_in_comparing_claims_costs_no_proposal(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = SasPrompt(Replies(reply_text(GOOD)), BRIEF)
    sound = model.propose(trials(24), RIGHT)
    monkeypatch.setattr(effects, place, broken)
    proposal = model.propose(trials(24), RIGHT)
    assert replace(proposal, claims=(), findings=()) == replace(sound, claims=(), findings=())
    assert len(sound.claims) == 2
    assert proposal.claims == ()
    said = 'not compared with the trials: internal error, ValueError: singular matrix'
    assert proposal.findings == (*sound.findings, Finding('effects', said))


def test_claims_are_judged_near_the_best_trial_counted_and_shown_beside_the_checks() -> None:
    history = trials(40)
    claimed = {name: {'x': 'left', 'y': 'further'} for name in SPACE.names}
    judged = effects.judge_claims(claimed, history, RIGHT, BRIEF)
    counts = effects.count(judged)
    assert sum(counts) == len(judged) == 16
    assert min(counts) > 0
    replies = Replies(*(reply_text((1.41, *GOOD[1:-1], last), effects=claimed) for last in (1.0, 1.1)))
    improvement = Improvement(
        RIGHT, SasPrompt(replies, BRIEF), SPACE, trials=2, first_trials=0, history=history
    )
    results = list(run_improvement(improvement, CurvedMap(1)))
    assert results[0].step.proposal.claims == judged
    shown = TrialReport.of(results[0])
    summary = claims_text(judged)
    assert summary.startswith(
        'claimed effects: {} agree with the trials, {} contradicted, {} undecided; contradicted: '.format(
            *counts
        )
    )
    assert json.loads(json.dumps(shown.as_json()))['claims'] == shown.claims == summary
    assert shown.verdict.startswith('accepted (')
    assert 'claimed effects' not in shown.verdict
    result = improvement.result()
    summed = tuple(
        sum(pair) for pair in zip(*(effects.count(one.step.proposal.claims) for one in results), strict=True)
    )
    names = ('claims_agreeing', 'claims_contradicted', 'claims_undecided')
    assert tuple(result.as_json()[name] for name in names) == summed
    text = io.StringIO()
    reporter = ConsoleReporter(Console(file=text, width=2000), verbose=True)
    reporter.begin(RIGHT.words, RIGHT.sentence, 'sas:replies', 2)
    reporter.trial(shown)
    reporter.trial(replace(shown, verdict='accepted'))
    reporter.end(result, Path('run'), None)
    lines = [line.strip() for line in text.getvalue().splitlines()]
    assert lines.count(summary) == 2
    assert [line for line in lines if line.startswith('checks:')] == [f'checks: {shown.verdict}']
    assert (
        'Claimed effects: {} agree with the trials, {} contradict them, {} undecided'.format(*summed) in lines
    )
