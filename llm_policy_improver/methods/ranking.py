"""Which trials fulfil the objective best: by its measure, or, where it has none, by the language model's word."""

from collections.abc import Sequence

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial


def trial_number(history: Sequence[Trial], position: int) -> int:
    """What a trial is called: its number in the store, or else its place in the history, from 1."""
    return history[position].number or position + 1


def ranked(history: Sequence[Trial], objective: Objective) -> list[int]:
    """Positions of the trials that can be measured, the nearest to the objective first; earlier before equal."""
    distances = [(objective.distance(trace), position) for position, trace in enumerate(history)]
    return [position for _, position in sorted(pair for pair in distances if pair[0] is not None)]


def named(history: Sequence[Trial], proposals: Sequence[Proposal]) -> list[int]:
    """Positions of the landed trials that proposals named as the nearest, the latest word first."""
    positions = {trial_number(history, position): position for position in range(len(history))}
    words = [positions[proposal.nearest] for proposal in reversed(proposals) if proposal.nearest in positions]
    return [position for position in dict.fromkeys(words) if history[position].succeeded]


def best_trial(history: Sequence[Trial], objective: Objective, proposals: Sequence[Proposal]) -> Trial | None:
    """The best trial so far; None where none can be ranked.

    Args:
        history: all trials, oldest first.
        objective: ranks them, where it can.
        proposals: of the run, oldest first; where the objective has no measure, the trial that the last of them
            named is the best.
    """
    if objective.measurable:
        return objective.best(history)
    words = named(history, proposals)
    return history[words[0]] if words else None
