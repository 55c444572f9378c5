"""What a proposal says against what it does, and against what the trials show, in sentences for people.

What is found is a contradiction; what is not found may be one still: of a reason little is read (`reason_words`), and a
change that may be counted from another trial than the best is let pass.
"""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.finding import Agreement, ClaimedEffect
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import Carrier, ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.effect_model import STEP
from llm_policy_improver.report.reason_words import ReasonWords, trials_named
from llm_policy_improver.tasks.ball_rounds import is_program

_LEAST: Final = 0.05
"""Share of a range that a number must be off by, to be another one."""


def contradictions(
    proposal: Proposal,
    made: Carrier,
    best: Trial,
    trials: Sequence[Trial],
    objective: Objective,
    space: ParameterSpace,
    changed: set[str],
) -> tuple[str, ...]:
    """Where what a proposal says does not fit what was changed, or the trials, a sentence each.

    Args:
        proposal: with its reason and its claims.
        made: what was published of it, or waits for a person.
        best: the best trial before it, from which it is taken to count.
        trials: all before it, oldest first.
        objective: of the run.
        space: of the parameters.
        changed: labels of those that were changed from the best trial.
    """
    if is_program(best) or is_program(made):
        return ()
    # What it may count a change from beside the best trial: the last one, and those that it names.
    named = {proposal.nearest, *trials_named(proposal.reason)} - {best.number}
    others = [trial for trial in trials if trial.number in named]
    bases = [space.values(trial) for trial in (best, *others, *trials[-1:]) if not is_program(trial)]
    measures = [term.measure for term in objective.terms]
    return (
        *reason_against(proposal.reason, space, bases, space.values(made)),
        *claims_against(proposal.claims, space, measures, changed),
    )


def reason_against(
    reason: str, space: ParameterSpace, before: Sequence[Sequence[float]], after: Sequence[float]
) -> tuple[str, ...]:
    """Changes that a reason names and that were not made, a sentence each; empty where it fits, or names none.

    Args:
        reason: of a proposal.
        space: whose names it uses.
        before: (n,) each: the best trial, then others that the change may be counted from.
        after: (n,) what was published.
    """
    words, found = ReasonWords.of(space), {}
    for index, sign, level in words.directions(reason):
        each, new = space.parameters[index], after[index]
        bases = [values[index] for values in before] + [each.neutral] * level
        # Changed the other way from the best trial, and the way it says from none.
        gains = [sign * (new - base) for base in bases]
        if gains[0] < -each.same_within and max(gains) <= each.same_within:
            said, made = ('raised', 'lowered')[::sign]
            found[index] = f'The reason says {each.label} is {said}; it was {made}, {bases[0]:.3f} → {new:.3f}.'
    for index, values in words.values(reason).items():
        each, new = space.parameters[index], after[index]
        if all(abs(new - value) > _LEAST * (each.high - each.low) for value in values):
            found[index] = f'The reason says {each.label} to {values[-1]:g}; {new:.3f} was played.'
    return tuple(found[index] for index in sorted(found))


def claims_against(
    claims: Sequence[ClaimedEffect], space: ParameterSpace, measures: Sequence[Measure], changed: set[str]
) -> tuple[str, ...]:
    """Claimed directions that the trials contradict, of parameters that were changed, the largest effects first.

    Args:
        claims: of a proposal, held against the trials before it.
        space: of the parameters.
        measures: those that the objective is about.
        changed: labels of the parameters that were changed.
    """
    aims = {each.name: each for each in measures}
    found = [
        (claim.effect, claim, aims[claim.measure])
        for claim in claims
        if claim.agreement is Agreement.CONTRADICTED
        and claim.sign
        and claim.effect is not None
        and claim.measure in aims
        and space.labels.get(claim.parameter) in changed
    ]
    return tuple(
        f'It claims that raising {space.labels[claim.parameter]} moves {measure.column} '
        f'{measure.more if claim.sign > 0 else measure.less}; the trials before it say '
        f'{measure.more if effect > 0 else measure.less}, {effect:+.3f} {measure.unit} for +{STEP:g}.'
        for effect, claim, measure in sorted(found, key=lambda each: -abs(each[0]))
    )
