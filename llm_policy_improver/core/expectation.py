"""What a method expects of a trial of its proposal, as it travels with it and is stored: among the proposal's memos."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.proposal import Proposal

FAILED_LOSS: Final = 1.0
"""Loss of a trial that does not succeed, in the unit of the objective: the width of half a table, about."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """Of one trial, in the unit of the objective; NaN where nothing is said.

    Attributes:
        loss: mean; a trial that fails counts as `FAILED_LOSS`.
        low, high: between which its distance lies, where it succeeds, in 8 of 10 cases.
        success: chance of it.
    """

    loss: float
    low: float = math.nan
    high: float = math.nan
    success: float = math.nan

    @classmethod
    def of(cls, proposal: Proposal | None) -> 'Expectation | None':
        """What came with a proposal; None where it says no loss."""
        memos: Mapping[str, str] = {} if proposal is None else proposal.memos
        try:
            loss, low, high, success = (
                float(memos.get(f'expected_{name}', 'nan')) for name in ('loss', 'low', 'high', 'success')
            )
        except ValueError:  # memos are the method's own: they may be anything
            return None
        return cls(loss, low, high, success) if math.isfinite(loss) else None

    def memos(self) -> dict[str, str]:
        """As it is stored with a proposal."""
        return {
            'expected_loss': f'{self.loss:.4f}',
            'expected_low': f'{self.low:.4f}',
            'expected_high': f'{self.high:.4f}',
            'expected_success': f'{self.success:.3f}',
        }

    @property
    def has_interval(self) -> bool:
        """Whether it says where the distance will lie."""
        return math.isfinite(self.low) and math.isfinite(self.high)
