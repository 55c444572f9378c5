"""What the episodes of a trial paid, and how well that tells what its program pays on average."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.trial import Trial


def episodes_of(trial: Trial) -> tuple[Episode, ...]:
    """Those that were played to their end; none where the time series of the trial are not at hand."""
    return tuple(trial.samples or ())


@dataclass(frozen=True, slots=True)
class Returns:
    """Attributes:
    values: (k,) return of each episode, in their order; at least one.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Of the returns."""
        return statistics.fmean(self.values)

    @property
    def standard_error(self) -> float | None:
        """Of the mean; None of a single episode, of which none can be told."""
        if len(self.values) < 2:
            return None
        return statistics.stdev(self.values) / math.sqrt(len(self.values))

    def __str__(self) -> str:
        error = '' if self.standard_error is None else f', standard error {self.standard_error:.3g}'
        return f'mean return {self.mean:.5g}{error} (episodes: {", ".join(f"{one:.5g}" for one in self.values)})'


def returns_of(trial: Trial) -> Returns | None:
    """The returns of a trial; None where no episode of it is known."""
    episodes = episodes_of(trial)
    return Returns(tuple(episode.total for episode in episodes)) if episodes else None


def numbers(values: Sequence[float]) -> str:
    """Numbers as prompts show them, to four significant digits: ``'0.1234, -5, 1e-07'``."""
    return ', '.join(f'{value:.4g}' for value in values)
