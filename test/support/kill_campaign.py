"""``kill -9`` of every node at random moments of a run against the stand-in arm, and what was lost by it."""

import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Final

import numpy as np
from respawned_cell import RespawnedCell
from run_judge import judge

from llm_policy_improver import msg
from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.nodes.demo import RunFailedError
from llm_policy_improver.nodes.messages import parameters_of, trial_in
from llm_policy_improver.nodes.qos import RELIABLE, TRACES
from llm_policy_improver.nodes.rehearsal_cell import RehearsalSettings
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.settings import ControllerSettings, TraceLoggerSettings
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings

NODES: Final = ('controller', 'trace_logger', 'optimizer', 'stand_in_arm')
OBJECTIVE: Final = 'hit the ball as far right as possible'
LONGEST_GAP: Final = 12.0
"""s between two kills, at most: about the time of two trials, so that kills meet every moment of one."""
_OVER: Final = ('finished', 'cancelled', 'failed')
"""States of the optimizer in which nothing goes on any more, as in ``OptimizerStatus.msg``."""
_STUCK: Final = 300.0
"""s without a new trial after which a run does not go on any more."""


@dataclass(frozen=True, slots=True)
class KillFigures:
    """What a campaign came to.

    Attributes:
        killed: how often each node was killed.
        trials: asked for.
        stored: trials in the store, those that were broken off included.
        broken_off: of these.
        seconds: of the run.
        faults: latched by the controller.
        recovery_s: s from each kill to the next trial; those left out where the next kill came before.
        violations: what was lost, doubled or wrong, in words; none in a good run.
    """

    killed: dict[str, int]
    trials: int
    stored: int
    broken_off: int
    seconds: float
    faults: int
    recovery_s: tuple[float, ...]
    violations: tuple[str, ...]

    def __str__(self) -> str:
        each = ', '.join(f'{name} {count}' for name, count in self.killed.items())
        # Whole trials that no step counts: a ball that was asked for again and came back twice, or one that a
        # controller played before it had its parameters again.
        extra = self.stored - self.broken_off - self.trials
        median, worst = np.quantile(self.recovery_s, (0.5, 1.0)) if self.recovery_s else (math.nan, math.nan)
        return (
            f'{sum(self.killed.values())} kills ({each}) in {self.seconds:.0f} s, {len(self.violations)} trials lost, '
            f'doubled or wrong; {self.stored} trials stored, {self.broken_off} of them broken off and {extra} extra; '
            f'{self.faults} faults latched; from a kill to the next trial {median:.1f} s in the median, at most '
            f'{worst:.1f} s'
        )


def run(kills: int, folder: Path, seed: int = 0, longest_gap: float = LONGEST_GAP) -> KillFigures:
    """Kill nodes while they play a run, then let the run come to its end.

    Args:
        kills: in all, spread evenly over the nodes, in random order; the run has half as many trials again, and is
            over before the last kills where the machine is fast.
        folder: for the run and the nodes' logs.
        seed: draws the moments and the order.
        longest_gap: s between two kills, at most.

    Raises:
        RunFailedError: a node ended by itself, or the run does not go on any more.
    """
    published: list[Modulation] = []
    traces: list[Trial] = []
    times: list[float] = []
    trials = kills + kills // 2

    def on_trace(message: msg.ExecutionTrace) -> None:
        traces.append(trial_in(message))
        times.append(cell.now)

    with RespawnedCell(_settings(folder / 'run', trials), folder / 'logs', f'/kills_{os.getpid()}') as cell:
        cell.node.create_subscription(
            msg.PolicyParameters,
            'policy_parameters',
            lambda message: published.append(parameters_of(message)),
            RELIABLE,
        )
        cell.node.create_subscription(msg.ExecutionTrace, 'execution_trace', on_trace, TRACES)
        cell.make_ready()
        cell.ask(OBJECTIVE)
        start = cell.now
        killed = _kill(cell, kills, seed, longest_gap)
        _play_to_the_end(cell)
        seconds, faults = cell.now - start, len(cell.faults)
    with RunStore.open(folder / 'run') as store:
        violations = tuple(judge(store, traces, published, trials))
        stored = store.trials()
    return KillFigures(
        killed=dict(Counter(name for name, _ in killed)),
        trials=trials,
        stored=len(stored),
        broken_off=sum(not trial.tested for trial in stored),
        seconds=seconds,
        faults=faults,
        recovery_s=tuple(_recoveries([time for _, time in killed], times)),
        violations=violations,
    )


def _settings(folder: Path, trials: int) -> RehearsalSettings:
    path, run_folder = share_folder() / 'config' / 'rehearsal.yaml', str(folder.absolute())
    optimizer = read_settings(path, OptimizerSettings, 'optimizer')
    logger = read_settings(path, TraceLoggerSettings, 'trace_logger')
    return RehearsalSettings(
        read_settings(path, StandInSettings, 'stand_in_arm'),
        read_settings(path, ControllerSettings, 'controller'),
        replace(logger, output_folder=run_folder, resume=True),
        replace(
            optimizer, output_folder=run_folder, resume=True, trials=trials, first_trials=min(trials, 24),
            all_trials=True,
            # No method that has trials simulated first: they would take their time from what runs in real time.
            method='least_squares',
            # What is proposed and rehearsed does not matter here; what is killed meanwhile does. Near the unchanged
            # controller the rehearsal lets most of it pass, so that the run goes on.
            rehearsal=replace(optimizer.rehearsal, trials=2, most_misses=1),
            attenuation_low=(0.9,) * len(JOINTS), attenuation_high=(1.1,) * len(JOINTS),
        ),
    )  # fmt: skip


def _kill(cell: RespawnedCell, kills: int, seed: int, longest_gap: float) -> list[tuple[str, float]]:
    """Kill at random moments, as long as the run lasts; which node and when, each time."""
    generator = np.random.default_rng(seed)
    order = generator.permutation([NODES[number % len(NODES)] for number in range(kills)])
    killed: list[tuple[str, float]] = []
    for name in map(str, order):
        cell.wait(float(generator.uniform(0.0, longest_gap)))
        if cell.run in _OVER:
            break
        cell.kill(name)
        killed.append((name, cell.now))
    return killed


def _play_to_the_end(cell: RespawnedCell) -> None:
    while cell.run not in _OVER:
        before = len(cell.traces)

        def goes_on(before: int = before) -> bool:
            return cell.run in _OVER or len(cell.traces) > before

        if not cell.until(goes_on, _STUCK):
            raise RunFailedError(f'there was no trial for {_STUCK:g} s: the run does not go on')


def _recoveries(kills: Sequence[float], trials: Sequence[float]) -> Iterator[float]:
    """s from each kill to the next trial, where that came before the next kill."""
    for kill, following in zip_longest(kills, kills[1:], fillvalue=math.inf):
        after = next((time for time in trials if time > kill), math.inf)
        if after < following:
            yield after - kill
