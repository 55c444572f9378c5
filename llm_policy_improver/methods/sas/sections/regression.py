"""What a regression on the trials says of each parameter, and the trials beside the best one."""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.effect_model import STEP, Effect, EffectModel, TooFewTrialsError
from llm_policy_improver.methods.ranking import trial_number
from llm_policy_improver.methods.sas.history_selection import neighbours
from llm_policy_improver.methods.sas.sections.seen import Seen

AROUND: Final = 6
"""Trials nearest to the best one, itself included, that show what was varied there."""
MOST_PAIRS: Final = 5
MOST_CHANGES: Final = 4
"""Parameters in which a neighbour may differ for its difference to say something."""
SAME: Final = 0.0005
"""Of a parameter: less is no difference."""


def _signed(effect: Effect) -> str:
    return f'{effect.change:+.3f}±{effect.error:.3f}{"" if effect.clear else "?"}'


def _value(values: Sequence[float], low: float, high: float, digits: int) -> str:
    """A parameter's value in the first of some trials, whether it has room left, and its range in all of them."""
    value = values[0]
    at = 'lower' if value - low < 0.0005 else 'upper' if high - value < 0.0005 else ''
    bound = f' (at its {at} bound)' * bool(at)
    return f'{value:.{digits}f}{bound} [{min(values):.2f}..{max(values):.2f}]'


def effects(seen: Seen) -> list[str]:
    """The effect of each parameter near the best trial, its value there, and whether it is at a bound.

    The last trial stands for the best one where none can be ranked.
    """
    if not seen.options.effects:
        return []
    history, brief, digits = seen.history, seen.brief, seen.options.digits
    position = len(history) - 1 if seen.best is None else seen.best
    space = brief.space
    try:
        model = EffectModel.fit(history, brief, seen.objective, history[position])
    except TooFewTrialsError:
        return []
    columns = [(each, found) for each in model.measures if (found := model.effects(each))]
    here = trial_number(history, position)
    around = neighbours(history, position, space)[:AROUND]
    tried = list(zip(*(space.values(history[each]) for each in around), strict=True))
    lines = [
        f'Computed effect of raising one parameter by {STEP:.2f}, ± standard error, "?" where it is not clear: a '
        f'regression on all trials, those near trial {here} counting most. Curvature is not '
        'in it: beyond the values tried it can be far off. In brackets the range of the parameter in the nearest '
        f'{len(around)} trials: where it is narrow, the effect is that of trials far away and may be wrong here.',
        ' '.join(['parameter', f'value_in_trial_{here} [nearby]', *(each.column for each, _ in columns)]),
    ]
    for index, name in enumerate(seen.names):
        value = _value(tried[index], space.low[index], space.high[index], digits)
        lines.append(' '.join([name, value, *(_signed(found[index]) for _, found in columns)]))
    return lines


def pairs(seen: Seen) -> list[str]:
    """The neighbours of the best trial beside it, a difference a line: what was measured there, unsmoothed."""
    history, best, brief = seen.history, seen.best, seen.brief
    if not seen.options.effects or best is None or not history[best].succeeded:
        return []
    there, space = history[best], brief.space
    lines: list[str] = []
    for position in neighbours(history, best, space)[1:]:
        trial = history[position]
        both = zip(seen.names, space.values(trial), space.values(there), strict=True)
        changes = [(name, one - other) for name, one, other in both if abs(one - other) >= SAME]
        difference = _difference(trial, there, brief, seen.objective)
        if not difference or not 0 < len(changes) <= MOST_CHANGES:
            continue
        if len(lines) == MOST_PAIRS:
            break
        changed = ', '.join(f'{name} {gap:+.3f}' for name, gap in changes)
        lines.append(f'{trial_number(history, position)}: {changed}: {difference}')
    if not lines:
        return []
    return [
        f'Beside trial {trial_number(history, best)}, trials that differ from it in few parameters (where they and the '
        'regression disagree, believe them):',
        *lines,
    ]


def _difference(one: Trial, other: Trial, brief: Brief, objective: Objective) -> str:
    """By how much two trials differ in the measures that count; empty where one of them is not told."""
    wanted = {term.measure.name for term in objective.terms}
    parts = []
    for measure in brief.told(objective):
        if not (all(measure.margins) or measure.name in wanted or not wanted):
            continue
        a, b = one.told(measure), other.told(measure)
        if a is not None and b is not None:
            parts.append(f'{measure.column} {a - b:+.{measure.digits}f}')
        elif all(measure.margins):
            return ''
    return ', '.join(parts)
