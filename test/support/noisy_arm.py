"""The simulated arm in a noisy cell: trials, and what the landing model says of them with a small prior."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from llm_policy_improver.core.chat import Completion, Message
from llm_policy_improver.core.expectation import FAILED_LOSS
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.initial_design import initial_design
from llm_policy_improver.methods.numeric.landing.bayesian import Bayesian
from llm_policy_improver.methods.sas.advice.advice import Advice
from llm_policy_improver.table_tennis.cells import noisy_cell
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.simulated_prior import SimulatedPrior
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.task_brief import make_brief

NOISE = 0.028
SPACE = parameter_space()
BRIEF = make_brief(SPACE)
RIGHT = parse_objective('as far right as possible')
POINT = parse_objective('at (0.3, 0.9)')
PRIOR = SimulatedPrior(noisy_cell(), trials=600)


@cache
def arm() -> TableTennis:
    return TableTennis(*noisy_cell())


@cache
def history(count: int = 24, seed: int = 1) -> tuple[Trial, ...]:
    """First trials of a run, numbered as in a store."""
    design = initial_design(count, SPACE, np.random.default_rng(seed))
    played = [arm().run(SPACE.at(values), 1000 * seed + number) for number, values in enumerate(design)]
    return tuple(
        replace(trial, number=number, proposed_by='initial') for number, trial in enumerate(played, start=1)
    )


@cache
def advice(objective: Objective = RIGHT, count: int = 24) -> Advice:
    """Before the step after these trials."""
    return Advice.of(Bayesian(BRIEF, prior=PRIOR).outlook(history(count), objective), history(count))


def losses(values: Sequence[float], objective: Objective, count: int, first_seed: int = 500_000) -> list[float]:
    """Of so many more balls."""
    played = [arm().run(SPACE.at(values), first_seed + number) for number in range(count)]
    found = [objective.distance(trial) for trial in played]
    return [FAILED_LOSS if distance is None else distance for distance in found]


class Scripted:
    """Answers with these replies in their order, the last one again and again."""

    model = 'scripted'

    def __init__(self, *replies: str) -> None:
        self.replies = replies
        self.asked: list[tuple[Message, ...]] = []

    def complete(self, messages: Sequence[Message], schema: object = None) -> Completion:
        self.asked.append(tuple(messages))
        return Completion(self.replies[min(len(self.asked), len(self.replies)) - 1])
