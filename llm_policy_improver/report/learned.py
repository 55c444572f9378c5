"""What the trials of a run show that each parameter does, beside what a language model last claimed of it."""

from dataclasses import dataclass

from llm_policy_improver.core.finding import ClaimedEffect
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.space import Parameter
from llm_policy_improver.methods.numeric.effect_model import Effect, EffectModel, TooFewTrialsError
from llm_policy_improver.methods.sas.effects import judged
from llm_policy_improver.report.run_view import RunView


@dataclass(frozen=True, slots=True)
class LearnedEffect:
    """Of one parameter on one measure.

    Attributes:
        parameter: that is raised.
        measure: that it moves.
        effect: by a regression on all trials, which weighs those near the best most.
        claim: the last one of a language model, held against that effect, which may rest on later trials than those
            it was held against when it was made; None where it claimed none.
    """

    parameter: Parameter
    measure: Measure
    effect: Effect
    claim: ClaimedEffect | None


def learned_effects(view: RunView) -> tuple[tuple[Measure, tuple[LearnedEffect, ...]], ...]:
    """The effects on each measure that the objective is about, in the order of the parameters.

    Empty where too few trials tell a measure, and of programs.
    """
    if view.of_programs or not view.objective.measurable:
        return ()
    best = None if view.best is None else view.best.trial
    try:
        model = EffectModel.fit(view.trials, view.brief, view.objective, best)
    except TooFewTrialsError:
        return ()
    claims = {
        (claim.parameter, claim.measure): claim
        for _, step, _ in view.played
        for claim in step.proposal.claims
    }
    found = []
    for term in view.objective.terms:
        measure, effects = term.measure, model.effects(term.measure)
        rows = tuple(
            LearnedEffect(parameter, measure, effect, _again(claims.get((parameter.name, measure.name)), effect))
            for parameter, effect in zip(view.brief.space.parameters, effects, strict=bool(effects))
        )
        if rows:
            found.append((measure, rows))
    return tuple(found)


def _again(claim: ClaimedEffect | None, effect: Effect) -> ClaimedEffect | None:
    return None if claim is None else judged(claim.parameter, claim.measure, claim.sign, effect)
