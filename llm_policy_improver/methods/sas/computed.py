"""What a prompt tells below the trials that can be computed from them: effects, repetitions, and how the model's own
last words compare with what happened.
"""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.method import Proposal
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.parameters import ParameterSpace
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.llm.reply import Reply, ReplyError, parse_reply
from llm_policy_improver.methods.numeric.landing_model import (
    FLOWN,
    QUANTITIES,
    Effect,
    LandingModel,
    TooFewTrialsError,
)
from llm_policy_improver.methods.ranking import trial_number
from llm_policy_improver.methods.sas.claims import judge_analysis
from llm_policy_improver.methods.sas.history_selection import neighbours
from llm_policy_improver.methods.sas.repetitions import repetitions
from llm_policy_improver.methods.sas.sas_options import SasOptions

AROUND: Final = 6
"""Trials nearest to the best one, itself included, that show what was varied there."""
MOST_PAIRS: Final = 5
MOST_CHANGES: Final = 4
"""Parameters in which a neighbour may differ for its difference to say something."""
SAME: Final = 0.0005
"""Of an attenuation: less is no difference."""
LONGEST_TOLD: Final = 300
"""Characters of what the checks changed in a proposal that are told in the next prompt."""
MOST_REPETITIONS: Final = 4
MOST_EXPECTATIONS: Final = 3
"""Lines of each kind, the latest ones."""


def _signed(effect: Effect) -> str:
    return f'{effect.metres:+.3f}±{effect.error:.3f}{"" if effect.clear else "?"}'


def _value(values: Sequence[float], low: float, high: float, digits: int) -> str:
    """A parameter's value in the first of some trials, whether it has room left, and its range in all of them."""
    value = values[0]
    at = 'lower' if value - low < 0.0005 else 'upper' if high - value < 0.0005 else ''
    bound = f' (at its {at} bound)' * bool(at)
    return f'{value:.{digits}f}{bound} [{min(values):.2f}..{max(values):.2f}]'


def effects_text(
    history: Sequence[ExecutionTrace], best: int | None, space: ParameterSpace, options: SasOptions
) -> list[str]:
    """The effect of each parameter near the best trial, its value there, and whether it is at a bound.

    Args:
        history: all trials, oldest first.
        best: position of the best trial; the last one stands for it where None.
        space: the bounds.
        options: names and digits.
    """
    position = len(history) - 1 if best is None else best
    centre = history[position].parameters.attenuation
    try:
        model = LandingModel.fit(history, space, centre)
    except TooFewTrialsError:
        return []
    columns = [(name, found) for name in QUANTITIES if (found := model.effects(name))]
    here = trial_number(history, position)
    around = neighbours(history, position, space)[:AROUND]
    tried = list(zip(*(history[each].parameters.attenuation for each in around), strict=True))
    lines = [
        f'Computed effect of raising one parameter by 0.10, in metres ± standard error, "?" where it is not clear: a '
        f'regression on all trials, those near trial {here} counting most. Curvature is not '
        'in it: beyond the values tried it can be far off. In brackets the range of the parameter in the nearest '
        f'{len(around)} trials: where it is narrow, the effect is that of trials far away and may be wrong here.',
        ' '.join(['parameter', f'value_in_trial_{here} [nearby]', *(name for name, _ in columns)]),
    ]
    for index, name in enumerate(options.names):
        value = _value(tried[index], space.low[index], space.high[index], options.digits)
        lines.append(' '.join([name, value, *(_signed(found[index]) for _, found in columns)]))
    return lines


