"""Sentences for people, made from the facts of the loop."""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.finding import Agreement, ClaimedEffect
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.loop.improvement_result import ImprovementResult
from llm_policy_improver.loop.step import Step
from llm_policy_improver.methods.checks import verdict_text
from llm_policy_improver.methods.sas.effects import CERTAIN, LARGE
from llm_policy_improver.table_tennis.tracing.observed import landing_of

MOST_NAMED = 4
"""Contradicted claims that are named."""

_COUNTED: Final = {
    Agreement.AGREES: 'agree with the trials',
    Agreement.CONTRADICTED: 'contradicted',
    Agreement.UNDECIDED: 'undecided',
}
_MOVES: Final = {-1: 'lowers', 0: 'hardly moves', 1: 'raises'}


def aim_text(objective: Objective) -> str:
    """What is aimed at, and what other units than metres count as in a distance, which is told in metres."""
    if not objective.sentence:
        return 'by the words alone, no program measures it'
    others = [(term.measure.unit, term.weight * term.measure.weight) for term in objective.terms]
    counts = ', '.join(f'1 {unit} counts as {weight:g} m' for unit, weight in others if unit != 'm')
    return f'{objective.sentence} ({counts})' if counts else objective.sentence


def step_text(step: Step) -> str:
    """What was found on the way from the answer to what is published: ``'accepted'`` where nothing was."""
    if step.in_vain:
        return f'unchanged: {"; ".join(map(str, step.in_vain))}'
    parts = [verdict_text(True, (*step.proposal.findings, *step.findings))]
    parts += [str(verdict) for audit in step.audits[-1:] for verdict in audit.verdicts]
    parts += [f'{step.proposed_by} stands in: {vain}' for vain in step.proposal.instead_of]
    return '; '.join(parts)


def waiting_text(case: GateCase) -> str:
    """The same of a proposal that waits for a person."""
    found = verdict_text(True, (*case.proposal.findings, *case.findings))
    return '; '.join((found, *map(str, case.verdicts)))


def agreement_text(claim: ClaimedEffect) -> str:
    """How a claim compares with the trials; where they leave it open, whether at least the effect's sign is sure."""
    if claim.effect is None or claim.error is None:
        return 'not known, too few trials'
    size, doubt = abs(claim.effect), CERTAIN * claim.error
    if not claim.sign and size > doubt and claim.agreement is Agreement.AGREES:
        return 'agrees, sure of its sign but small'
    if claim.agreement is not Agreement.UNDECIDED:
        return claim.agreement.value
    if size > doubt:
        return 'sure of its sign, perhaps small'
    return 'not known, but small' if size + doubt < LARGE else 'not known'


def claims_text(claims: Sequence[ClaimedEffect]) -> str:
    """How the effects that a language model claimed compare with the trials; empty where it claimed none."""
    if not claims:
        return ''
    counted = {each: sum(claim.agreement is each for claim in claims) for each in Agreement}
    text = 'claimed effects: ' + ', '.join(f'{count} {_COUNTED[each]}' for each, count in counted.items())
    against = [claim for claim in claims if claim.agreement is Agreement.CONTRADICTED]
    against.sort(key=lambda claim: -abs(claim.effect or 0.0))
    named = ', '.join(
        f'{claim.parameter} {_MOVES[claim.sign]} {claim.measure} (the trials: {claim.effect or 0.0:+.3f} for +0.1)'
        for claim in against[:MOST_NAMED]
    )
    return f'{text}; contradicted: {named}' if named else text


def kept_text(recommended: Proposal | None) -> str:
    """What is expected of what would be kept; empty where no model says anything."""
    if recommended is None:
        return ''
    expected = Expectation.of(recommended)
    if expected is None:
        return recommended.reason
    parts = [f'expected loss {expected.loss:.3f} m']
    if expected.has_interval:
        parts.append(f'{expected.low:.3f} to {expected.high:.3f} m to go in 8 of 10 that succeed')
    if expected.success >= 0.0:
        parts.append(f'{expected.success:.0%} to succeed')
    return ', '.join(parts)


def best_text(result: ImprovementResult) -> str:
    """The best trial of a run; empty where none could be ranked."""
    if result.best is None:
        return ''
    landing, left = landing_of(result.best), result.best_distance_m
    where = '' if landing is None else f' at ({landing.x:+z.2f}, {landing.y:.2f}) m'
    how = 'by the word of the model' if left is None else f'{left:.3f} m to go'
    return f'trial {result.best_trial}{where}, {how}'
