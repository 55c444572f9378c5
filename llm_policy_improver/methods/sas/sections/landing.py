"""What the landing model says: candidates to take, and what parameters do around the first of them."""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.expectation import FAILED_LOSS
from llm_policy_improver.core.term import Extreme
from llm_policy_improver.methods.numeric.effect_model import STEP, Effect
from llm_policy_improver.methods.numeric.landing.outlook import Expected
from llm_policy_improver.methods.ranking import trial_number
from llm_policy_improver.methods.sas.advice.advice import Advice, expected_distance
from llm_policy_improver.methods.sas.advice.candidates import Kind
from llm_policy_improver.methods.sas.advice.digits import coarse_digits, coarse_texts
from llm_policy_improver.methods.sas.sections.seen import Seen

WORTH_TELLING: Final = 0.01
"""Metres, or the objective's unit: luck that is less is not told."""


def candidates(seen: Seen) -> list[str]:
    """The candidates, the best trial beside them, and by how much the nearest one seen was lucky."""
    advice = seen.advice
    if advice is None or not advice.candidates:
        return []
    history, space, best = seen.history, seen.brief.space, advice.best
    name = '' if best is None else f'trial {trial_number(history, best)}'
    kinds = {each.kind for each in advice.candidates}
    said = [
        '"distance": of 8 in 10 trials that succeed',
        f'"loss": mean distance with the margins kept, a failure counted as {FAILED_LOSS:g} '
        f'{advice.objective.terms[0].measure.unit}',
        *([f'"better": chance to be better than {name}, the best so far by this model'] if name else []),
        *([f'"{Kind.CAUTIOUS}": near {name}'] if Kind.CAUTIOUS in kinds else []),
        *([f'"{Kind.BOLD}": best if one world of those left open is true'] if Kind.BOLD in kinds else []),
    ]
    measures = [term.measure.column for term in advice.objective.terms]
    better = ['better'] if name else []
    lines = [
        f'Candidates for the next trial, by a model of all trials and their noise. {"; ".join(said)}.',
        ' '.join(['candidate', *seen.names, *measures, 'distance succeeds loss', *better]),
    ]
    for each in advice.candidates:
        cells = [*coarse_texts(each.values, space), _expected(advice, each.expected, each.loss)]
        cells += [] if each.better is None else [f'{each.better:.0%}']
        lines.append(' '.join([each.letter, *cells, each.kind]))
    for position in _again(seen, advice):
        values = space.values(history[position])
        cells = [*coarse_texts(values, space), _expected(advice, advice.expected(values), advice.losses[position])]
        lines.append(' '.join([f'trial {trial_number(history, position)}', *cells, 'if played again']))
    return [*lines, *_luck(advice), *_strange(advice), _scatter(advice)]


def _again(seen: Seen, advice: Advice) -> list[int]:
    """Positions of the trials to weigh against candidates: the best, the nearest seen, the latest tried repeatedly."""
    repeated = seen.repeated[-1].positions[-1] if seen.repeated else None
    policies: dict[tuple[float, ...], int] = {}
    for position in (advice.best, advice.luckiest, repeated):
        if position is not None:
            policies.setdefault(seen.brief.space.values(advice.history[position]), position)
    return list(policies.values())


def _strange(advice: Advice) -> list[str]:
    """Trials that the model takes for mishaps."""
    numbers = [str(trial_number(advice.history, position)) for position in advice.outlook.strange]
    if not numbers:
        return []
    many = len(numbers) > 1
    return [
        f'Trial{"s" * many} {", ".join(numbers)} hardly count{"s" * (not many)}: what came out is far from what all '
        'others say of such parameters.'
    ]


def _expected(advice: Advice, expected: Expected, loss: float) -> str:
    measures = ' '.join(
        f'{expected.measures[term.measure.name]:{"+" * (term.measure.low < 0.0)}.2f}'
        for term in advice.objective.terms
    )
    return f'{measures} {expected.low:.2f}..{expected.high:.2f} {expected.success:.0%} {loss:.2f}'


def _scatter(advice: Advice) -> str:
    """By how much balls of the first candidate lie apart."""
    spread = advice.scatter(advice.candidates[0].values)
    each = [
        f'{term.measure.column} {spread[term.measure.name]:.2f} {term.measure.unit}' for term in advice.objective.terms
    ]
    return f'Trials of A scatter by {", ".join(each)} (standard deviation).'


def _luck(advice: Advice) -> list[str]:
    """What is expected of the nearest trial seen, if played again, where that is worse than what was seen."""
    luckiest, optimism = advice.luckiest, advice.optimism
    if luckiest is None or optimism is None or optimism < WORTH_TELLING:
        return []
    trial = advice.history[luckiest]
    seen = advice.objective.distance(trial)
    held = expected_distance(advice.expected(advice.brief.space.values(trial)))
    return [
        f'The best seen, trial {trial_number(advice.history, luckiest)}, is optimistic by about {optimism:.2f}: it was '
        f'seen at {seen:.2f}, and played again it is expected at {held:.2f}.'
    ]


def around(seen: Seen) -> list[str]:
    """A line a parameter, the largest effect towards the objective first."""
    advice = seen.advice
    if advice is None:
        return []
    here = 'A' if advice.candidates else f'trial {trial_number(seen.history, advice.best or 0)}'
    columns = _columns(advice)
    space, found = seen.brief.space, advice.around
    lines = [
        f'Around {here}, raising a parameter by {STEP:.2f} changes (± standard error; "?": even the sign is not sure; '
        'the largest effect towards the objective first; "room": how far down and up it may go; "succeeds": in %):',
        ' '.join(['parameter', here, 'room', *columns, 'succeeds']),
    ]
    for index in found.order:
        value, digits = found.values[index], coarse_digits(space.parameters[index])
        room = f'{space.low[index] - value:+.{digits}f} {space.high[index] - value:+.{digits}f}'.replace('+-', '-')
        effects = [_signed(column[index]) for column in columns.values()]
        lines.append(
            ' '.join([
                seen.names[index], f'{value:.{digits}f}', room, *effects, f'{round(100.0 * found.success[index]):+d}',
            ])
        )  # fmt: skip
    return lines


def _columns(advice: Advice) -> dict[str, Sequence[Effect]]:
    """The effects that count, by their headings; what is nearer is told where one measure alone does not say it."""
    terms, found = advice.objective.terms, advice.around
    shown: dict[str, Sequence[Effect]] = {}
    if len(terms) > 1 or not isinstance(terms[0].want, Extreme):
        shown['nearer'] = found.nearer
    return shown | {term.measure.column: found.measures[term.measure.name] for term in terms}


def _signed(effect: Effect) -> str:
    return f'{effect.change:+.3f}±{effect.error:.3f}{"" if effect.clear else "?"}'
