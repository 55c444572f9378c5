"""What a language model must know of the table and the parameters, made from `table` and the parameter space."""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.objective import Goal, Objective
from llm_policy_improver.core.parameters import JOINTS, ParameterSpace
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.methods.numeric.landing_search import BEHIND_NET, EDGE, OVER_NET
from llm_policy_improver.table_tennis.ball import table

REACHED: Final = 0.01
"""m beyond the least distance that the margins leave, within which an objective counts as reached."""


def domain_text() -> str:
    """The table, its frame, and the words for places on it."""
    text = prompt('llm_policy_improver.table_tennis', 'brief').substitute(
        half_width=f'{table.HALF_WIDTH:g}',
        half_length=f'{table.HALF_LENGTH:g}',
        middle=f'{table.HALF_LENGTH / 2:.2f}',
        net_height=f'{table.NET_HEIGHT:g}',
    )
    return text.strip()


def parameters_text(space: ParameterSpace, names: Sequence[str]) -> str:
    """A line a parameter: name, joint, bounds."""
    kinds = {True: 'linear axis', False: 'rotary axis'}
    rows = zip(names, JOINTS, space.low, space.high, strict=True)
    return '\n'.join(
        f'- {name} ({joint}, {kinds[joint.startswith("slide")]}): {low:.2f} to {high:.2f}'
        for name, joint, low, high in rows
    )


def with_margins(goal: Goal) -> Goal:
    """The nearest values to the goal that keep all planned margins from edges and net."""
    x = None if goal.x is None else min(max(goal.x, -table.HALF_WIDTH + EDGE), table.HALF_WIDTH - EDGE)
    y = None if goal.y is None else min(max(goal.y, BEHIND_NET), table.HALF_LENGTH - EDGE)
    clearance = None if goal.net_clearance is None else max(goal.net_clearance, OVER_NET)
    return Goal(x, y, goal.peak_height, clearance)


def reached_within(goal: Goal, noise: float) -> float:
    """m, the distance from which on a goal counts as reached: what the margins leave, and a little."""
    aim = with_margins(goal)
    left = goal.distance(aim.x or 0.0, aim.y or 0.0, aim.peak_height, aim.net_clearance)
    return left + max(REACHED, noise)


def metric_text(objective: Objective, noise: float, distances: bool = True) -> str:
    """How the objective is measured, and from which distance on it is reached, where distances are told."""
    if objective.goal is None:
        return 'No program can measure this: judge by the numbers which trial fulfils it best.'
    aim = with_margins(objective.goal)
    named = [
        f'{name} {value:.2f}'
        for name in ('x', 'y', 'peak_height', 'net_clearance')
        if (value := getattr(aim, name)) is not None
    ]
    reached = reached_within(objective.goal, noise)
    return (
        f'Measured as: {objective.metric}. Smaller is better; it may be out of reach. The aim, with the margins '
        f'kept: {", ".join(named)}.'
        + f' A distance of {reached:.3f} m or less counts as reached.'
        * distances
    )
