"""What the numeric proposer did, in words: the same three steps a language model is asked for."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.parameters import JOINTS, LETTERS
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.methods.numeric.landing_model import Effect, LandingModel

DIRECTIONS: Final = {
    'x': ('right', 'left'),
    'y': ('further', 'shorter'),
    'peak_height': ('higher', 'lower'),
    'net_clearance': ('further above the net', 'closer to the net'),
}
"""Words for more and for less of a quantity."""


def label(index: int) -> str:
    """A parameter's letter and joint: ``'g (axis_5)'``."""
    return f'{LETTERS[index]} ({JOINTS[index]})'


def _trial(trace: ExecutionTrace, history: Sequence[ExecutionTrace]) -> str:
    position = next(number for number, other in enumerate(history, start=1) if other is trace)
    return f'trial {trace.trial or position}'


def no_return(history: Sequence[ExecutionTrace]) -> str:
    """The outcomes of trials of which none landed."""
    outcomes = Counter(str(trace.outcome) for trace in history)
    listed = ', '.join(f'{count} {outcome}' for outcome, count in outcomes.most_common())
    return f"{len(history)} trials, none landed on the opponent's half: {listed or 'none yet'}."


def summary(history: Sequence[ExecutionTrace], objective: Objective, top: int = 3) -> str:
    """How many landed, and the trials nearest to the goal."""
    ranked = [(distance, trace) for trace in history if (distance := objective.distance(trace)) is not None]
    ranked.sort(key=lambda pair: pair[0])
    landed = sum(trace.landed for trace in history)
    nearest = ', '.join(
        f'{_trial(trace, history)} at ({trace.landing.x:.2f}, {trace.landing.y:.2f}) m '
        f'with {distance:.3f} m left'
        for distance, trace in ranked[:top]
        if trace.landing is not None
    )
    return f'{landed} of {len(history)} trials landed. Nearest to the goal: {nearest}.'


def _moves(effects: Sequence[Effect], more: str, less: str, top: int = 3) -> str:
    clear = sorted((effect for effect in effects if effect.clear), key=lambda effect: -abs(effect.metres))
    return ', '.join(
        f'{label(effect.index)} {abs(effect.metres):.2f} m {more if effect.metres > 0 else less}'
        for effect in clear[:top]
    )


def analysis(model: LandingModel) -> str:
    """Which parameters move the landing where."""
    parts = []
    for quantity, what in (
        ('x', 'moves the landing'),
        ('y', 'makes it land'),
        ('peak_height', 'sends the arc'),
    ):
        moves = _moves(model.effects(quantity), *DIRECTIONS[quantity])
        if moves:
            parts.append(f'raising by 0.10 {what}: {moves}')
    kind = 'quadratic' if any(model.fits[name].curvature for name in ('x', 'y')) else 'linear'
    fit = (
        f'Regression ({kind}) of {model.fits["x"].samples} landings, left-out error '
        f'{model.fits["x"].error:.3f} m sideways and {model.fits["y"].error:.3f} m in depth'
    )
    return f'{fit}: {"; ".join(parts)}.' if parts else f'{fit}: no single parameter has a clear effect yet.'


def synthesis(
    model: LandingModel,
    objective: Objective,
    best: ExecutionTrace,
    attenuation: Sequence[float],
    radius: float,
    explored: bool,
) -> tuple[str, str]:
    """What was changed from the best trial and what is expected: in full, and as one sentence.

    Args:
        model: what the expectation comes from.
        objective: with a goal.
        best: the trial the step starts from.
        attenuation: (8,) the proposal.
        radius: of the trust region, 1 = half of each parameter's range.
        explored: whether the step was random because the best prediction had been tried already.
    """
    before = best.parameters.attenuation
    changes = sorted(
        (
            (index, new - old)
            for index, (old, new) in enumerate(zip(before, attenuation, strict=True))
            if new != old
        ),
        key=lambda change: -abs(change[1]),
    )
    listed = [f'{label(i)} {before[i]:.2f} to {attenuation[i]:.2f}' for i, _ in changes]
    predicted = model.predict(attenuation)
    expected = f'landing at ({predicted["x"]:.2f}, {predicted["y"]:.2f}) m'
    left = ''
    if objective.goal is not None:
        gap = objective.goal.distance(
            predicted['x'], predicted['y'], predicted.get('peak_height'), predicted.get('net_clearance')
        )
        left = f', {gap:.2f} m from the goal instead of {objective.distance(best) or 0.0:.2f} m'
    at_bound = [
        label(i)
        for i, value in enumerate(attenuation)
        if min(value - model.space.low[i], model.space.high[i] - value) < 1e-6
    ]
    full = (
        f'From the best trial: {", ".join(listed)}; steps up to {min(100 * radius / 2, 100):.0f} % '
        f'of each range. Expected: {expected}{left}.'
    )
    if at_bound:
        full += f' At the bound: {", ".join(at_bound)}.'
    why = (
        'Explores beside the best trial, as the best prediction was tried before'
        if explored
        else 'Changes mostly'
    )
    reason = f'{why}{":" if explored else ""} {", ".join(listed[:3])}; expects a {expected}{left}.'
    return full, reason
