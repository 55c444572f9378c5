"""What a method's model says of a run whose trials are noisy: what to keep, and what further trials may bring."""

import warnings
from collections.abc import Callable, Sequence
from typing import TypeVar

from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.method import Method, Prospect, Prospector, Recommender
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial

Value = TypeVar('Value')


class Foresight:
    """Asks a method; each question once a history, as many ask where a run stands.

    Args:
        method: of the run.
        objective: of the run.
        noise: spread of the measures of repeated trials; without any the best trial seen is what to keep.
        made: the proposals behind the last trials, as they are handed to the method.
    """

    def __init__(
        self,
        method: Method,
        objective: Objective,
        noise: float,
        made: Callable[[], Sequence[Proposal]] = tuple,
    ) -> None:
        self._method = method
        self._objective = objective
        self._noise = noise
        self._made = made
        self._recommended: tuple[tuple[int, int], Proposal | None] = ((-1, 0), None)
        self._prospect: tuple[tuple[int, int], Prospect | None] = ((-1, 0), None)

    @property
    def speaks(self) -> bool:
        """Whether there is a model to ask: else the best trial seen is all that is known."""
        return bool(self._noise) and isinstance(self._method, Recommender)

    def recommended(self, history: Sequence[Trial]) -> Proposal | None:
        """What to keep after these trials; None where nothing can be said."""
        method = self._method
        if not self._noise or not isinstance(method, Recommender):
            return None
        made = self._made()
        if self._recommended[0] != (known := _known(history, made)):
            found = self._asked(lambda: method.recommend(history, self._objective, made))
            self._recommended = (known, found)
        return self._recommended[1]

    def prospect(self, history: Sequence[Trial]) -> Prospect | None:
        """What further trials may bring; None where nothing can be said."""
        method = self._method
        if not self._noise or not isinstance(method, Prospector):
            return None
        made = self._made()
        if self._prospect[0] != (known := _known(history, made)):
            found = self._asked(lambda: method.prospect(history, self._objective, made))
            self._prospect = (known, found)
        return self._prospect[1]

    def reached(self, history: Sequence[Trial]) -> bool:
        """Whether what would be kept is expected to come within what counts as reached: one ball may be luck."""
        expected = Expectation.of(self.recommended(history))
        return expected is not None and expected.loss <= self._objective.reached_within(self._noise)

    def _asked(self, question: Callable[[], Value | None]) -> Value | None:
        """The answer; None where the method fails: what a proposer does wrong must never stop a run."""
        try:
            return question()
        except Exception as error:
            said = f'{self._method.name} cannot say what to keep: {type(error).__name__}: {error}'
            warnings.warn(said, RuntimeWarning, stacklevel=2)
            return None


def _known(history: Sequence[Trial], made: Sequence[Proposal]) -> tuple[int, int]:
    """How much there is to go by: trials, and what was kept from the arm. In a run both only grow."""
    return len(history), sum(len(each.kept_back) for each in made)
