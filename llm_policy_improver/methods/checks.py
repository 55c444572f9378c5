"""What every proposal must pass before it reaches the arm: rules in their order, and their verdict for people.

A rule has nothing to say, changes the proposal, or refuses it; the person reads which rule did what and why.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.parameters import LETTERS, ParameterSpace
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.methods.rules import BOUNDS, COUNT, FINITE, REPEAT, UNTRIED, Case, Rule
from llm_policy_improver.methods.sas.model_rules import OSCILLATION, TRUST_REGION

__all__ = ['MODEL_RULES', 'RULES', 'UNTRIED', 'Finding', 'Verdict', 'check']


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

    def __str__(self) -> str:
        return f'{self.rule}: {self.reason}'


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

    @property
    def changes(self) -> tuple[str, ...]:
        """What rules changed in the proposal, as sentences with the rules' names."""
        return tuple(str(finding) for finding in self.findings if not finding.refused)

    def __str__(self) -> str:
        if not self.findings:
            return 'accepted'
        named = '; '.join(str(finding) for finding in self.findings)
        return f'accepted ({named})' if self.accepted else f'refused ({named})'


RULES: Final[tuple[Rule, ...]] = (COUNT, FINITE, BOUNDS, REPEAT)
"""For every optimizer. The first refusal ends the examination, as the later rules rely on the earlier ones."""

MODEL_RULES: Final[tuple[Rule, ...]] = (COUNT, FINITE, BOUNDS, REPEAT, TRUST_REGION, OSCILLATION, REPEAT)
"""For language models. What was answered is judged for repetition, and again what would really be tried."""


def _numbers(attenuation: Sequence[float]) -> tuple[float, ...]:
    numbers = []
    for value in attenuation:
        try:
            numbers.append(float(value))
        except (TypeError, ValueError, OverflowError):
            numbers.append(math.nan)
    return tuple(numbers)


def check(
    attenuation: Sequence[float],
    history: Sequence[ExecutionTrace],
    space: ParameterSpace,
    objective: Objective | None = None,
    *,
    rules: Sequence[Rule] = RULES,
    repeats_allowed: int = 0,
    names: Sequence[str] = LETTERS,
) -> Verdict:
    """Judge a proposed attenuation (8,); never raises, whatever the numbers are.

    Args:
        attenuation: what was proposed, in the order of `core.parameters.JOINTS`.
        history: all trials so far, oldest first.
        space: the bounds.
        objective: what the person asked; without it, or without a measure, no trust region applies.
        rules: applied in their order, each to what the one before left.
        repeats_allowed: how often the same parameters may be tried again: more than 0 where trials are noisy.
        names: (8,) what the parameters are called.
    """
    case = Case(history, space, objective, repeats_allowed, names)
    numbers = _numbers(attenuation)
    findings: list[Finding] = []
    for rule in rules:
        ruling = rule.judge(numbers, case)
        if ruling is None:
            continue
        findings.append(Finding(rule.name, ruling.reason, refused=ruling.instead is None))
        if ruling.instead is None:
            return Verdict((), tuple(findings))
        numbers = ruling.instead
    return Verdict(numbers, tuple(findings))
