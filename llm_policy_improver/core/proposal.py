"""A policy to try next, with the reasons for it and the record of what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.finding import ClaimedEffect, Finding, Vain
from llm_policy_improver.core.policy import Parameters, Policy, require_parameters
from llm_policy_improver.core.space import Carrier, policy_of


class Published(Carrier, Protocol):
    """What has a policy and knows who proposed it: a trial, a step, a proposal."""

    @property
    def proposed_by(self) -> str:
        """Name of the method, or of the person."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A policy to try next.

    Attributes:
        policy: as the method proposes it, not yet checked by the loop.
        proposed_by: name of the method that made it.
        summary, analysis, synthesis: the three steps of SAS-Prompt, in the proposer's own words.
        reason: one sentence for the person: why this policy.
        nearest: number of the trial that the proposer thinks fulfils the objective best so far; 0 if it names
            none. It ranks the trials where the objective has no measure.
        expected: the measures that the proposer expects of this policy, by name; empty where it says nothing.
        findings: what the proposer's own checks found in what was answered.
        claims: the effects that a language model claimed, beside those that the trials show.
        exchanges: the requests to a language model made for it, in order.
        instead_of: the methods that were asked before in vain; empty where the one asked first made it.
        kept_back: what was proposed before it for the same trial and did not reach the arm; written by the loop.
        memos: what the method will want to know again, by names of its own; it is handed back with the proposal.
    """

    policy: Policy
    proposed_by: str
    summary: str = ''
    analysis: str = ''
    synthesis: str = ''
    reason: str = ''
    nearest: int = 0
    expected: Mapping[str, float] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    claims: tuple[ClaimedEffect, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    instead_of: tuple[Vain, ...] = ()
    kept_back: 'tuple[KeptBack, ...]' = ()
    memos: Mapping[str, str] = field(default_factory=dict)

    @property
    def parameters(self) -> Parameters:
        """The policy, where it is numbers.

        Raises:
            ParameterError: it is a program.
        """
        return require_parameters(self.policy)

    @classmethod
    def again(cls, once: Published) -> 'Proposal':
        """What was published once, to be published again: the policy and who proposed it, without the words."""
        return cls(once.policy, once.proposed_by)

    def at(self, place: Policy | Carrier) -> 'Proposal':
        """The same words with another policy."""
        return replace(self, policy=policy_of(place))

    def same_as(self, other: Carrier) -> bool:
        """Whether the policy is the same."""
        return self.policy == other.policy

    def __str__(self) -> str:
        return str(self.policy)


@dataclass(frozen=True, slots=True)
class KeptBack:
    """A proposal that did not reach the arm.

    Attributes:
        proposal: with the policy that was judged.
        by: the gate, or the person, that kept it back.
        person: whether that was a person.
        reason: one clause.
    """

    proposal: Proposal
    by: str
    person: bool
    reason: str
