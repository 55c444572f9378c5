"""What in a language model's words the landing model is sure is wrong: reason to ask again before a trial is spent."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from llm_policy_improver.core.finding import Agreement, ClaimedEffect
from llm_policy_improver.methods.numeric.trust_region import EXPLAINED
from llm_policy_improver.methods.ranking import trial_number
from llm_policy_improver.methods.sas.advice.advice import Advice
from llm_policy_improver.methods.sas.effects import LARGE, contradictions_text

SURE: Final = 4.0
"""Standard errors beyond which what is said is taken to be wrong."""


def wrong_claims(claims: Sequence[ClaimedEffect], advice: Advice) -> str:
    """The claims that are contradicted by more than `SURE` standard errors, as a clause; empty where none is."""
    sure = [claim for claim in claims if claim.agreement is Agreement.CONTRADICTED and _surely(claim)]
    if not sure:
        return ''
    against = contradictions_text(sure, advice.brief)
    return f'what is known of all trials speaks clearly against some of the effects: {against}'


def _surely(claim: ClaimedEffect) -> bool:
    size, error = abs(claim.effect or 0.0), claim.error or 0.0
    return size - SURE * error > (0.0 if claim.sign else LARGE)


def wrong_nearest(nearest: int, advice: Advice) -> str:
    """Why the trial of this number is surely not the one nearest to the objective, as a clause; empty where it may be.

    It may be where it was seen about as near as the nearest, or where its policy is expected to be about as good as
    the best one: in both cases as far as the noise lets anybody tell.

    Args:
        nearest: as a reply names it; 0: it names none.
        advice: before the step.
    """
    history, best = advice.history, advice.best
    if not nearest or best is None:
        return ''
    numbers = {trial_number(history, position): position for position in range(len(history))}
    if nearest not in numbers:
        return f'"nearest" names trial {nearest}, which is not there'
    position = numbers[nearest]
    if position == best or advice.luckiest is None:
        return ''
    seen, least = (advice.objective.distance(history[each]) for each in (position, advice.luckiest))
    spread = advice.scatter(advice.brief.space.values(history[advice.luckiest]))
    noise = float(np.hypot.reduce(list(spread.values())))
    if seen is not None and least is not None and seen <= least + EXPLAINED * noise:
        return ''
    worse = advice.worlds[:, position] - advice.worlds[:, best]
    if worse.mean() <= SURE * worse.std(ddof=1):
        return ''
    losses = advice.outlook.losses(advice.outlook.explored.points([history[position], history[best]]))
    said = 'failed' if seen is None else f'missed by {seen:.2f}'
    return (
        f'"nearest" names trial {nearest}, which {said} and has an expected loss of {losses[0]:.2f}; that of trial '
        f'{trial_number(history, best)} is {losses[1]:.2f}'
    )
