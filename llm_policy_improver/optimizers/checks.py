"""What every proposal must pass before it reaches the arm: small independent rules with names and reasons.

A proposal that misses a bound by at most `OVERSHOOT` of that parameter's range is read as "up to the
bound" and clipped, with a note (1.41 becomes 1.40 within 0.6 to 1.4). One that misses it by more is
refused: whoever proposes 2.0 or 1e9 has lost the scale, and clipping would hide that.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.parameters import JOINTS, LETTERS, ParameterSpace
from llm_policy_improver.trace import ExecutionTrace, Outcome

OVERSHOOT: Final = 0.05
"""Share of a parameter's range by which a proposal may miss its bounds and still be clipped."""

REPEAT: Final = 0.005
"""Two attenuations closer than this share of the range in every parameter are the same trial."""

UNTRIED: Final = frozenset({Outcome.ABORTED, Outcome.BAD_FEED})
"""Outcomes that tested nothing, so that the same parameters may be tried again."""

Rule = Callable[[Sequence[float], Sequence[ExecutionTrace], ParameterSpace], str]
"""Why the attenuation is refused, in one sentence; empty where the rule has nothing against it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule did: refused the proposal, or only changed it.

    Attributes:
        rule: the rule's name.
        reason: one sentence.
        refused: whether the proposal must not be used.
    """

    rule: str
    reason: str
    refused: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rules' judgement of one proposal.

    Attributes:
        attenuation: (8,) what may be published; the neutral one is never put in place of a refused one,
            so this is empty where the proposal was refused.
        findings: what the rules had to say, in the order of the rules; empty where all was well.
    """

    attenuation: tuple[float, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the attenuation may be published."""
        return not any(finding.refused for finding in self.findings)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The findings as sentences."""
        return tuple(finding.reason for finding in self.findings)

    def __str__(self) -> str:
        if not self.findings:
            return 'accepted'
        named = '; '.join(f'{finding.rule}: {finding.reason}' for finding in self.findings)
        return f'accepted ({named})' if self.accepted else f'refused ({named})'


def _label(index: int) -> str:
    return f'{LETTERS[index]} ({JOINTS[index]})'


def count(attenuation: Sequence[float], history: Sequence[ExecutionTrace], space: ParameterSpace) -> str:
    """One number a joint."""
    if len(attenuation) == space.dimension:
        return ''
    names = f'{LETTERS[0]} to {LETTERS[space.dimension - 1]}'
    return f'{space.dimension} parameters are needed, {names}, and {len(attenuation)} were given'


def finite(attenuation: Sequence[float], history: Sequence[ExecutionTrace], space: ParameterSpace) -> str:
    """Numbers only, none infinite or undefined."""
    wrong = [f'{_label(i)} is {value}' for i, value in enumerate(attenuation) if not math.isfinite(value)]
    return f'every parameter must be a finite number: {", ".join(wrong)}' if wrong else ''


def bounds(attenuation: Sequence[float], history: Sequence[ExecutionTrace], space: ParameterSpace) -> str:
    """Not further outside of the bounds than what is clipped."""
    wrong = []
    for i, (value, low, high) in enumerate(zip(attenuation, space.low, space.high, strict=True)):
        margin = OVERSHOOT * (high - low)
        if not low - margin <= value <= high + margin:
            wrong.append(f'{_label(i)} is {value:g} and must be {low:g} to {high:g}')
    return f'out of bounds: {", ".join(wrong)}' if wrong else ''


def repeat(attenuation: Sequence[float], history: Sequence[ExecutionTrace], space: ParameterSpace) -> str:
    """Not what was tried before: the same parameters teach nothing new."""
    limits = [REPEAT * (high - low) for low, high in zip(space.low, space.high, strict=True)]
    for number, trace in enumerate(history, start=1):
        if trace.outcome in UNTRIED:
            continue
        gaps = (abs(v - w) for v, w in zip(attenuation, trace.parameters.attenuation, strict=True))
        if all(gap <= limit for gap, limit in zip(gaps, limits, strict=True)):
            tried = trace.trial or number
            return f'these parameters are those of trial {tried} again; change at least one of them'
    return ''


RULES: Final[tuple[Rule, ...]] = (count, finite, bounds, repeat)
"""In this order; the first refusal ends the examination, as the later rules rely on the earlier ones."""


def _numbers(attenuation: Sequence[float]) -> tuple[float, ...]:
    numbers = []
    for value in attenuation:
        try:
            numbers.append(float(value))
        except (TypeError, ValueError, OverflowError):
            numbers.append(math.nan)
    return tuple(numbers)


def check(attenuation: Sequence[float], history: Sequence[ExecutionTrace], space: ParameterSpace) -> Verdict:
    """Judge a proposed attenuation (8,) by `RULES`; never raises, whatever the numbers are.

    Args:
        attenuation: what was proposed, in the order of `parameters.JOINTS`.
        history: all trials so far, oldest first.
        space: the bounds.
    """
    numbers = _numbers(attenuation)
    clipped = False
    for rule in RULES:
        if rule is repeat:
            # Judged on what would really be tried.
            inside = space.clip(numbers)
            clipped, asked, numbers = inside != numbers, numbers, inside
        if reason := rule(numbers, history, space):
            return Verdict((), (Finding(rule.__name__, reason, refused=True),))
    if not clipped:
        return Verdict(numbers)
    moved = [
        f'{_label(i)} {before:g} to {after:g}'
        for i, (before, after) in enumerate(zip(asked, numbers, strict=True))
        if before != after
    ]
    return Verdict(numbers, (Finding('bounds', f'clipped to its bound: {", ".join(moved)}', refused=False),))
