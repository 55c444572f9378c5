"""What every proposal must pass before it reaches the arm: rules in their order.

A rule has nothing to say, changes the proposal, or refuses it; the findings tell which rule did what and why.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from llm_policy_improver.core.finding import Finding
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters, Policy
from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.program_checks import check_program
from llm_policy_improver.methods.rules import BOUNDS, COUNT, FINITE, REPEAT, Case, Rule


@dataclass(frozen=True, slots=True)
class Verdict:
    """The rules' judgement of one proposal.

    Attributes:
        values: (n,) what may be published; the neutral values are never put in place of refused ones, so this is
            empty where the proposal was refused.
        findings: what the rules had to say, in the order of the rules; empty where all was well.
    """

    values: tuple[float, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the values may be published."""
        return not any(finding.refused for finding in self.findings)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The findings as sentences."""
        return tuple(finding.reason for finding in self.findings)

    def __str__(self) -> str:
        return verdict_text(self.accepted, self.findings)


def verdict_text(accepted: bool, findings: Sequence[Finding]) -> str:
    """A verdict for people: ``'accepted (bounds: clipped to its bound: h (axis_6) 1.41 to 1.4)'``."""
    decided = 'accepted' if accepted else 'refused'
    return f'{decided} ({"; ".join(map(str, findings))})' if findings else decided


RULES: Final[tuple[Rule, ...]] = (COUNT, FINITE, BOUNDS, REPEAT)
"""For every method. The first refusal ends the examination, as the later rules rely on the earlier ones."""


def _numbers(values: Sequence[Any]) -> tuple[float, ...]:
    numbers = []
    for value in values:
        try:
            numbers.append(float(value))
        except (TypeError, ValueError, OverflowError):
            numbers.append(math.nan)
    return tuple(numbers)


def check(
    values: Sequence[Any],
    history: Sequence[Trial],
    space: ParameterSpace,
    objective: Objective | None = None,
    *,
    rules: Sequence[Rule] = RULES,
    repeats_allowed: int = 0,
    names: Sequence[str] = (),
    noise: float = 0.0,
    measures: Sequence[Measure] = (),
) -> Verdict:
    """Judge proposed values (n,); never raises, whatever they are.

    Args:
        values: what was proposed, in the order of the space.
        history: all trials so far, oldest first.
        space: the bounds.
        objective: what the person asked; without it, or without a measure, no trust region applies.
        rules: applied in their order, each to what the one before left.
        repeats_allowed: how often the same policy may be tried again: more than 0 where trials are noisy.
        names: (n,) what the parameters are called where not by their names.
        noise: standard deviation of the measures of repeated trials, in their unit; 0: none is known.
        measures: whose ranges decide whether a trial succeeds.
    """
    case = Case(
        history, space, objective, repeats_allowed, tuple(names) or space.names, noise, tuple(measures)
    )
    numbers = _numbers(values)
    findings: list[Finding] = []
    for rule in rules:
        ruling = rule.judge(numbers, case)
        if ruling is None:
            continue
        refused = ruling.instead is None
        findings.append(Finding(rule.name, ruling.reason, refused=refused, changed=not refused))
        if ruling.instead is None:
            return Verdict((), tuple(findings))
        numbers = ruling.instead
    return Verdict(numbers, tuple(findings))


def check_policy(
    proposal: Proposal,
    history: Sequence[Trial],
    space: ParameterSpace | ProgramSpace,
    objective: Objective | None = None,
    *,
    repeats_allowed: int = 0,
) -> tuple[Policy | None, tuple[Finding, ...]]:
    """Judge a proposal by the rules that hold for every method: its policy must be one of this space.

    Returns:
        What may be published, None where nothing may, and what the rules had to say.
    """
    if isinstance(space, ProgramSpace):
        findings = check_program(proposal.policy, history, space, repeats_allowed)
        return None if findings else proposal.policy, findings
    verdict = _check_parameters(proposal, history, space, objective, repeats_allowed)
    return space.at(verdict.values) if verdict.accepted else None, verdict.findings


def _check_parameters(
    proposal: Proposal,
    history: Sequence[Trial],
    space: ParameterSpace,
    objective: Objective | None,
    repeats_allowed: int,
) -> Verdict:
    policy: Any = proposal.policy  # of a method that somebody else wrote
    if not isinstance(policy, Parameters) or policy.names != space.names:
        named = (
            (', '.join(policy.names) or 'none') if isinstance(policy, Parameters) else type(policy).__name__
        )
        why = f'a policy of the parameters {", ".join(space.names)} is needed; got {named}'
        return Verdict((), (Finding(COUNT.name, why, refused=True),))
    return check(policy.values, history, space, objective, repeats_allowed=repeats_allowed)
