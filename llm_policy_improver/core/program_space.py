"""The programs that may be proposed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_policy_improver.core.policy import ParameterError, Policy, Program
from llm_policy_improver.core.space import Carrier, policy_of


@dataclass(frozen=True, slots=True)
class ProgramSpace:
    """All programs with an entry point, up to a length.

    Attributes:
        entry: name of the class or function that acts.
        longest: characters of a source.
    """

    entry: str = 'Policy'
    longest: int = 20_000

    @property
    def labels(self) -> Mapping[str, str]:
        """None: a program has no parameters."""
        return {}

    @property
    def neutral(self) -> None:
        """None: no program changes nothing."""
        return

    def of(self, source: str) -> Program:
        """The program with this source."""
        return Program(source, self.entry)

    def kept(self, place: Policy | Carrier) -> Program:
        """The program there, as it may stay in force.

        Raises:
            ParameterError: numbers are there.
        """
        policy: Any = policy_of(place)
        if not isinstance(policy, Program):
            raise ParameterError(f'a program is needed here, and the policy has numbers: {policy}')
        return policy
