"""What a language model is told of parameters, measures and the objective, made from the task's brief."""

from collections.abc import Sequence

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.term import Term


def parameters_text(brief: Brief, names: Sequence[str]) -> str:
    """A line a parameter: name, meaning, bounds and unit."""
    rows = zip(names, brief.space.parameters, strict=True)
    return '\n'.join(
        f'- {name} ({each.meaning}): {each.low:.2f} to {each.high:.2f} {each.unit}'.rstrip()
        for name, each in rows
    )


def bounds_text(brief: Brief, names: Sequence[str]) -> str:
    """A line for all parameters with the same bounds."""
    alike: dict[str, list[str]] = {}
    for name, each in zip(names, brief.space.parameters, strict=True):
        bounds = f'{each.low:.2f} to {each.high:.2f} {each.unit}'.rstrip()
        alike.setdefault(bounds, []).append(f'{name} ({each.meaning})')
    return '\n'.join(f'- {", ".join(which)}: {bounds}' for bounds, which in alike.items())


def neutral_text(brief: Brief, names: Sequence[str]) -> str:
    """The values that change nothing: ``'a to h at 1.00 and i to p at 0.00'``."""
    runs: list[tuple[float, list[str]]] = []
    for name, each in zip(names, brief.space.parameters, strict=True):
        if runs and runs[-1][0] == each.neutral:
            runs[-1][1].append(name)
        else:
            runs.append((each.neutral, [name]))
    return ' and '.join(
        f'{run[0]} to {run[-1]} at {value:.2f}' if len(run) > 1 else f'{run[0]} at {value:.2f}'
        for value, run in runs
    )


def margins_text(brief: Brief) -> str:
    """The margins to keep, one clause a measure."""
    parts = []
    for measure in brief.planned:
        below, above = measure.margins
        low, high = measure.low + below, measure.high - above
        if below and above:
            parts.append(f'{measure.column} from {low:.2f} to {high:.2f} {measure.unit}')
        else:
            end = f'at least {low:.2f}' if below else f'at most {high:.2f}'
            parts.append(f'{measure.column} {end} {measure.unit}')
    return ', '.join(parts)


def effect_words(measure: Measure) -> tuple[str, ...]:
    """The words for what raising a parameter does to a measure."""
    return measure.more, measure.less, 'none', 'unclear'


def looked_at(brief: Brief, objective: Objective) -> tuple[Measure, ...]:
    """The measures that a reply must speak of: where a trial can fail on both sides, and what is wanted."""
    wanted = {term.measure.name for term in objective.terms}
    return tuple(each for each in brief.told(objective) if all(each.margins) or each.name in wanted)


def aim_text(term: Term) -> str:
    """What to aim at, with the margins kept: ``'x 0.74'``."""
    low, high = term.aim
    if low == high:
        return f'{term.measure.column} {low:.2f}'
    return f'{term.measure.column} from {low:.2f} to {high:.2f}'


def _target_text(term: Term) -> str:
    """What a distance is counted from: ``'x 0.76'``."""
    low, high = term.target
    return f'{term.measure.column} {low:.2f}' + (f' to {high:.2f}' if high != low else '')


def objective_text(objective: Objective, noise: float, distances: bool = True) -> str:
    """How the objective is measured, and from which distance on it is reached, where distances are told."""
    if not objective.measurable:
        return 'No program can measure this: judge by the numbers which trial fulfils it best.'
    aim = ', '.join(aim_text(term) for term in objective.terms)
    text = (
        f'Understood as: {objective.sentence}. The distance is the root of the summed squares of what is missing; '
        f'smaller is better, and it may be out of reach. The aim, with the margins kept: {aim}.'
    )
    short = [term for term in objective.terms if term.aim != term.target]
    if noise and short:
        text += f' Distances count from {", ".join(_target_text(term) for term in short)}.'
    if distances:
        text += f' A distance of {objective.reached_within(noise):.3f} or less counts as reached.'
    return text
