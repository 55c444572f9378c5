"""``bench hardware-in-the-loop``: balls that the physical arm's nodes return against the stand-in arm, in real time."""

import math
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.table_tennis.bench.returns import SLOW
from llm_policy_improver.table_tennis.settings import ControllerSettings, TraceLoggerSettings
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings

SLOW_SHARE = 5
"""One ball in so many is a slow one; few balls of a rally are."""
_TIMES = ('control tick', 'inner loop')
_SCHEDULED = ('controller', 'stand_in_arm', 'empty_timer')

Progress = Callable[[str, int, int], None]
"""Told what is played, the balls done and the balls in all."""


@dataclass(frozen=True, slots=True)
class Ball:
    """One ball thrown at the stand-in arm.

    Attributes:
        seed: that drew it.
        speed: m/s, at the launch.
        outcome: as the trace logger judged it; empty where no trial was reported.
    """

    seed: int
    speed: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Regularity:
    """How regular something was that should come in even time steps.

    Attributes:
        jitter_ms: median over the run of the deviation from the period that 99 of the last 100 steps stayed within.
        worst_ms: the largest of these.
        overruns: steps longer than one and a half periods.
    """

    jitter_ms: float
    worst_ms: float
    overruns: int


@dataclass(frozen=True, slots=True)
class HardwareInTheLoopFigures:
    """Figures of ``bench hardware-in-the-loop``.

    Attributes:
        balls: in the order in which they were thrown.
        faults: why the arm was stopped, each time.
        seconds: of the run, from the first ball to the last.
        controller: regularity of its control ticks and of its inner loop.
        empty: the same of empty rclpy timers in a process of their own, at the same time.
        lateness_ms: 99 of 100 cycles of the stand-in arm were less late.
        left_out_s: what the stand-in arm did not simulate as it was too late; 0 in a fair run.
        touched: what the arm touched that it must not; empty where nothing.
        priorities: by node, the real-time priority that was in force; 0: ordinary.
        load: of the machine (1-minute average) before the nodes were started and at the end of the run.
    """

    balls: tuple[Ball, ...]
    faults: tuple[str, ...]
    seconds: float
    controller: dict[str, Regularity]
    empty: dict[str, Regularity]
    lateness_ms: float
    left_out_s: float
    touched: str
    priorities: dict[str, int]
    load: tuple[float, float]

    def returned(self, slow: bool | None = None) -> float:
        """Share of the balls that landed on the opponent's half: of all, or of the slow or the normal ones."""
        chosen = [ball for ball in self.balls if slow is None or (ball.speed < SLOW) is slow]
        return sum(ball.outcome == 'landed' for ball in chosen) / len(chosen) if chosen else math.nan

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        times = {
            f'{name.replace(" ", "_")}{whose}_{figure}': getattr(table[name], figure)
            for name in _TIMES
            for whose, table in (('', self.controller), ('_empty_timer', self.empty))
            for figure in ('jitter_ms', 'worst_ms', 'overruns')
        }
        return {
            'balls': len(self.balls),
            'returned_fraction': self.returned(),
            'returned_fraction_slow': self.returned(True),
            'returned_fraction_normal': self.returned(False),
            'outcomes': [ball.outcome for ball in self.balls],
            'faults': list(self.faults),
            'seconds': self.seconds,
            'stand_in_lateness_p99_ms': self.lateness_ms,
            'stand_in_left_out_s': self.left_out_s,
            'touched': self.touched,
            'realtime_priority': self.priorities,
            'load_before': self.load[0],
            'load_at_the_end': self.load[1],
        } | times

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, figure and bar, for people."""
        slow = sum(ball.speed < SLOW for ball in self.balls)
        rows = [
            ('returned', f'{self.returned():.1%} of {len(self.balls)}', '>= 80 %'),
            (f'slow (below {SLOW:g} m/s)', f'{self.returned(True):.1%} of {slow}', ''),
            ('normal', f'{self.returned(False):.1%} of {len(self.balls) - slow}', ''),
            ('faults of the arm', f'{len(self.faults)}', '0'),
        ]
        for name in _TIMES:
            for whose, table in ((name, self.controller), ('  empty rclpy timer', self.empty)):
                time = table[name]
                rows.append(
                    (
                        f'{whose}, jitter p99',
                        f'{time.jitter_ms:.2f} ms (worst {time.worst_ms:.2f}), {time.overruns} overruns',
                        '',
                    )
                )
        rows.append(('lateness p99 of the stand-in arm', f'{self.lateness_ms:.2f} ms', ''))
        rows.append(('time left out by it', f'{self.left_out_s:g} s in {self.seconds:.0f} s', '0'))
        priorities = ', '.join(f'{name} {priority or "none"}' for name, priority in self.priorities.items())
        rows.append(('real-time priority', priorities, ''))
        rows.append(('load of the machine', f'{self.load[0]:.1f} before, {self.load[1]:.1f} at the end', ''))
        return rows + ([('touched', self.touched, 'nothing')] if self.touched else [])


def seeds(balls: int, seed: int, simulation: SimulationConfig) -> list[tuple[int, float]]:
    """Seeds of slow and normal balls and their speeds, m/s: from ``seed`` on, every fifth one a slow one."""
    wanted = [number % SLOW_SHARE == SLOW_SHARE - 1 for number in range(balls)]
    found: list[tuple[int, float] | None] = [None] * balls
    candidate = seed
    while None in found:
        speed = math.hypot(*simulation.draw_ball(candidate).velocity)
        place = next((n for n in range(balls) if found[n] is None and wanted[n] is (speed < SLOW)), None)
        if place is not None:
            found[place] = candidate, speed
        candidate += 1
    return [each for each in found if each is not None]


def run(
    balls: int, seed: int = 0, progress: Progress = lambda name, done, count: None, folder: Path | None = None
) -> HardwareInTheLoopFigures:
    """Play so many balls with the settings of ``config/rehearsal.yaml``.

    Args:
        balls: to throw.
        seed: from which on seeds are taken.
        progress: told of every ball.
        folder: for the trials and the nodes' logs; a temporary one where None.

    Raises:
        ImportError: ROS 2 is not installed here.
        RunFailedError: a node ended, or the arm was stopped again and again.
    """
    # What ROS is told before it is imported.
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            return _play(balls, seed, progress, Path(temporary))
    return _play(balls, seed, progress, folder)


def _play(balls: int, seed: int, progress: Progress, folder: Path) -> HardwareInTheLoopFigures:
    from llm_policy_improver.nodes.realtime import IN_FORCE
    from llm_policy_improver.nodes.rehearsal_cell import RehearsalCell, RehearsalSettings

    path = share_folder() / 'config' / 'rehearsal.yaml'
    arm = read_settings(path, StandInSettings, 'stand_in_arm')
    arm = replace(arm, simulation=replace(arm.simulation, balls='rally'))
    logger = read_settings(path, TraceLoggerSettings, 'trace_logger')
    settings = RehearsalSettings(
        arm,
        read_settings(path, ControllerSettings, 'controller'),
        replace(logger, output_folder=str((folder / 'run').absolute())),
    )
    thrown: list[Ball] = []
    load = os.getloadavg()[0]
    with RehearsalCell(settings, folder / 'logs', f'/bench_{os.getpid()}', measured=True) as cell:
        cell.make_ready()
        cell.wait(2.0)  # for the first diagnostics of all
        before = {name: dict(values) for name, values in cell.diagnostics.items()}
        jitters: dict[tuple[str, str], list[float]] = {}

        def note(name: str, values: dict[str, str]) -> None:
            for what in _TIMES:
                if f'{what} jitter p99 [ms]' in values:
                    jitters.setdefault((name, what), []).append(float(values[f'{what} jitter p99 [ms]']))

        cell.on_diagnostics = note
        start = cell.now
        for number, (ball_seed, speed) in enumerate(seeds(balls, seed, arm.simulation), 1):
            trace = cell.throw(number, ball_seed)
            thrown.append(Ball(ball_seed, speed, '' if trace is None else str(trace.outcome)))
            progress('against the stand-in arm', number, balls)
        cell.wait(2.0)  # for the last ones
        after, arm_values = cell.diagnostics, cell.diagnostics['stand_in_arm']

        def regularity(name: str) -> dict[str, Regularity]:
            return {
                what: _regularity(
                    jitters[name, what],
                    int(after[name][f'{what} overruns']) - int(before[name][f'{what} overruns']),
                )
                for what in _TIMES
            }

        return HardwareInTheLoopFigures(
            balls=tuple(thrown),
            faults=tuple(cell.faults),
            seconds=cell.now - start,
            controller=regularity('controller'),
            empty=regularity('empty_timer'),
            lateness_ms=float(arm_values['lateness p99 [ms]']),
            left_out_s=float(arm_values['left out [s]']),
            touched=arm_values['touched'],
            priorities={name: int(after[name][IN_FORCE]) for name in _SCHEDULED},
            load=(load, os.getloadavg()[0]),
        )


def _regularity(jitters: Sequence[float], overruns: int) -> Regularity:
    return Regularity(float(np.median(jitters)), float(np.max(jitters)), overruns)
