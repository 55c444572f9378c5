"""What programs found on the way from an answer to a published policy, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule did: refused a proposal, changed it, or only remarked on it.

    Attributes:
        rule: the rule's name.
        reason: one clause, for people and models.
        refused: whether the proposal must not be used.
        changed: whether it is another one since.
    """

    rule: str
    reason: str
    refused: bool = False
    changed: bool = False

    def __str__(self) -> str:
        return f'{self.rule}: {self.reason}'


class Agreement(StrEnum):
    """How a claimed effect compares with the trials."""

    AGREES = 'agrees'
    CONTRADICTED = 'contradicted'
    UNDECIDED = 'undecided'
    """Too few trials to tell."""


@dataclass(frozen=True, slots=True)
class ClaimedEffect:
    """An effect that a language model claimed, beside the one that the trials show.

    Attributes:
        parameter: name of the one that is raised.
        measure: name of the measure that is moved.
        sign: +1 or -1 as the measure grows or shrinks; 0 for hardly at all.
        agreement: with the trials.
        effect, error: change of the measure for a tenth of the unit of the parameter, as the trials show it, and its
            standard error; None where too few trials tell.
    """

    parameter: str
    measure: str
    sign: int
    agreement: Agreement
    effect: float | None = None
    error: float | None = None


class Failure(StrEnum):
    """Why a method gave nothing that could be published."""

    UNUSABLE = 'unusable'
    """It said itself that nothing usable came out, e.g. no reply of a language model could be read."""
    ERROR = 'error'
    """It raised what it must not."""
    REFUSED = 'refused'
    """The checks refused what it proposed."""
    KEPT_BACK = 'kept_back'
    """A gate kept it from the arm."""
    RESTING = 'resting'
    """A language model failed several times in a row, and is not asked for some steps."""
    MISREAD = 'misread'
    """It says that the person's words were misread."""


@dataclass(frozen=True, slots=True)
class Vain:
    """A method that was asked in vain.

    Attributes:
        method: its name.
        failure: of which kind.
        detail: what it, or who kept its proposal back, said; one clause.
    """

    method: str
    failure: Failure
    detail: str = ''

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {'method': self.method, 'failure': self.failure.value, 'detail': self.detail}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> 'Vain':
        """Of what `as_json` gave."""
        return cls(data['method'], Failure(data['failure']), data['detail'])

    def __str__(self) -> str:
        said = {
            Failure.UNUSABLE: 'gave no usable proposal',
            Failure.ERROR: 'failed',
            Failure.REFUSED: 'was refused by the checks',
            Failure.KEPT_BACK: 'was kept from the arm',
            Failure.RESTING: 'rests after failures in a row',
            Failure.MISREAD: 'says that the words were misread',
        }[self.failure]
        return f'{self.method} {said}' + f' ({self.detail})' * bool(self.detail)