def pairs_text(
    history: Sequence[ExecutionTrace],
    objective: Objective,
    best: int | None,
    space: ParameterSpace,
    options: SasOptions,
) -> list[str]:
    """The neighbours of the best trial beside it, a difference a line: what was measured there, unsmoothed."""
    if best is None or history[best].landing is None:
        return []
    there = history[best]
    lines: list[str] = []
    for position in neighbours(history, best, space)[1:]:
        trace = history[position]
        pairs = zip(options.names, trace.parameters.attenuation, there.parameters.attenuation, strict=True)
        changes = [(name, one - other) for name, one, other in pairs if abs(one - other) >= SAME]
        if trace.outcome not in FLOWN or trace.landing is None or not 0 < len(changes) <= MOST_CHANGES:
            continue
        if len(lines) == MOST_PAIRS:
            break
        changed = ', '.join(f'{name} {gap:+.3f}' for name, gap in changes)
        lines.append(f'{trial_number(history, position)}: {changed}: {_difference(trace, there, objective)}')
    if not lines:
        return []
    return [
        f'Beside trial {trial_number(history, best)}, trials that differ from it in few parameters (where they and the '
        'regression disagree, believe them):',
        *lines,
    ]


def _difference(one: ExecutionTrace, other: ExecutionTrace, objective: Objective) -> str:
    """By how much two trials differ in the landing, and in the heights that the objective is about."""
    assert one.landing is not None
    assert other.landing is not None
    parts = [f'x {one.landing.x - other.landing.x:+.3f}', f'y {one.landing.y - other.landing.y:+.3f}']
    for name in ('peak_height', 'net_clearance'):
        a, b = getattr(one, name), getattr(other, name)
        counts = objective.goal is None or getattr(objective.goal, name) is not None
        if counts and a is not None and b is not None:
            parts.append(f'{name} {a - b:+.3f}')
    return ', '.join(parts)


def repetitions_text(history: Sequence[ExecutionTrace]) -> list[str]:
    """Means and spreads of parameters that were tried more than once."""
    lines = []
    for group in repetitions(history)[-MOST_REPETITIONS:]:
        numbers = ', '.join(str(trial_number(history, position)) for position in group.positions[-6:])
        (x, y), (sx, sy) = group.mean, group.spread
        missed = f'; {group.tries - len(group.positions)} did not land' * (group.tries > len(group.positions))
        lines.append(
            f'Same parameters in {len(group.positions)} landed trials ({numbers}): mean x {x:+.3f} ±{sx:.3f}, '
            f'y {y:.3f} ±{sy:.3f}{missed}.'
        )
    return lines


def last_reply(proposal: Proposal, names: Sequence[str]) -> Reply | None:
    """What the language model wrote for a proposal; None where it was not a language model that made it."""
    if proposal.fallback or not proposal.exchanges:
        return None
    try:
        return parse_reply(proposal.exchanges[-1].reply, names)
    except ReplyError:
        return None


def feedback_text(
    history: Sequence[ExecutionTrace],
    earlier: Sequence[Proposal],
    objective: Objective,
    space: ParameterSpace,
    names: Sequence[str],
) -> list[str]:
    """The model's last expectations beside the landings, what was kept from the arm and why, and the model's last
    claims beside the regression.
    """
    first = len(history) - len(earlier)
    made = [
        (first + i, proposal, reply)
        for i, proposal in enumerate(earlier)
        if first + i >= 0 and (reply := last_reply(proposal, names)) is not None
    ]
    lines = []
    for position, proposal, reply in made[-MOST_EXPECTATIONS:]:
        if proposal.verdict:
            told = proposal.verdict[:LONGEST_TOLD] + ' ...' * (len(proposal.verdict) > LONGEST_TOLD)
            lines.append(f'Your proposal for trial {trial_number(history, position)}: {told}.')
        tried = zip(proposal.attenuation, reply.parameters, strict=True)
        if reply.expected is None or any(abs(one - other) > SAME for one, other in tried):
            continue
        x, y = reply.expected
        landing = history[position].landing if history[position].landed else None
        what = (
            f'it landed at ({landing.x:+.3f}, {landing.y:.3f}), off by x {landing.x - x:+.3f} '
            f'and y {landing.y - y:+.3f}'
            if landing is not None
            else f'outcome: {history[position].outcome}'
        )
        lines.append(
            f'For trial {trial_number(history, position)} you expected a landing at ({x:+.3f}, {y:.3f}): {what}.'
        )
    lines += [sentence for proposal in earlier for sentence in proposal.rejected][-MOST_EXPECTATIONS:]
    if made and (text := judge_analysis(made[-1][2].analysis, names, history, objective, space).feedback):
        lines.append(text)
    return lines
