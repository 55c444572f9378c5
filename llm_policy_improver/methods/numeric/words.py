"""What a numeric method did, in words: the same three steps a language model is asked for."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.digits import digits_apart
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace, Place
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.effect_model import STEP, Effect


class Model(Protocol):
    """What is told of a model fitted to the trials."""

    @property
    def brief(self) -> Brief:
        """Of the task."""

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Those looked at."""

    @property
    def kind(self) -> str:
        """What it is, for people: ``'Regression (linear)'``."""

    @property
    def samples(self) -> int:
        """Trials that it rests on."""

    @property
    def errors(self) -> Mapping[str, float]:
        """Left-out error by the measure's name, in its unit; those that it cannot predict are absent."""

    def effects(self, measure: Measure) -> list[Effect]:
        """What each parameter does to one measure, on the whole."""

    def predict(self, place: Place) -> dict[str, float]:
        """The measures expected there, by name."""


def expected_text(model: Model, place: Place) -> str:
    """What is expected there, for people: ``'x +0.742 m, y 0.690 m'``."""
    predicted = model.predict(place)
    planned = [measure for measure in model.measures if all(measure.margins) and measure.name in predicted]
    shown = planned or [measure for measure in model.measures if measure.name in predicted]
    return ', '.join(
        f'{measure.column} {predicted[measure.name]:.{measure.digits}f} {measure.unit}'.rstrip()
        for measure in shown
    )


def _nearer(gap: float, before: float) -> str:
    digits = digits_apart(gap, before)
    now, then = f'{gap:.{digits}f}', f'{before:.{digits}f}'
    if now == then:
        return f'as far from the objective as before, {now}'
    return f'{now} from the objective instead of {then}'


def _called(trial: Trial, history: Sequence[Trial]) -> str:
    position = next(number for number, other in enumerate(history, start=1) if other is trial)
    return f'trial {trial.number or position}'


def no_success(history: Sequence[Trial]) -> str:
    """The outcomes of trials of which none succeeded."""
    outcomes = Counter(str(trial.outcome) for trial in history)
    listed = ', '.join(f'{count} {outcome}' for outcome, count in outcomes.most_common())
    return f'{len(history)} trials, none succeeded: {listed or "none yet"}.'


def summary(history: Sequence[Trial], objective: Objective, top: int = 3) -> str:
    """How many succeeded, and the trials nearest to the objective."""
    ranked = [(distance, trial) for trial in history if (distance := objective.distance(trial)) is not None]
    ranked.sort(key=lambda pair: pair[0])
    succeeded = sum(trial.succeeded for trial in history)
    nearest = ', '.join(
        f'{_called(trial, history)} with {distance:.3f} left' for distance, trial in ranked[:top]
    )
    return f'{succeeded} of {len(history)} trials succeeded. Nearest to the objective: {nearest}.'


def changes(before: Place, after: Place, space: ParameterSpace, top: int | None = None) -> list[str]:
    """What differs between two places, ``'g (axis_5) 1.00 to 1.20'``, the largest shares of a range first."""
    old, new, unit = space.values(before), space.values(after), space.unit(after) - space.unit(before)
    order = [i for i in sorted(range(space.dimension), key=lambda i: -abs(unit[i])) if old[i] != new[i]]
    return [f'{space.parameters[i].label} {_from_to(old[i], new[i])}' for i in order[:top]]


def _from_to(old: float, new: float) -> str:
    digits = digits_apart(old, new)
    return f'{old:.{digits}f} to {new:.{digits}f}'


def _moves(model: Model, measure: Measure, top: int = 3) -> str:
    clear = sorted(
        (each for each in model.effects(measure) if each.clear), key=lambda each: -abs(each.change)
    )
    parameters = model.brief.space.parameters
    return ', '.join(
        f'{parameters[each.index].label} {abs(each.change):.2f} {measure.unit} '
        f'{measure.more if each.change > 0 else measure.less}'
        for each in clear[:top]
    )


def analysis(model: Model) -> str:
    """Which parameters move which measure where."""
    parts = [f'{each.column}: {moves}' for each in model.measures if (moves := _moves(model, each))]
    told = model.errors
    errors = ', '.join(
        f'{each.column} {told[each.name]:.3f} {each.unit}' for each in model.measures if each.name in told
    )
    fit = f'{model.kind} of {model.samples} trials, left-out error {errors}'
    if not parts:
        return f'{fit}: no single parameter has a clear effect yet.'
    return f'{fit}; raising by {STEP:.2f} moves {"; ".join(parts)}.'


def synthesis(
    model: Model,
    objective: Objective,
    best: Trial,
    proposed: Place,
    radius: float,
    explored: bool,
) -> tuple[str, str]:
    """What was changed from the best trial and what is expected: in full, and as one sentence.

    Args:
        model: what the expectation comes from.
        objective: with terms.
        best: the trial the step starts from.
        proposed: where to go.
        radius: of the trust region, 1 = half of each parameter's range.
        explored: whether the step was random because the best prediction had been tried already.
    """
    space = model.brief.space
    listed = changes(best, proposed, space)
    expected = f'expects {expected_text(model, proposed)}'
    predicted = model.predict(proposed)
    if all(term.measure.name in predicted for term in objective.terms):
        gap = sum(term.gap(predicted[term.measure.name]) ** 2 for term in objective.terms) ** 0.5
        expected += f', {_nearer(gap, objective.distance(best) or 0.0)}'
    at_bound = [
        each.label
        for each, value in zip(space.parameters, space.values(proposed), strict=True)
        if min(value - each.low, each.high - value) < 1e-6
    ]
    full = (
        f'From the best trial: {", ".join(listed)}; steps up to {min(100 * radius / 2, 100):.0f} % '
        f'of each range. It {expected}.'
    )
    if at_bound:
        full += f' At the bound: {", ".join(at_bound)}.'
    why = (
        'Explores beside the best trial, as the best prediction was tried before:'
        if explored
        else 'Changes mostly'
    )
    return full, f'{why} {", ".join(listed[:3])}; {expected}.'
