"""``bench kills``: ``kill -9`` of every node at random moments of a run, and whether anything was lost by it."""

import math
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.nodes.kills_judge import judge
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.settings import ControllerSettings, TraceLoggerSettings
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings

if TYPE_CHECKING:
    from llm_policy_improver.nodes.rehearsal_cell import RehearsalCell

NODES: Final = ('controller', 'trace_logger', 'optimizer', 'stand_in_arm')
OBJECTIVE: Final = 'hit the ball as far right as possible'
LONGEST_GAP: Final = 12.0
"""s between two kills, at most: about the time of two trials, so that kills meet every moment of one."""
_OVER: Final = ('finished', 'cancelled', 'failed')
"""States of the optimizer in which nothing goes on any more, as in ``OptimizerStatus.msg``."""
_STUCK: Final = 300.0
"""s without a new trial after which a run does not go on any more."""

Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much."""


@dataclass(frozen=True, slots=True)
class KillFigures:
    """Figures of ``bench kills``.

    Attributes:
        killed: how often each node was killed.
        trials: asked for.
        stored: trials in the store, those that were broken off included.
        broken_off: of these.
        extra: of these, whole ones that no step counts: a ball that was asked for again, and came back twice, or one
            that a controller played before it had its parameters again.
        seconds: of the run.
        faults: latched by the controller.
        recovery_s: s from each kill to the next trial; those left out where the next kill came before.
        violations: what was lost, doubled or wrong, in words; none in a good run.
    """

    killed: dict[str, int]
    trials: int
    stored: int
    broken_off: int
    extra: int
    seconds: float
    faults: int
    recovery_s: tuple[float, ...]
    violations: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'kills': sum(self.killed.values()),
            'killed': self.killed,
            'trials': self.trials,
            'stored_trials': self.stored,
            'broken_off_trials': self.broken_off,
            'extra_trials': self.extra,
            'seconds': self.seconds,
            'faults': self.faults,
            'recovery_median_s': self._recovery(0.5),
            'recovery_worst_s': self._recovery(1.0),
            'violations': list(self.violations),
        }

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, figure and bar, for people."""
        each = ', '.join(f'{name} {count}' for name, count in self.killed.items())
        return [
            ('kills', f'{sum(self.killed.values())} ({each})', '>= 100'),
            ('trials lost, doubled or wrong', f'{len(self.violations)}', '0'),
            *[('', sentence, '') for sentence in self.violations[:10]],
            (
                'trials stored',
                f'{self.stored}: {self.broken_off} broken off, {self.extra} extra',
                f'{self.trials} whole',
            ),
            ('faults latched', f'{self.faults}', ''),
            (
                'kill to next trial, median',
                f'{self._recovery(0.5):.1f} s, longest {self._recovery(1.0):.1f} s',
                '',
            ),
            ('run', f'{self.seconds:.0f} s', ''),
        ]

    def _recovery(self, share: float) -> float:
        return float(np.quantile(self.recovery_s, share)) if self.recovery_s else math.nan


def run(
    kills: int,
    seed: int = 0,
    progress: Progress = lambda name, done, count: None,
    folder: Path | None = None,
    trials: int | None = None,
    longest_gap: float = LONGEST_GAP,
) -> KillFigures:
    """Kill nodes so many times while they play a run against the stand-in arm, then let the run come to its end.

    Args:
        kills: in all, spread evenly over the nodes, in random order.
        seed: draws the moments and the order.
        progress: told of every kill, then of every trial.
        folder: for the run and the nodes' logs; a temporary one where None.
        trials: of the run; as many as kills where None, so that it lasts longer than these.
        longest_gap: s between two kills, at most.

    Raises:
        ImportError: ROS 2 is not installed here.
        RunFailedError: a node ended by itself, or the run does not go on any more.
    """
    # What ROS is told before it is imported.
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            return _run(kills, seed, progress, Path(temporary), trials or kills, longest_gap)
    return _run(kills, seed, progress, folder, trials or kills, longest_gap)


def _run(
    kills: int, seed: int, progress: Progress, folder: Path, trials: int, longest_gap: float
) -> KillFigures:
    from llm_policy_improver import msg
    from llm_policy_improver.nodes.messages import parameters_of, trial_in
    from llm_policy_improver.nodes.qos import RELIABLE, TRACES
    from llm_policy_improver.nodes.rehearsal_cell import RehearsalCell, RehearsalSettings

    path = share_folder() / 'config' / 'rehearsal.yaml'
    run_folder = str((folder / 'run').absolute())
    optimizer = read_settings(path, OptimizerSettings, 'optimizer')
    logger = read_settings(path, TraceLoggerSettings, 'trace_logger')
    settings = RehearsalSettings(
        read_settings(path, StandInSettings, 'stand_in_arm'),
        read_settings(path, ControllerSettings, 'controller'),
        replace(logger, output_folder=run_folder, resume=True),
        replace(
            optimizer, output_folder=run_folder, resume=True, trials=trials, first_trials=min(trials, 24),
            all_trials=True,
            # What is proposed and rehearsed does not matter here; what is killed meanwhile does. Near the unchanged
            # controller the rehearsal lets most of it pass, so that the run goes on.
            rehearsal=replace(optimizer.rehearsal, trials=2, most_misses=1),
            attenuation_low=(0.9,) * len(JOINTS), attenuation_high=(1.1,) * len(JOINTS),
        ),
    )  # fmt: skip
    published: list[Modulation] = []
    traces: list[Trial] = []
    times: list[float] = []

    def on_trace(message: Trial) -> None:
        traces.append(trial_in(message))
        times.append(cell.now)

    with RehearsalCell(settings, folder / 'logs', f'/kills_{os.getpid()}', respawned=True) as cell:
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
        killed = _kill(cell, kills, seed, progress, longest_gap)
        _play_to_the_end(cell, trials, progress)
        seconds, faults = cell.now - start, len(cell.faults)
    with RunStore.open(folder / 'run') as store:
        violations = tuple(judge(store, traces, published, trials))
        stored = store.trials()
    broken_off = sum(not trial.tested for trial in stored)
    return KillFigures(
        killed=dict(Counter(name for name, _ in killed)),
        trials=trials,
        stored=len(stored),
        broken_off=broken_off,
        extra=len(stored) - broken_off - trials,
        seconds=seconds,
        faults=faults,
        recovery_s=tuple(_recoveries([time for _, time in killed], times)),
        violations=violations,
    )


def _kill(
    cell: 'RehearsalCell', kills: int, seed: int, progress: Progress, longest_gap: float
) -> list[tuple[str, float]]:
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
        progress('nodes killed', len(killed), kills)
    return killed


def _play_to_the_end(cell: 'RehearsalCell', trials: int, progress: Progress) -> None:
    from llm_policy_improver.nodes.demo import RunFailedError

    while cell.run not in _OVER:
        before = len(cell.traces)

        def goes_on(before: int = before) -> bool:
            return cell.run in _OVER or len(cell.traces) > before

        if not cell.until(goes_on, _STUCK):
            raise RunFailedError(f'there was no trial for {_STUCK:g} s: the run does not go on')
        progress('trials reported', len({trial.number for trial in cell.traces}), trials)


def _recoveries(kills: Sequence[float], trials: Sequence[float]) -> Iterator[float]:
    """s from each kill to the next trial, where that came before the next kill."""
    for kill, following in zip_longest(kills, kills[1:], fillvalue=math.inf):
        after = next((time for time in trials if time > kill), math.inf)
        if after < following:
            yield after - kill
