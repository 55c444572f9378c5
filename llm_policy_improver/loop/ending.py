"""When a run is over, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from llm_policy_improver.core.finding import Vain
from llm_policy_improver.core.method import Prospect
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.foresight import Foresight
from llm_policy_improver.loop.foretold import overrated
from llm_policy_improver.loop.improvement_result import End, settled_text
from llm_policy_improver.loop.step import Step

IDLE: Final = 3
"""Trials in a row with the last parameters, for want of any proposal, after which the run ends."""
BORNE_OUT: Final = 8
"""Proposals of a method, the last ones, that must bear out what its model expects before its word ends a run.

Of fewer one ball into the net decides; a model that is still wrong about failures does not know that much is left.
"""


@dataclass(frozen=True, slots=True)
class Ending:
    """The rules of one run.

    Attributes:
        objective: of the run.
        foresight: what the method's model says where trials are noisy.
        trials: to play at most.
        first: trials before the method is asked.
        all_trials: whether all trials are played whatever is reached.
        noise: spread of the measures of repeated trials.
    """

    objective: Objective
    foresight: Foresight
    trials: int
    first: int
    all_trials: bool
    noise: float

    def of(self, history: Sequence[Trial], run: Sequence[tuple[Step, Trial]], idle: int) -> End | None:
        """Why the run is over between two of its trials; None where it goes on.

        Args:
            history: all trials, those of earlier runs first.
            run: the steps and trials of this run.
            idle: how many of these repeated the last parameters, in a row, for want of any proposal.
        """
        played = len(run)
        if played >= self.trials:
            return End.PLAYED
        # Nobody proposed anything for several trials: more of the same would only wear out the arm and the person.
        if idle >= IDLE:
            return End.NO_PROPOSALS
        if self.all_trials or played == 0:
            return None
        if not self.foresight.speaks:
            return End.REACHED if self._seen(history[-played:]) else None
        if not self.foreseen(played):
            return None
        if self.foresight.reached(history):
            return End.REACHED
        prospect = self.prospect(history, run)
        settled = prospect is not None and prospect.gain < prospect.told_apart(self.trials - played)
        return End.SETTLED if settled else None

    def prospect(self, history: Sequence[Trial], run: Sequence[tuple[Step, Trial]]) -> Prospect | None:
        """What the trials left may bring: by the model, and by how much the model overrated its last proposals.

        Where its proposals come out worse than expected, something is there that the model does not know of, and that
        further trials will tell it. None where nothing can be said yet.
        """
        more = overrated(run, self.objective, BORNE_OUT)
        prospect = None if more is None else self.foresight.prospect(history)
        return None if prospect is None or more is None else replace(prospect, gain=prospect.gain + more)

    def foreseen(self, played: int) -> bool:
        """Whether the method's model is asked by now: in the first trials it has not proposed anything either.

        A prior of simulated trials may still be in the making then.
        """
        return played >= self.first

    def _seen(self, played: Sequence[Trial]) -> bool:
        best = self.objective.best(played)
        distance = None if best is None else self.objective.distance(best)
        return distance is not None and distance <= self.objective.reached_within(self.noise)


def end_text(end: End, in_vain: Sequence[Vain]) -> str:
    """Why a run is over, as a clause for people."""
    if end is End.NO_PROPOSALS:
        return f'nobody could propose anything {IDLE} times in a row: {"; ".join(map(str, in_vain))}'
    if end is End.MISREAD:
        return 'the words ask for something else than what is measured' + ''.join(f': {each}' for each in in_vain)
    return {
        End.PLAYED: 'all of its trials are played',
        End.REACHED: 'the objective is reached',
        End.SETTLED: settled_text(None, 0),
    }[end]
