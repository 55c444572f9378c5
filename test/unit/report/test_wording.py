"""Sentences made from the facts of the loop."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from llm_policy_improver.core.audit import Decision, GateVerdict, audit_of
from llm_policy_improver.core.finding import Agreement, ClaimedEffect, Failure, Finding, Vain
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.loop.step import Step
from llm_policy_improver.methods.numeric.effect_model import Effect
from llm_policy_improver.methods.sas.effects import judged
from llm_policy_improver.report.wording import agreement_text, aim_text, claims_text, step_text, waiting_text
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import NEUTRAL

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SCREEN = Finding('screen', 'refined by the fitted model', changed=True)
BOUNDS = Finding('bounds', 'clipped', changed=True)
REHEARSAL = GateVerdict('rehearsal', True, '8 of 8 balls landed')
APPROVAL = GateVerdict('approval', True, 'gently', by='Ada')
SILENT = Vain('sas:m', Failure.UNUSABLE, 'no reply')
PROPOSAL = Proposal(NEUTRAL, 'least_squares')
STEP = Step(1, NEUTRAL, 1, PROPOSAL, 0)


def test_step_of_which_nothing_is_to_be_said_is_accepted() -> None:
    assert step_text(STEP) == 'accepted'


def test_step_tells_what_was_found_from_the_answer_to_the_arm() -> None:
    proposal = replace(PROPOSAL, findings=(SCREEN,), instead_of=(SILENT,))
    first, last = (
        audit_of('sas:m', (), 1, Decision.AUTOMATIC, NOW, verdicts=verdicts)
        for verdicts in ((REHEARSAL,), (REHEARSAL, APPROVAL))
    )
    assert step_text(replace(STEP, proposal=proposal, findings=(BOUNDS,), audits=(first, last))) == (
        'accepted (screen: refined by the fitted model; bounds: clipped); rehearsal: 8 of 8 balls landed; '
        'approval: gently (Ada); least_squares stands in: sas:m gave no usable proposal (no reply)'
    )


def test_step_without_a_proposal_says_who_was_asked_in_vain() -> None:
    rests = Vain('least_squares', Failure.REFUSED, 'tried before')
    assert step_text(replace(STEP, in_vain=(SILENT, rests))) == (
        'unchanged: sas:m gave no usable proposal (no reply); '
        'least_squares was refused by the checks (tried before)'
    )


def test_proposal_that_waits_is_shown_with_what_was_found_so_far() -> None:
    case = GateCase(PROPOSAL, 7, (BOUNDS,), (), parse_objective('far right'), (REHEARSAL,))
    assert waiting_text(case) == 'accepted (bounds: clipped); rehearsal: 8 of 8 balls landed'


@pytest.mark.parametrize(
    ('sign', 'change', 'error', 'told'),
    [
        (1, 0.050, 0.005, 'agrees'),
        (-1, 0.050, 0.005, 'contradicted'),
        (1, 0.010, 0.030, 'not known'),
        (1, 0.001, 0.004, 'not known, but small'),
        (0, 0.050, 0.005, 'contradicted'),
        (0, 0.001, 0.004, 'agrees'),
        (0, 0.010, 0.002, 'agrees, sure of its sign but small'),
        (0, 0.025, 0.005, 'sure of its sign, perhaps small'),
        (0, 0.010, 0.030, 'not known'),
    ],
)
def test_effect_that_is_sure_but_small_is_told_from_one_that_is_not_known(
    sign: int, change: float, error: float, told: str
) -> None:
    assert agreement_text(judged('h', 'landing_x', sign, Effect(7, change, error))) == told


def test_claim_that_too_few_trials_tell_is_not_known() -> None:
    assert agreement_text(judged('h', 'landing_x', 0, None)) == 'not known, too few trials'


def test_contradicted_claims_are_named_the_largest_first_and_no_more_than_four() -> None:
    claims = [
        ClaimedEffect(name, 'landing_x', -1, Agreement.CONTRADICTED, 0.01 * size, 0.001)
        for size, name in enumerate('abcdef', start=1)
    ]
    text = claims_text([*claims, ClaimedEffect('g', 'landing_y', 0, Agreement.AGREES, 0.0, 0.001)])
    assert text.startswith(
        'claimed effects: 1 agree with the trials, 6 contradicted, 0 undecided; contradicted: f lowers '
    )
    assert text.count('landing_x') == 4
    assert claims_text(()) == ''


@pytest.mark.parametrize(
    ('words', 'aim'),
    [
        ('far left corner', 'in the far left corner'),
        ('hit the ball as hard as possible', '(1 m/s counts as 0.2 m)'),
        ('with some elegance', 'by the words alone, no program measures it'),
    ],
)
def test_aim_tells_what_a_unit_counts_as_that_is_no_metre(words: str, aim: str) -> None:
    assert aim_text(parse_objective(words)).endswith(aim)
