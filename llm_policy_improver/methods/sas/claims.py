"""The effects a language model claims ("g moves it right") beside those that the trials show.

A regression on the trials is the judge, and only where its uncertainty allows a judgement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.parameters import LETTERS, ParameterSpace
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.methods.numeric.landing_model import Effect, LandingModel, TooFewTrialsError
from llm_policy_improver.methods.numeric.least_squares_words import DIRECTIONS
from llm_policy_improver.methods.ranking import ranked
from llm_policy_improver.methods.sas.claim_reader import Claim, parse_claims

__all__ = [
    'Claim', 'ClaimFinding', 'ClaimReport', 'Judgement', 'compare_claims', 'judge_analysis', 'parse_claims',
]  # fmt: skip

LARGE: Final = 0.02
"""m per 0.10 of a parameter: what is certainly more than this is not "little effect"."""

CERTAIN: Final = 2.0
"""Standard errors on either side of a computed effect between which the true one is taken to be."""

MOST_NAMED: Final = 4
"""Contradictions named to the model and to the person, the largest effects first."""

_NAMES: Final = {'x': 'x', 'y': 'y', 'peak_height': 'the peak height', 'net_clearance': 'the net clearance'}


class ClaimFinding(StrEnum):
    """What the trials say about a claim."""

    AGREEMENT = 'agreement'
    CONTRADICTION = 'contradiction'
    TOO_LITTLE_DATA = 'too little data'


@dataclass(frozen=True, slots=True)
class Judgement:
    """One claim and what the trials say about it.

    Attributes:
        claim: what was said.
        effect: what the trials show; None where too few landed to tell anything.
        finding: how the two go together.
    """

    claim: Claim
    effect: Effect | None
    finding: ClaimFinding

    @property
    def sentence(self) -> str:
        """For people and prompts: ``'g moves it right; the trials say left (-0.031 ± 0.008 m per 0.10)'``."""
        name = self.claim.name or LETTERS[self.claim.index]
        said = _in_words(self.claim.quantity, self.claim.sign)
        if self.effect is None:
            return f'{name} moves it {said}; too few trials landed to tell'
        number = f'{self.effect.metres:+.3f} ± {self.effect.error:.3f} m per 0.10'
        if self.finding is ClaimFinding.TOO_LITTLE_DATA:
            return f'{name} moves it {said}; the trials do not tell ({number})'
        shown = _in_words(self.claim.quantity, (self.effect.metres > 0) - (self.effect.metres < 0))
        if self.finding is ClaimFinding.AGREEMENT:
            return f'{name} moves it {said}; the trials agree ({number})'
        return f'{name} moves it {said}; the trials say {shown} ({number})'


def _in_words(quantity: str, sign: int) -> str:
    more, less = DIRECTIONS[quantity]
    return f'hardly in {_NAMES[quantity]}' if sign == 0 else more if sign > 0 else less


@dataclass(frozen=True, slots=True)
class ClaimReport:
    """All claims of one reply beside the trials.

    Attributes:
        judgements: one a claim, in the order of the claims.
    """

    judgements: tuple[Judgement, ...]

    def count(self, finding: ClaimFinding) -> int:
        """How many claims came out so."""
        return sum(judgement.finding is finding for judgement in self.judgements)

    @property
    def agreements(self) -> int:
        """Claims that the trials confirm."""
        return self.count(ClaimFinding.AGREEMENT)

    @property
    def contradictions(self) -> int:
        """Claims that the trials refute."""
        return self.count(ClaimFinding.CONTRADICTION)

    @property
    def undecided(self) -> int:
        """Claims about which the trials do not tell enough."""
        return self.count(ClaimFinding.TOO_LITTLE_DATA)

    def _contradicted(self) -> tuple[list[str], int]:
        """Sentences on at most `MOST_NAMED` contradictions, and how many more there are."""
        against = [one for one in self.judgements if one.finding is ClaimFinding.CONTRADICTION]
        against.sort(key=lambda one: -abs(one.effect.metres) if one.effect else 0.0)
        return [one.sentence for one in against[:MOST_NAMED]], max(len(against) - MOST_NAMED, 0)

    @property
    def summary(self) -> str:
        """One clause for the person, some contradictions named; empty where nothing was claimed."""
        if not self.judgements:
            return ''
        counted = 'claimed effects: ' + ', '.join(
            f'{finding} {self.count(finding)}' for finding in ClaimFinding
        )
        against, more = self._contradicted()
        rest = f', and {more} more' if more else ''
        return f'{counted} (claimed: {", claimed: ".join(against)}{rest})' if against else counted

    @property
    def feedback(self) -> str:
        """For the next prompt: the rate, and the contradicted claims; empty where the trials decide none."""
        decided = self.agreements + self.contradictions
        if not decided:
            return ''
        rate = (
            f'Of the effects claimed in your last analysis, {self.agreements} of the {decided} that the trials can '
            'decide agree with them.'
        )
        against, more = self._contradicted()
        if not against:
            return rate
        rest = f'; and {more} more' if more else ''
        return (
            f'{rate} Look again at these, and believe the trials around the nearest one before the regression: you '
            f'said that {"; that ".join(against)}{rest}.'
        )


def compare_claims(
    claims: Sequence[Claim],
    history: Sequence[ExecutionTrace],
    space: ParameterSpace,
    centre: Sequence[float] | None = None,
) -> ClaimReport:
    """Hold each claim against a linear regression on the trials.

    A claimed direction is judged only where the computed effect is more than `CERTAIN` standard errors from
    zero. "Little effect" is contradicted where the whole interval of that width lies beyond `LARGE`, confirmed
    where it lies within, and undecided otherwise.

    Args:
        claims: of one reply.
        history: all trials.
        space: the bounds of the attenuation.
        centre: (8,) attenuation near which the effects are wanted; on the whole where None.
    """
    try:
        model = LandingModel.fit(history, space, centre) if claims else None
    except TooFewTrialsError:
        model = None
    quantities = {claim.quantity for claim in claims}
    effects = {quantity: model.effects(quantity) if model else [] for quantity in quantities}
    return ClaimReport(tuple(_judged(claim, effects) for claim in claims))


def judge_analysis(
    analysis: str,
    names: Sequence[str],
    history: Sequence[ExecutionTrace],
    objective: Objective,
    space: ParameterSpace,
) -> ClaimReport:
    """Read an analysis and hold its claims against the effects near the best trial, which the prompt shows too.

    Args:
        analysis: the model's words.
        names: (8,) of the parameters, as the model was told them.
        history: all trials; the claims are about the effects on the whole where none can be measured.
        objective: says which trial is the best.
        space: the bounds of the attenuation.
    """
    order = ranked(history, objective)
    centre = history[order[0]].parameters.attenuation if order else None
    return compare_claims(parse_claims(analysis, names), history, space, centre)


def _judged(claim: Claim, effects: Mapping[str, Sequence[Effect]]) -> Judgement:
    known = effects[claim.quantity]
    if not known:
        return Judgement(claim, None, ClaimFinding.TOO_LITTLE_DATA)
    effect = known[claim.index]
    size, doubt = abs(effect.metres), CERTAIN * effect.error
    if claim.sign == 0:
        agrees, contradicts = size + doubt < LARGE, size - doubt > LARGE
    else:
        right_way = effect.metres * claim.sign > 0
        agrees, contradicts = effect.clear and right_way, effect.clear and not right_way
    finding = (
        ClaimFinding.AGREEMENT
        if agrees
        else ClaimFinding.CONTRADICTION
        if contradicts
        else ClaimFinding.TOO_LITTLE_DATA
    )
    return Judgement(claim, effect, finding)
