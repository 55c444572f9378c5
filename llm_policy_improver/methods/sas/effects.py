"""The effects a language model claims (``{"g": {"x": "right"}}``) beside those that the trials show.

A regression on the trials is the judge, or what else knows the effects, and only where its uncertainty allows a
judgement.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.finding import Agreement, ClaimedEffect
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.effect_model import STEP, Effect, EffectModel, TooFewTrialsError
from llm_policy_improver.methods.ranking import ranked

LARGE: Final = 0.02
"""Per `STEP` of a parameter: what is certainly more than this is not "none"."""

CERTAIN: Final = 2.0
"""Standard errors on either side of a computed effect between which the true one is taken to be."""

MOST_NAMED: Final = 4
"""Contradictions named to the model and to the person, the largest effects first."""

NONE: Final = 'none'
"""Word for an effect that is hardly there."""

Claims = Mapping[str, Mapping[str, str]]
"""Of a reply: parameter, measure, and one of the measure's words for more and less, or `NONE`."""


def judge_claims(
    claims: Claims,
    history: Sequence[Trial],
    objective: Objective,
    brief: Brief,
    known: Mapping[str, Sequence[Effect]] | None = None,
) -> tuple[ClaimedEffect, ...]:
    """Hold each claim against the effects near the best trial, or those given: what the prompt shows too.

    A claimed direction is judged only where the computed effect is more than `CERTAIN` standard errors from zero.
    `NONE` is contradicted where the whole interval of that width lies beyond `LARGE`, confirmed where it lies within,
    and undecided otherwise. What names no parameter or measure of the task, or no direction, is left out.

    Args:
        claims: of one reply, with the space's own names.
        history: all trials; the claims are about the effects on the whole where none can be measured.
        objective: says which trial is the best.
        brief: of the task.
        known: (n,) effects of the parameters, by the measure's name; those of a regression where None.
    """
    if known is None:
        known = _by_regression(history, objective, brief) if claims else {}
    measures = {key: each for each in brief.told(objective) for key in (each.column, each.name)}
    effects = {name: known.get(each.name, ()) for name, each in measures.items()}
    found = []
    for parameter, by_measure in claims.items():
        for name, word in by_measure.items():
            sign = _sign(word, measures[name]) if name in measures else None
            if sign is not None and parameter in brief.space.names:
                index = brief.space.names.index(parameter)
                effect = effects[name][index] if effects[name] else None
                found.append(judged(parameter, measures[name].name, sign, effect))
    return tuple(found)


def _by_regression(
    history: Sequence[Trial], objective: Objective, brief: Brief
) -> dict[str, Sequence[Effect]]:
    order = ranked(history, objective)
    try:
        model = EffectModel.fit(history, brief, objective, history[order[0]] if order else None)
    except TooFewTrialsError:
        return {}
    return {each.name: model.effects(each) for each in brief.told(objective)}


def _sign(word: str, measure: Measure) -> int | None:
    return {measure.more: 1, measure.less: -1, NONE: 0}.get(word.strip().lower())


def judged(parameter: str, measure: str, sign: int, effect: Effect | None) -> ClaimedEffect:
    """A claim beside an effect, None where too few trials tell it; see `judge_claims`."""
    if effect is None:
        return ClaimedEffect(parameter, measure, sign, Agreement.UNDECIDED)
    size, doubt = abs(effect.change), CERTAIN * effect.error
    if sign == 0:
        agrees, contradicts = size + doubt < LARGE, size - doubt > LARGE
    else:
        right_way = effect.change * sign > 0
        agrees, contradicts = effect.clear and right_way, effect.clear and not right_way
    agreement = Agreement.AGREES if agrees else Agreement.CONTRADICTED if contradicts else Agreement.UNDECIDED
    return ClaimedEffect(parameter, measure, sign, agreement, effect.change, effect.error)


def count(claims: Sequence[ClaimedEffect]) -> tuple[int, int, int]:
    """How many agree with the trials, contradict them, and are undecided."""
    counted = Counter(claim.agreement for claim in claims)
    return counted[Agreement.AGREES], counted[Agreement.CONTRADICTED], counted[Agreement.UNDECIDED]


def contradictions_text(claims: Sequence[ClaimedEffect], brief: Brief) -> str:
    """The contradicted claims, the largest effects first, as clauses; empty where there are none."""
    against = [claim for claim in claims if claim.agreement is Agreement.CONTRADICTED]
    against.sort(key=lambda claim: -abs(claim.effect or 0.0))
    measures = {measure.name: measure for measure in brief.measures}
    parts = [_clause(claim, measures[claim.measure]) for claim in against[:MOST_NAMED]]
    more = len(against) - MOST_NAMED
    return '; '.join([*parts, *([f'and {more} more'] if more > 0 else [])])


def _clause(claim: ClaimedEffect, measure: Measure) -> str:
    said = {1: measure.more, -1: measure.less, 0: NONE}[claim.sign]
    effect, error = claim.effect or 0.0, claim.error or 0.0
    shown = measure.more if effect > 0 else measure.less
    return (
        f'{claim.parameter} on {measure.column} was said to be "{said}"; the trials say {shown} '
        f'({effect:+.3f} ± {error:.3f} {measure.unit} per {STEP:.2f})'
    )


def feedback_text(claims: Sequence[ClaimedEffect], brief: Brief, regression: bool = True) -> str:
    """For the next prompt: the rate, and the contradicted claims; empty where the trials decide none.

    Args:
        claims: of the last reply.
        brief: of the task.
        regression: whether the judge was one, which the trials nearby can refute.
    """
    agreeing, contradicted, _ = count(claims)
    decided = agreeing + contradicted
    if not decided:
        return ''
    rate = f'Of the effects in your last reply, {agreeing} of the {decided} that the trials can decide agree with them.'
    against = contradictions_text(claims, brief)
    if not against:
        return rate
    believe = ', and believe the trials around the nearest one before the regression' * regression
    return f'{rate} Look again{believe}: {against}.'
