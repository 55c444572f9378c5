"""What a rule about proposals is, and the rules that hold for every method.

A rule is one small function with a name: it has nothing against a proposal, changes it, or refuses it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial

OVERSHOOT: Final = 0.05
"""Share of a parameter's range by which a proposal may miss its bounds and still be clipped."""

REPEATS: Final = 2
"""How often the same policy may be tried again where the outcome is known to vary."""


def repeats_allowed(noise: float) -> int:
    """How often the same policy may be tried again, from the spread of the measures where it is known, else 0."""
    return REPEATS if noise else 0


@dataclass(frozen=True, slots=True)
class Case:
    """What a proposal is judged by.

    Attributes:
        history: all trials so far, oldest first.
        space: the bounds.
        objective: what the person asked; None where it does not matter to the rules applied.
        repeats_allowed: how often the same parameters may be tried again.
        names: (n,) what the parameters are called.
        noise: standard deviation of the measures of repeated trials, in their unit; 0: none is known.
        measures: whose ranges decide whether a trial succeeds.
    """

    history: Sequence[Trial]
    space: ParameterSpace
    objective: Objective | None = None
    repeats_allowed: int = 0
    names: Sequence[str] = ()
    noise: float = 0.0
    measures: Sequence[Measure] = ()

    def label(self, index: int) -> str:
        """A parameter's name and meaning, for people and models."""
        return f'{self.names[index]} ({self.space.parameters[index].meaning})'

    def number(self, trial: Trial) -> int:
        """The trial's number, for people."""
        return trial.number or next(i for i, other in enumerate(self.history, start=1) if other is trial)

    @property
    def tried(self) -> list[Trial]:
        """The trials that tested something."""
        return [trial for trial in self.history if trial.tested]

    @property
    def best(self) -> Trial | None:
        """The trial nearest to the goal; None where none can be ranked."""
        return None if self.objective is None else self.objective.best(self.history)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a rule has against a proposal: the reason, and what to try in its place; None refuses it."""

    reason: str
    instead: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, what it demands in one sentence, and the function that judges by it."""

    name: str
    demands: str
    judge: Callable[[tuple[float, ...], Case], Ruling | None]


def _count(values: tuple[float, ...], case: Case) -> Ruling | None:
    if len(values) == case.space.dimension:
        return None
    names = f'{case.names[0]} to {case.names[case.space.dimension - 1]}'
    return Ruling(f'{case.space.dimension} parameters are needed, {names}, and {len(values)} were given')


def _finite(values: tuple[float, ...], case: Case) -> Ruling | None:
    wrong = [f'{case.label(i)} is {value}' for i, value in enumerate(values) if not math.isfinite(value)]
    return Ruling(f'every parameter must be a finite number: {", ".join(wrong)}') if wrong else None


def _bounds(values: tuple[float, ...], case: Case) -> Ruling | None:
    # Whoever proposes 2.0 or 1e9 has lost the scale, and clipping would hide that.
    space = case.space
    wrong = []
    for i, (value, low, high) in enumerate(zip(values, space.low, space.high, strict=True)):
        margin = OVERSHOOT * (high - low)
        if not low - margin <= value <= high + margin:
            wrong.append(f'{case.label(i)} is {value:g} and must be {low:g} to {high:g}')
    if wrong:
        return Ruling(f'out of bounds: {", ".join(wrong)}')
    inside = space.clip(values)
    moved = [
        f'{case.label(i)} {before:g} to {after:g}'
        for i, (before, after) in enumerate(zip(values, inside, strict=True))
        if before != after
    ]
    return Ruling(f'clipped to its bound: {", ".join(moved)}', inside) if moved else None


def _repeat(values: tuple[float, ...], case: Case) -> Ruling | None:
    limits = [parameter.same_within for parameter in case.space.parameters]
    same = [
        trial
        for trial in case.tried
        if all(
            abs(value - other) <= limit
            for value, other, limit in zip(values, case.space.values(trial), limits, strict=True)
        )
    ]
    if len(same) <= case.repeats_allowed:
        return None
    times = '' if case.repeats_allowed == 0 else f', which were tried {len(same)} times already'
    return Ruling(
        f'these parameters are those of trial {case.number(same[0])} again{times}; change at least one of them'
    )


COUNT: Final = Rule('count', 'There must be one number a parameter.', _count)
FINITE: Final = Rule('finite', 'No number may be infinite or undefined.', _finite)
BOUNDS: Final = Rule(
    'bounds',
    f'A number beyond its bound by at most {OVERSHOOT:.0%} of the range is clipped; further out it is refused.',
    _bounds,
)
REPEAT: Final = Rule('repeat', 'What was tried already teaches nothing new and is refused.', _repeat)
