"""The trials as a table in a prompt: selected, rounded, and with what can be computed computed."""

from collections.abc import Sequence
from dataclasses import dataclass

from llm_policy_improver.objective import Objective
from llm_policy_improver.optimizers.landing_model import Effect, LandingModel, TooFewTrialsError
from llm_policy_improver.parameters import LETTERS, ParameterSpace
from llm_policy_improver.trace import ExecutionTrace


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How the trials are shown.

    Attributes:
        most: trials shown all together; where there are more, a selection is shown.
        best: of the selection, those nearest to the objective.
        recent: of the selection, the latest.
        digits: decimals of the parameters; lengths always have three: millimetres.
        distances: whether the distance to the objective is computed.
        effects: whether the effects of the parameters are computed.
    """

    most: int = 60
    best: int = 20
    recent: int = 20
    digits: int = 3
    distances: bool = True
    effects: bool = True


def select(history: Sequence[ExecutionTrace], objective: Objective, options: TableOptions) -> list[int]:
    """Positions in ``history`` of the trials to show, ascending: all, or the best and the most recent."""
    if len(history) <= options.most:
        return list(range(len(history)))
    ranked = [
        (distance, position)
        for position, trace in enumerate(history)
        if (distance := objective.distance(trace)) is not None
    ]
    best = {position for _, position in sorted(ranked)[: options.best]}
    recent = range(len(history) - min(options.recent, len(history)), len(history))
    return sorted(best.union(recent))


def _number(history: Sequence[ExecutionTrace], position: int) -> int:
    return history[position].trial or position + 1


def _metres(value: float | None) -> str:
    return '-' if value is None else f'{value:.3f}'


def _row(number: int, trace: ExecutionTrace, objective: Objective, options: TableOptions) -> str:
    landing = trace.landing if trace.landed else None
    cells = [
        str(number),
        *(f'{value:.{options.digits}f}' for value in trace.parameters.attenuation),
        str(trace.outcome),
        _metres(landing.x if landing else None),
        _metres(landing.y if landing else None),
        _metres(trace.net_clearance),
        _metres(trace.peak_height),
    ]
    if options.distances and objective.goal is not None:
        cells.append(_metres(objective.distance(trace)))
    return f'| {" | ".join(cells)} |'


def _signed(effect: Effect) -> str:
    return f'{effect.metres:+.3f} ±{effect.error:.3f}'


def _effects(history: Sequence[ExecutionTrace], space: ParameterSpace) -> list[str]:
    try:
        model = LandingModel.fit(history, space)
    except TooFewTrialsError:
        return []
    sideways, depth = model.effects('x'), model.effects('y')
    lines = [
        'Computed effect of raising one parameter by 0.10, from a linear regression over all landed trials, '
        'in metres ± standard error (not clear where the error is as large as half the effect):',
        '',
        '| parameter | x | y |',
        '|---|---|---|',
    ]
    rows = zip(LETTERS, sideways, depth, strict=True)
    return lines + [f'| {letter} | {_signed(x)} | {_signed(y)} |' for letter, x, y in rows]


def trial_table(
    history: Sequence[ExecutionTrace], objective: Objective, space: ParameterSpace, options: TableOptions
) -> str:
    """The trials for a prompt: the table, oldest first, then what was computed from all of them.

    New trials only add rows at the end, so that the part before stays the same from prompt to prompt.

    Args:
        history: all trials, oldest first; those not stored are numbered by their place in it, from 1.
        objective: what distances are measured to, where it has a goal.
        space: the bounds.
        options: what to show.
    """
    if not history:
        return 'There are none yet: start near the unchanged controller, all parameters at 1.00.'
    measured = options.distances and objective.goal is not None
    header = ['trial', *LETTERS, 'outcome', 'x', 'y', 'net_clearance', 'peak_height']
    header += ['distance'] if measured else []
    shown = select(history, objective, options)
    lines = [f'| {" | ".join(header)} |', f'|{"---|" * len(header)}']
    lines += [_row(_number(history, position), history[position], objective, options) for position in shown]
    landed = sum(trace.landed for trace in history)
    lines += ['', f"{landed} of {len(history)} trials landed on the opponent's half."]
    if (left_out := len(history) - len(shown)) > 0:
        chosen = 'those nearest to the objective and the most recent' if measured else 'the most recent'
        lines[-1] += f' {left_out} trials are left out of the table, which shows {chosen}.'
    best = objective.best(history) if measured else None
    if best is not None:
        number = _number(history, next(i for i, trace in enumerate(history) if trace is best))
        lines[-1] += f' Nearest to the objective: trial {number}, distance {objective.distance(best):.3f} m.'
    if options.effects:
        lines += ['', *_effects(history, space)]
    return '\n'.join(lines).rstrip()
