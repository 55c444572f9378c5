"""A person's approval, and what the loop does with what the gates say; without ROS."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from queue import Queue
from typing import Any

import numpy as np
import pytest
from chat_server import reply_text
from curved_map import CurvedMap

from llm_policy_improver.core.audit import Decision, GateVerdict, prompt_hash
from llm_policy_improver.core.chat import Completion, Message
from llm_policy_improver.core.gate import GateCase, WithdrawnError
from llm_policy_improver.core.policy import Program
from llm_policy_improver.core.proposal import KeptBack, Proposal
from llm_policy_improver.core.settings import SettingsError, from_mapping
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.approval import (
    APPROVE,
    EDIT,
    REJECT,
    Approval,
    ApprovalConfig,
    ApprovalError,
    last_good,
    proven_neighbour,
)
from llm_policy_improver.loop.gates import RecordedGate, pass_gates, passed
from llm_policy_improver.loop.improvement import ASKED_AGAIN, Improvement, ImprovementError
from llm_policy_improver.loop.improvement_result import End
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import Step
from llm_policy_improver.methods.numeric.least_squares import LeastSquares
from llm_policy_improver.methods.sas.sas import SasPrompt
from llm_policy_improver.methods.sas.sections.afterwards import kept_back_text
from llm_policy_improver.runs import stored_json
from llm_policy_improver.table_tennis.arm.modulation import ATTENUATIONS, NEUTRAL_ATTENUATION, Modulation
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import NEUTRAL, parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief
from llm_policy_improver.table_tennis.tracing.observed import Outcome, trial_of

SPACE = parameter_space()
BRIEF = make_brief(SPACE)
RIGHT = parse_objective('far right')
NEAR = (1.02, *(1.0,) * 7)
FAR = (1.3, *(1.0,) * 7)
OTHER = (1.1, 0.9, *(1.0,) * 6)
TIMEOUT = 60.0


def trial(attenuation: tuple[float, ...], number: int = 1, landed: bool = True) -> Trial:
    modulation = Modulation(attenuation, version=number, names=ATTENUATIONS)
    if not landed:
        return trial_of(modulation, Outcome.OUT, {}, number=number)
    landing = {'landing_x': 0.1, 'landing_y': 0.7, 'bounce_time': 0.5}
    return trial_of(modulation, Outcome.LANDED, landing, number=number)


def case_of(
    attenuation: tuple[float, ...] = FAR, version: int = 7, history: Sequence[Trial] = ()
) -> GateCase:
    return GateCase(Proposal(SPACE.at(attenuation), 'sas:m'), version, (), tuple(history), RIGHT)


def instead(values: tuple[float, ...]) -> Proposal:
    """What Ada puts in place of a proposal."""
    return Proposal(SPACE.at(values), 'Ada', reason='gently')


class Judging:
    """An approval that judges a case in a thread, as the loop does."""

    def __init__(self, case: GateCase, **config: Any) -> None:
        self.changes: Queue[GateCase | None] = Queue()
        self.approval = Approval(
            SPACE, ApprovalConfig(**config), on_change=lambda: self.changes.put(self.approval.pending)
        )
        self.answers: list[GateVerdict | WithdrawnError] = []
        self._thread = threading.Thread(target=self._judge, args=(case,), daemon=True)
        self._thread.start()

    def _judge(self, case: GateCase) -> None:
        try:
            self.answers.append(self.approval.judge(case))
        except WithdrawnError as error:
            self.answers.append(error)

    def waits(self) -> GateCase | None:
        return self.changes.get(timeout=TIMEOUT)

    def answer(self) -> GateVerdict | WithdrawnError:
        self._thread.join(TIMEOUT)
        assert self.answers, 'it still waits'
        return self.answers[0]


# A person's decision.


def test_proposal_waits_until_a_person_approves_it() -> None:
    judging = Judging(case_of())
    assert judging.waits() == case_of()
    assert not judging.answers
    assert judging.approval.decide(7, APPROVE, ' Ada \n') == 'version 7 is approved'
    assert judging.answer() == GateVerdict('approval', True, 'approved', by='Ada')
    assert judging.waits() is None
    assert judging.approval.pending is None


def test_rejection_keeps_its_reason_in_one_line() -> None:
    judging = Judging(case_of())
    judging.waits()
    said = judging.approval.decide(7, REJECT, 'Ada', 'too fast\x00\n  near the table')
    assert 'rejected' in said
    verdict = judging.answer()
    assert isinstance(verdict, GateVerdict)
    assert (verdict.passed, verdict.reason, verdict.by) == (False, 'too fast near the table', 'Ada')
    kept = KeptBack(case_of().proposal, verdict.by, bool(verdict.by), verdict.reason)
    assert kept_back_text(kept) == (
        'A person rejected the parameters 1.300 1.000 1.000 1.000 1.000 1.000 1.000 1.000: '
        '"too fast near the table".'
    )


def test_edit_puts_the_persons_numbers_in_place() -> None:
    judging = Judging(case_of())
    judging.waits()
    judging.approval.decide(7, EDIT, 'Ada', 'gently', OTHER)
    assert judging.answer() == GateVerdict('approval', True, 'gently', instead(OTHER), 'Ada')


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        ((6, APPROVE, 'Ada'), 'version 7 waits for approval, not 6'),
        ((7, APPROVE, ' '), 'decided_by is empty'),
        ((7, 'yes', 'Ada'), 'decision must be approve, reject, edit; got "yes"'),
        ((7, REJECT, 'Ada', ' \n'), 'reason is empty'),
        ((7, APPROVE, 'Ada', '', OTHER), 'values are for decision edit only'),
        ((7, EDIT, 'Ada', '', ()), 'cannot be used'),
        ((7, EDIT, 'Ada', '', (float('nan'), *(1.0,) * 7)), 'cannot be used'),
        ((7, EDIT, 'Ada', '', (2.0, *(1.0,) * 7)), 'cannot be used'),
        ((7, EDIT, 'Ada', '', NEAR), 'cannot be used'),  # tried already
    ],
)
def test_decision_that_cannot_be_taken_says_why_and_leaves_the_proposal_waiting(
    arguments: tuple[Any, ...], said: str
) -> None:
    judging = Judging(case_of(history=[trial(NEAR)]))
    judging.waits()
    with pytest.raises(ApprovalError, match=said):
        judging.approval.decide(*arguments)
    assert judging.approval.pending is not None
    judging.approval.decide(7, APPROVE, 'Ada')
    assert judging.answer() == GateVerdict('approval', True, 'approved', by='Ada')


def test_nothing_can_be_decided_before_a_proposal_waits_nor_twice() -> None:
    with pytest.raises(ApprovalError, match='no proposal waits'):
        Approval(SPACE).decide(1, APPROVE, 'Ada')
    judging = Judging(case_of())
    judging.waits()
    judging.approval.decide(7, APPROVE, 'Ada')
    with pytest.raises(ApprovalError, match='no proposal waits'):
        judging.approval.decide(7, REJECT, 'Bob', 'too late')
    assert isinstance(judging.answer(), GateVerdict)


def test_closing_withdraws_what_waits_and_lets_nothing_pass_afterwards() -> None:
    judging = Judging(case_of())
    judging.waits()
    assert judging.approval.close() == case_of()
    assert isinstance(judging.answer(), WithdrawnError)
    assert judging.approval.close() is None
    with pytest.raises(ApprovalError, match='no proposal waits'):
        judging.approval.decide(7, APPROVE, 'Ada')
    with pytest.raises(WithdrawnError):
        judging.approval.judge(case_of())


def test_closing_after_the_decision_withdraws_nothing() -> None:
    judging = Judging(case_of())
    judging.waits()
    judging.approval.decide(7, APPROVE, 'Ada')
    assert judging.approval.close() is None
    assert isinstance(judging.answer(), GateVerdict)


# Small steps, and the way back.


def test_a_program_always_waits_and_cannot_be_edited() -> None:
    program = Program('class Policy:\n    def act(self, obs):\n        return [1.0] * 16\n', 'Policy')
    case = replace(case_of(), proposal=Proposal(program, 'prompt_po:m'), history=(trial(NEAR, 3),))
    judging = Judging(case, auto_approve='small_steps')
    judging.approval._confirmed = True  # as after a first one
    assert judging.waits() == case
    with pytest.raises(ApprovalError, match='a program cannot be edited here'):
        judging.approval.decide(7, EDIT, 'Ada', values=NEAR)
    judging.approval.decide(7, APPROVE, 'Ada')
    verdict = judging.answer()
    assert isinstance(verdict, GateVerdict)
    assert (verdict.passed, verdict.instead) == (True, None)


def test_small_step_from_a_trial_that_landed_needs_nobody_where_that_is_allowed() -> None:
    history = [trial(NEUTRAL_ATTENUATION, 3)]
    judging = Judging(case_of(NEAR, history=history), auto_approve='small_steps')
    assert judging.waits() is not None, 'the first one confirms what is aimed at'
    judging.approval.decide(7, APPROVE, 'Ada')
    judging.answer()
    verdict = judging.approval.judge(case_of(NEAR, history=history))
    assert (verdict.passed, verdict.by) == (True, '')
    assert 'small step from trial 3, which succeeded' in verdict.reason
    judging = Judging(case_of(NEAR, history=history))
    assert judging.waits() is not None, 'by default a person sees every step'


@pytest.mark.parametrize(
    ('attenuation', 'history'),
    [(FAR, [trial(NEUTRAL_ATTENUATION)]), (NEAR, [trial(NEUTRAL_ATTENUATION, landed=False)]), (NEAR, [])],
    ids=['large', 'from a trial that did not land', 'from nothing'],
)
def test_other_steps_wait(attenuation: tuple[float, ...], history: list[Trial]) -> None:
    judging = Judging(case_of(attenuation, history=history), auto_approve='small_steps')
    assert judging.waits() is not None


def test_size_of_a_step_is_that_of_its_largest_parameter_in_the_unit_cube() -> None:
    space = parameter_space(attenuation_low=(0.8, *(0.6,) * 7), attenuation_high=(1.2, *(1.4,) * 7))
    history = [trial((1.2, *(1.4,) * 7), 1), trial(NEUTRAL_ATTENUATION, 2)]
    step = space.at(
        (1.02, *(1.0,) * 6, 0.97)
    )  # 0.1 of the first parameter's half range, 0.075 of the last one's
    found = proven_neighbour(step, history, space, 0.1)
    assert found is history[1]
    assert proven_neighbour(step, history, space, 0.099) is None


def test_last_good_parameters_are_those_of_the_latest_other_trial_that_landed() -> None:
    history = [trial(NEAR, 1), trial(OTHER, 2), trial((0.7, *(1.0,) * 7), 3, landed=False), trial(FAR, 4)]
    second, fourth = (Proposal(history[each].policy, history[each].proposed_by) for each in (1, 3))
    assert last_good(history, history[3].parameters, NEUTRAL) == second
    assert last_good(history, NEUTRAL, NEUTRAL) == fourth
    assert last_good(history[:1], history[0].parameters, NEUTRAL) == Proposal(NEUTRAL, 'neutral')
    assert last_good([], SPACE.at(FAR), NEUTRAL) == Proposal(NEUTRAL, 'neutral')


# The way through the gates.


class Scripted:
    """A gate that says what it is told, and notes what it was asked."""

    def __init__(self, name: str, *answers: Callable[[GateCase], GateVerdict]) -> None:
        self.name = name
        self.asked: list[GateCase] = []
        self._answers = iter(answers)

    def judge(self, case: GateCase) -> GateVerdict:
        self.asked.append(case)
        return next(self._answers, yes(self.name))(case)


def yes(name: str = 'rehearsal', by: str = '') -> Callable[[GateCase], GateVerdict]:
    return lambda case: GateVerdict(name, True, 'fine', by=by)


def no(reason: str, name: str = 'rehearsal', by: str = '') -> Callable[[GateCase], GateVerdict]:
    return lambda case: GateVerdict(name, False, reason, by=by)


def edit(to: tuple[float, ...]) -> Callable[[GateCase], GateVerdict]:
    return lambda case: GateVerdict('approval', True, 'gently', instead(to), 'Ada')


def test_first_refusal_ends_the_way() -> None:
    first, second = Scripted('rehearsal', no('near the table')), Scripted('approval')
    case = pass_gates([first, second], case_of())
    assert not passed(case)
    assert [str(verdict) for verdict in case.verdicts] == ['rehearsal: near the table']
    assert not second.asked


def test_later_gates_see_what_the_earlier_ones_said() -> None:
    second = Scripted('approval', yes('approval', by='Ada'))
    case = pass_gates([Scripted('rehearsal'), second], case_of())
    assert passed(case)
    assert [verdict.gate for verdict in second.asked[0].verdicts] == ['rehearsal']
    assert str(case.verdicts[1]) == 'approval: fine (Ada)'


def test_persons_numbers_are_rehearsed_too() -> None:
    rehearsal, approval = Scripted('rehearsal'), Scripted('approval', edit(OTHER))
    case = pass_gates([rehearsal, approval], case_of())
    assert passed(case)
    assert case.proposal.parameters.values == OTHER
    assert [asked.proposal.parameters.values for asked in rehearsal.asked] == [FAR, OTHER]


def test_persons_numbers_that_the_rehearsal_refuses_go_back_to_the_person() -> None:
    rehearsal = Scripted('rehearsal', yes(), no('too slow'))
    approval = Scripted('approval', edit(OTHER), yes('approval', by='Ada'))
    case = pass_gates([rehearsal, approval], case_of())
    assert passed(case)
    assert case.proposal.parameters.values == FAR
    assert approval.asked[1].proposal.parameters.values == FAR
    assert approval.asked[1].verdicts[-1].reason == 'too slow'


# In the loop.


class Model:
    """A language model that answers with these parameters, one after the other, then with its last ones."""

    model = 'test-model'

    def __init__(self, *answers: Sequence[float]) -> None:
        self._answers = list(answers)
        self.prompts: list[str] = []

    def complete(self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> Completion:
        self.prompts.append(messages[-1][1])
        values = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return Completion(reply_text(list(values)), 10, 5, 0.1, 'test-model-v2')


def policy_in(proposal: Proposal | None) -> tuple[float, ...]:
    assert proposal is not None
    return proposal.parameters.values


def numbers(first: float) -> tuple[float, ...]:
    return (first, *(1.0,) * 7)


def loop(
    model: Model, *gates: Any, first: int = 4, trials: int = 20, fallback: bool = True, **more: Any
) -> Improvement:
    method = SasPrompt(model, BRIEF)
    return Improvement(
        RIGHT, method, SPACE, trials=trials, first_trials=first, gates=gates,
        fallback=LeastSquares(BRIEF) if fallback else None, **more,
    )  # fmt: skip


def play(improvement: Improvement, task: CurvedMap, steps: int) -> Iterator[Step]:
    for _ in range(steps):
        step = improvement.propose()
        improvement.record(step.play(task, improvement.history))
        yield step


def test_rejected_model_hears_the_reason_at_once_and_later_and_is_recorded() -> None:
    model = Model(numbers(1.05), numbers(1.07), numbers(1.09))
    gate = Scripted('approval', *[yes()] * 4, no('keep axis_1 slow', 'approval', 'Ada'))
    improvement = loop(model, gate)
    steps = list(play(improvement, CurvedMap(0), 6))
    rejected, again, later = model.prompts
    told = f'A person rejected the parameters {"1.050" + " 1.000" * 7}: "keep axis_1 slow".'
    assert told not in rejected
    assert told in again
    assert told in later
    step = steps[4]
    assert step.parameters.values == numbers(1.07)
    assert not step.unchanged
    assert [exchange.reply for exchange in step.proposal.exchanges] == [
        reply_text(list(numbers(value))) for value in (1.05, 1.07)
    ]
    first, second = step.audits
    assert (first.decision, first.decided_by, first.reason) == (Decision.REJECTED, 'Ada', 'keep axis_1 slow')
    assert (policy_in(first.proposal), first.published) == (numbers(1.05), None)
    assert (second.decision, policy_in(second.published)) == (Decision.AUTOMATIC, numbers(1.07))
    assert second.model == 'test-model-v2'
    assert second.prompt_sha256 == prompt_hash(step.proposal.exchanges[1].messages) != first.prompt_sha256
    # A person decides by version: no two proposals carry the same.
    assert (first.version, second.version, step.version) == (5, 6, 6)
    assert steps[5].proposal.kept_back == ()


def test_model_that_is_rejected_again_and_again_gives_way_to_the_fallback_without_having_failed() -> None:
    model = Model(*[numbers(1.01 + 0.01 * count) for count in range(20)])
    rejections = [no('no', 'approval', 'Ada')] * (1 + ASKED_AGAIN)
    gate = Scripted('approval', *[yes()] * 4, *rejections, yes('approval', 'Ada'))
    improvement = loop(model, gate)
    step = list(play(improvement, CurvedMap(0), 5))[-1]
    assert len(model.prompts) == 1 + ASKED_AGAIN
    assert step.proposed_by == 'least_squares'
    assert step.audits[-1].decision is Decision.APPROVED
    assert len(step.proposal.kept_back) == 1 + ASKED_AGAIN
    list(play(improvement, CurvedMap(0), 1))
    assert len(model.prompts) == 2 + ASKED_AGAIN, 'it does not rest'


def test_refusal_by_the_rehearsal_asks_the_fallback_whose_proposal_passes_the_same_gate() -> None:
    model = Model(numbers(1.05), numbers(1.07))
    gate = Scripted('rehearsal', *[yes()] * 4, no('the blade comes within 0.01 m'))
    improvement = loop(model, gate)
    steps = list(play(improvement, CurvedMap(0), 6))
    assert steps[4].proposed_by == 'least_squares'
    assert 'the blade comes within 0.01 m' in steps[4].proposal.instead_of[0].detail
    assert [audit.decision for audit in steps[4].audits] == [Decision.REFUSED, Decision.AUTOMATIC]
    assert len(gate.asked) == 7
    assert 'The rehearsal refused the parameters 1.050' in model.prompts[1]


def test_parameters_stay_where_nothing_gets_through_and_the_run_ends_after_three_times() -> None:
    gate = Scripted('rehearsal', *[yes()] * 4, *[no('too fast')] * 100)
    improvement = loop(Model(numbers(1.05)), gate)
    steps = list(play(improvement, CurvedMap(0), 7))
    assert all(step.unchanged for step in steps[4:])
    kept = {(step.policy, step.version, step.proposed_by) for step in steps[4:]}
    assert kept == {(steps[3].policy, steps[3].version, steps[3].proposed_by)}
    assert improvement.end is End.NO_PROPOSALS
    assert 'too fast' in improvement.result().stopped


def test_first_trial_that_is_refused_comes_nearer_to_the_unchanged_controller() -> None:
    gate = Scripted('rehearsal', yes(), no('too fast'), no('still too fast'))
    free = loop(Model(numbers(1.05)))
    wanted = list(play(free, CurvedMap(0), 2))[1].parameters.values
    improvement = loop(Model(numbers(1.05)), gate)
    step = list(play(improvement, CurvedMap(0), 2))[1]
    assert step.parameters.values == pytest.approx(1.0 + 0.25 * (np.array(wanted) - 1.0))
    assert 'Brought to 25%' in step.reason
    assert [audit.decision for audit in step.audits] == ['refused', 'refused', 'automatic']


def test_run_whose_very_first_parameters_are_rejected_ends_with_nothing_published() -> None:
    improvement = loop(Model(numbers(1.05)), Scripted('approval', no('not today', 'approval', 'Ada')))
    with pytest.raises(ImprovementError, match='nothing is allowed to reach the arm'):
        improvement.propose()
    assert improvement.steps == ()
    assert [audit.decision for audit in improvement.unsettled] == [Decision.REJECTED]


def test_rejected_first_step_keeps_what_was_in_force_and_not_the_last_trial() -> None:
    task = CurvedMap(0)
    history = [
        replace(task.run(SPACE.at(numbers(1.0 + 0.01 * count)), 0), version=count) for count in range(4)
    ]
    in_force = Proposal(SPACE.at(OTHER), 'neutral')
    gate = Scripted('approval', *[no('no', 'approval', 'Ada')] * 9)
    improvement = loop(
        Model(numbers(1.2), numbers(1.3), numbers(0.9)), gate, first=0, history=history, first_version=10,
        in_force=in_force, fallback=False,
    )  # fmt: skip
    step = improvement.propose()
    assert step.unchanged
    assert step.parameters.values == OTHER


def test_edited_step_is_what_is_tried_and_the_model_is_told() -> None:
    model = Model(numbers(1.05), numbers(1.07))
    gate = Scripted('approval', *[yes()] * 4, edit(OTHER))
    improvement = loop(model, gate)
    step = list(play(improvement, CurvedMap(0), 6))[4]
    assert step.parameters.values == policy_in(step.audits[0].published) == OTHER
    audit = step.audits[0]
    assert (audit.decision, audit.decided_by, audit.reason) == (Decision.EDITED, 'Ada', 'gently')
    assert (policy_in(audit.proposal), policy_in(audit.published)) == (numbers(1.05), OTHER)
    assert step.proposal.parameters.values == numbers(1.05)
    assert 'a person changed the parameters before the trial: gently' in model.prompts[1]
    assert 'Ada' not in model.prompts[1]


def test_numeric_proposal_that_the_rehearsal_refuses_is_brought_nearer_to_the_best_trial() -> None:
    gate = Scripted('rehearsal', *[yes()] * 12, no('too near'), no('still too near'))
    improvement, task = (
        Improvement(RIGHT, LeastSquares(BRIEF), SPACE, trials=20, first_trials=12, gates=(gate,)),
        CurvedMap(0),
    )
    list(play(improvement, task, 12))
    best = improvement.best
    assert best is not None
    step = improvement.propose()
    wanted, half, quarter = (np.array(case.proposal.parameters.values) for case in gate.asked[12:])
    base = np.array(best.parameters.values)
    assert half == pytest.approx(base + 0.5 * (wanted - base), abs=6e-4)
    assert quarter == pytest.approx(base + 0.25 * (wanted - base), abs=6e-4)
    assert step.parameters.values == tuple(quarter)
    assert not step.unchanged
    assert step.reason.endswith(
        f'Brought to 25% of its way from trial {best.number}, as it was kept from the arm.'
    )
    assert [audit.decision for audit in step.audits] == ['refused', 'refused', 'automatic']
    assert len({audit.version for audit in step.audits}) == 3


def test_numeric_proposal_that_a_person_rejects_is_not_offered_again_a_little_nearer() -> None:
    gate = Scripted('approval', *[yes()] * 12, no('not today', 'approval', 'Ada'))
    improvement = Improvement(RIGHT, LeastSquares(BRIEF), SPACE, trials=20, first_trials=12, gates=(gate,))
    list(play(improvement, CurvedMap(0), 12))
    assert improvement.propose().unchanged
    assert len(gate.asked) == 13


def test_run_without_gates_keeps_a_record_of_every_proposal_too() -> None:
    improvement = loop(Model([2.0] * 8, [2.0] * 8, numbers(1.05)))
    steps = list(play(improvement, CurvedMap(0), 5))
    assert [len(step.audits) for step in steps] == [1, 1, 1, 1, 2]
    refused, accepted = steps[4].audits
    assert (refused.decision, refused.proposal, refused.published) == (Decision.REFUSED, None, None)
    assert 'bounds' in refused.reason
    assert (accepted.decision, accepted.proposed_by) == (Decision.AUTOMATIC, 'least_squares')
    assert policy_in(accepted.published) == steps[4].parameters.values


def test_recorded_gate_gives_the_same_run_without_gates_and_person() -> None:
    answers = [numbers(value) for value in (1.05, 1.07, 1.09, 1.11, 1.13)]
    gate = Scripted(
        'approval', yes(), no('too fast'), yes(), yes(), yes(),  # the second first trial is pulled
        no('slower', 'approval', 'Ada'), yes('approval', 'Ada'), edit(OTHER), no('near'),
    )  # fmt: skip
    model = Model(*answers)
    was = list(play(loop(model, gate), CurvedMap(0), 8))
    assert {audit.decision for step in was for audit in step.audits} >= set(Decision) - {
        Decision.WITHDRAWN, Decision.REVERTED, Decision.OFFERED,
    }  # fmt: skip
    recorded, again = RecordedGate(), Model(*answers)
    improvement, task = loop(again, recorded), CurvedMap(0)
    for step in was:
        recorded.load(step.audits)
        now = improvement.propose()
        assert (now.policy, now.version, now.proposed_by) == (step.policy, step.version, step.proposed_by)
        assert now.proposal.kept_back == step.proposal.kept_back
        improvement.record(now.played(task.run(now.parameters, now.seed)))
    assert again.prompts == model.prompts


def test_recorded_gate_lets_pass_what_was_stored_before_there_were_records() -> None:
    gate = RecordedGate()
    gate.load(())
    assert gate.judge(case_of()).passed


def test_verdict_comes_back_from_json() -> None:
    verdict = GateVerdict('rehearsal', False, 'near', instead(OTHER), 'Ada', {'landed': 3})
    written = stored_json.write(GateVerdict, verdict)
    assert stored_json.read(GateVerdict, written) == verdict
    newer = json.dumps({**json.loads(written), 'from_the_future': 1})
    assert stored_json.read(GateVerdict, newer) == verdict
    assert replace(verdict, passed=True) != verdict


@pytest.mark.parametrize(
    ('name', 'value', 'said'),
    [
        ('auto_approve', 'always', 'auto_approve must be never or small_steps; got "always"'),
        ('small_step', 0.6, 'small_step must be between 0 and 0.5'),
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(name: str, value: Any, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        from_mapping(OptimizerSettings, {f'approval.{name}': value}, 'optimizer')
