"""What is tried in the place of what a gate kept from the arm: the same, brought nearer to what is known.

A language model is told the reason instead, and a program has nothing between it and another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from llm_policy_improver.core.method import INITIAL
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.checks import check

PULLS: Final = 3
"""How often it is brought half the way nearer: a first trial to the neutral policy, a proposal to the best trial."""


def first_proposals(wanted: tuple[float, ...], space: ParameterSpace) -> Iterator[Proposal]:
    """A first trial with these values (n,), and what is tried where it is kept back."""
    neutral = space.values(space.neutral)
    if wanted == neutral:
        yield Proposal(space.at(wanted), INITIAL, reason='The unchanged controller, to compare with.')
        return
    reason = 'One of the first trials, spread over the bounds to learn what the parameters do.'
    yield Proposal(space.at(wanted), INITIAL, reason=reason)
    for pull in range(1, PULLS + 1):
        share = 0.5**pull
        pairs = zip(neutral, wanted, strict=True)
        values = tuple(base + share * (value - base) for base, value in pairs)
        nearer = f' Brought to {share:.0%} of its way from the unchanged controller.'
        yield Proposal(space.at(values), INITIAL, reason=reason + nearer)


def nearer_proposals(
    asked: Proposal,
    known: Trial,
    space: ParameterSpace | ProgramSpace,
    history: Sequence[Trial],
    objective: Objective,
    repeats_allowed: int,
) -> Iterator[Proposal]:
    """A proposal brought nearer and nearer to what is known, as long as that may be tried."""
    if isinstance(space, ProgramSpace):
        return
    for pull in range(1, PULLS + 1):
        share = 0.5**pull
        pairs = zip(space.values(known), space.values(asked), strict=True)
        nearer = space.rounded(base + share * (value - base) for base, value in pairs)
        checked = check(nearer, history, space, objective, repeats_allowed=repeats_allowed)
        if not checked.accepted:
            return
        reason = (
            f'{asked.reason} Brought to {share:.0%} of its way from trial {known.number}, '
            'as it was kept from the arm.'
        )
        yield replace(asked.at(space.at(checked.values)), expected={}, reason=reason)
