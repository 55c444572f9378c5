"""Trials of the experiments in this process: played once for all methods that begin with the same ones."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from llm_policy_improver.core.method import INITIAL
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.cells import noisy_cell, quiet_cell
from llm_policy_improver.table_tennis.task import TableTennis

Given = tuple[Parameters, int]
"""A policy and the seed of its ball, of the cameras' noise and of the delays."""

BLOCK: Final = 100_000
"""Trial seeds of an experiment's seed: from seed * BLOCK on."""

LANDING_NOISE: Final = 0.028
"""m, spread of a landing coordinate where noisy and the balls' spin is known: that of the unchanged controller in 200
trials, ``spread_of(repetitions(played[6:], (LANDING_X, LANDING_Y), space))`` of `methods.sas.repetitions`, where
``played = play([(NEUTRAL, seed) for seed in range(206)], noisy=True)``."""


@lru_cache(maxsize=2)
def task(noisy: bool) -> TableTennis:
    """The standard ball; where noisy, seen with the published camera noise and delays."""
    return TableTennis(*(noisy_cell() if noisy else quiet_cell()))


def first_trial(task: TableTennis, before: Sequence[Trial], policy: Parameters, seed: int) -> Trial:
    """The next of the first trials, under a version of its own and informed by those before it, as in a run."""
    version = len(before) + 1
    trial = task.informed_by(before, version).run(policy, seed)
    return replace(trial, version=version, proposed_by=INITIAL)


@lru_cache(maxsize=8)
def _played(trials: tuple[Given, ...], noisy: bool) -> tuple[Trial, ...]:
    played: list[Trial] = []
    for policy, seed in trials:
        played.append(first_trial(task(noisy), played, policy, seed))
    return tuple(played)


def play(trials: Sequence[Given], noisy: bool) -> tuple[Trial, ...]:
    """These trials; those played last are remembered."""
    return _played(tuple(trials), noisy)
