"""What a prompt tells below the trials that can be computed from them: effects, repetitions, and how the model's own
last words compare with what happened.
"""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import KeptBack, Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.effect_model import STEP, Effect, EffectModel, TooFewTrialsError
from llm_policy_improver.methods.ranking import trial_number
from llm_policy_improver.methods.sas import effects
from llm_policy_improver.methods.sas.history_selection import neighbours
from llm_policy_improver.methods.sas.repetitions import Repetition
from llm_policy_improver.methods.sas.trial_table import number

AROUND: Final = 6
"""Trials nearest to the best one, itself included, that show what was varied there."""
MOST_PAIRS: Final = 5
MOST_CHANGES: Final = 4
"""Parameters in which a neighbour may differ for its difference to say something."""
SAME: Final = 0.0005
"""Of a parameter: less is no difference."""
LONGEST_TOLD: Final = 300
"""Characters of what the checks changed in a proposal that are told in the next prompt."""
MOST_REPETITIONS: Final = 4
MOST_EXPECTATIONS: Final = 3
"""Lines of each kind, the latest ones."""


def _signed(effect: Effect) -> str:
    return f'{effect.change:+.3f}±{effect.error:.3f}{"" if effect.clear else "?"}'


def _value(values: Sequence[float], low: float, high: float, digits: int) -> str:
    """A parameter's value in the first of some trials, whether it has room left, and its range in all of them."""
    value = values[0]
    at = 'lower' if value - low < 0.0005 else 'upper' if high - value < 0.0005 else ''
    bound = f' (at its {at} bound)' * bool(at)
    return f'{value:.{digits}f}{bound} [{min(values):.2f}..{max(values):.2f}]'


def effects_text(
    history: Sequence[Trial],
    best: int | None,
    brief: Brief,
    objective: Objective,
    names: Sequence[str],
    digits: int,
) -> list[str]:
    """The effect of each parameter near the best trial, its value there, and whether it is at a bound.

    Args:
        history: all trials, oldest first.
        best: position of the best trial; the last one stands for it where None.
        brief: of the task.
        objective: what the person asked.
        names: (n,) what the parameters are called.
        digits: decimals of the parameters.
    """
    position = len(history) - 1 if best is None else best
    space = brief.space
    try:
        model = EffectModel.fit(history, brief, objective, history[position].policy)
    except TooFewTrialsError:
        return []
    columns = [(each, found) for each in model.measures if (found := model.effects(each))]
    here = trial_number(history, position)
    around = neighbours(history, position, space)[:AROUND]
    tried = list(zip(*(space.values(history[each].policy) for each in around), strict=True))
    lines = [
        f'Computed effect of raising one parameter by {STEP:.2f}, ± standard error, "?" where it is not clear: a '
        f'regression on all trials, those near trial {here} counting most. Curvature is not '
        'in it: beyond the values tried it can be far off. In brackets the range of the parameter in the nearest '
        f'{len(around)} trials: where it is narrow, the effect is that of trials far away and may be wrong here.',
        ' '.join(['parameter', f'value_in_trial_{here} [nearby]', *(each.column for each, _ in columns)]),
    ]
    for index, name in enumerate(names):
        value = _value(tried[index], space.low[index], space.high[index], digits)
        lines.append(' '.join([name, value, *(_signed(found[index]) for _, found in columns)]))
    return lines


def pairs_text(
    history: Sequence[Trial], objective: Objective, best: int | None, brief: Brief, names: Sequence[str]
) -> list[str]:
    """The neighbours of the best trial beside it, a difference a line: what was measured there, unsmoothed."""
    if best is None or not history[best].succeeded:
        return []
    there, space = history[best], brief.space
    lines: list[str] = []
    for position in neighbours(history, best, space)[1:]:
        trial = history[position]
        pairs = zip(names, space.values(trial.policy), space.values(there.policy), strict=True)
        changes = [(name, one - other) for name, one, other in pairs if abs(one - other) >= SAME]
        difference = _difference(trial, there, brief, objective)
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


def repetitions_text(history: Sequence[Trial], groups: Sequence[Repetition], brief: Brief) -> list[str]:
    """Means and spreads of policies that were tried more than once."""
    measures = {measure.name: measure for measure in brief.measures}
    lines = []
    for group in groups[-MOST_REPETITIONS:]:
        numbers = ', '.join(str(trial_number(history, position)) for position in group.positions[-6:])
        values = ', '.join(
            f'{measures[name].column} {number(mean, measures[name])} ±{group.spreads[name]:.3f}'
            for name, mean in group.means.items()
        )
        missed = f'; {group.tries - len(group.positions)} failed' * (group.tries > len(group.positions))
        lines.append(
            f'Same parameters in {len(group.positions)} trials that succeeded ({numbers}): mean {values}{missed}.'
        )
    return lines


def feedback_text(
    history: Sequence[Trial], earlier: Sequence[Proposal], objective: Objective, brief: Brief
) -> list[str]:
    """The model's last expectations beside what happened, what was kept from the arm and why, and the model's last
    claims beside the regression.
    """
    first = len(history) - len(earlier)
    made = [
        (first + i, proposal)
        for i, proposal in enumerate(earlier)
        if first + i >= 0 and proposal.exchanges and not proposal.instead_of
    ]
    lines = []
    for position, proposal in made[-MOST_EXPECTATIONS:]:
        said = '; '.join(map(str, proposal.findings))
        if said:
            told = said[:LONGEST_TOLD] + ' ...' * (len(said) > LONGEST_TOLD)
            lines.append(f'Your proposal for trial {trial_number(history, position)}: {told}.')
        # What was expected holds for what was answered, not for what it was changed into.
        if proposal.expected and history[position].policy == proposal.policy:
            lines.append(_expectation(history, position, proposal, brief))
    kept = [each for proposal in earlier for each in proposal.kept_back]
    lines += [kept_back_text(each) for each in kept[-MOST_EXPECTATIONS:]]
    if made and made[-1][1].claims and (text := effects.feedback_text(made[-1][1].claims, brief)):
        lines.append(text)
    return lines


def _expectation(history: Sequence[Trial], position: int, proposal: Proposal, brief: Brief) -> str:
    trial, name = history[position], trial_number(history, position)
    known = [each for each in brief.measures if each.name in proposal.expected]
    expected = ', '.join(f'{each.column} {number(proposal.expected[each.name], each)}' for each in known)
    if not trial.succeeded:
        return f'For trial {name} you expected {expected}: its outcome is {trial.outcome}.'
    gaps = ', '.join(
        f'{each.column} {trial.measures[each.name] - proposal.expected[each.name]:+.{each.digits}f}'
        for each in known
        if each.name in trial.measures
    )
    return f'For trial {name} you expected {expected}: it came out off by {gaps}.'


def kept_back_text(kept: KeptBack) -> str:
    """What a gate, or a person, kept from the arm, as a sentence for the next prompt."""
    if kept.person:
        return f'A person rejected the parameters {kept.proposal.policy}: "{kept.reason}".'
    return f'The {kept.by} refused the parameters {kept.proposal.policy}: {kept.reason}.'
