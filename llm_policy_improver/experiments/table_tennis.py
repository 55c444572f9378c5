"""Trials of the experiments in this process: played once for all optimizers that begin with the same ones."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from llm_policy_improver.core.parameters import PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.table_tennis.bench.returns import noisy_setup
from llm_policy_improver.table_tennis.task import TableTennis

Trial = tuple[tuple[float, ...], int]
"""An attenuation (8,) and the seed of its ball, of the cameras' noise and of the delays."""

BLOCK: Final = 100_000
"""Trial seeds of an experiment's seed: from seed * BLOCK on."""

LANDING_NOISE: Final = 0.057
"""m, spread of a landing coordinate where noisy: that of the unchanged controller in 200 trials,
``landing_noise(repetitions([task(True).run(PolicyParameters(), seed) for seed in range(200)]))``
with `methods.sas.repetitions`."""


@lru_cache(maxsize=2)
def task(noisy: bool) -> TableTennis:
    """The standard ball; where noisy, seen with the published camera noise and delays."""
    if not noisy:
        return TableTennis()
    simulation, controller = noisy_setup()
    return TableTennis(replace(simulation, balls='standard'), controller)


@lru_cache(maxsize=8)
def _played(trials: tuple[Trial, ...], noisy: bool) -> tuple[ExecutionTrace, ...]:
    return tuple(
        task(noisy).run(PolicyParameters(attenuation, version=number, proposed_by='initial'), seed)
        for number, (attenuation, seed) in enumerate(trials, start=1)
    )


def play(trials: Sequence[Trial], noisy: bool) -> tuple[ExecutionTrace, ...]:
    """The traces of these trials; those played last are remembered."""
    return _played(tuple(trials), noisy)
