"""``bench throughput``: trials per second, and what they cost beside the physics alone."""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import mujoco

from llm_policy_improver.table_tennis.space import NEUTRAL
from llm_policy_improver.table_tennis.task import TableTennis


@dataclass(frozen=True, slots=True)
class ThroughputResult:
    """Figures of ``bench throughput``; all of one run, as absolute times differ between machines.

    Attributes:
        trials: played in each measurement.
        trials_per_second: closed-loop, one process.
        cpu_over_mj_step: CPU time of the trials over that of ``mj_step`` alone, for the same steps.
        two_process_speedup: trials per second of two processes over one.
        trial_ms: CPU time of a trial, ms.
        mj_step_ms: of it, ``mj_step`` alone, ms.
    """

    trials: int
    trials_per_second: float
    cpu_over_mj_step: float
    two_process_speedup: float
    trial_ms: float
    mj_step_ms: float

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, figure and bar, for people."""
        return [
            ('closed-loop trials a second, one process', f'{self.trials_per_second:.0f}', ''),
            ('CPU time over that of mj_step alone', f'{self.cpu_over_mj_step:.2f}', '<= 1.5'),
            ('a trial', f'{self.trial_ms:.1f} ms, of it mj_step {self.mj_step_ms:.1f} ms', ''),
            ('two processes over one', f'{self.two_process_speedup:.2f}', '>= 1.8'),
        ]


def _play(trials: int) -> tuple[float, float]:
    """CPU and wall seconds of ``trials`` trials, set-up aside."""
    task = TableTennis()
    task.run(NEUTRAL, 0)
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(trials):
        task.run(NEUTRAL, 0)
    return time.process_time() - cpu, time.perf_counter() - wall


def _play_gated(trials: int, ready: Any, start: Any, results: Any) -> None:
    """In a process of its own: set up, wait for the start, play, report the end's wall time."""
    task = TableTennis()
    task.run(NEUTRAL, 0)
    ready.release()
    start.wait()
    for _ in range(trials):
        task.run(NEUTRAL, 0)
    results.put(time.perf_counter())


def _wall(processes: int, trials: int) -> float:
    """Wall seconds in which ``processes`` processes play ``trials`` trials each."""
    context = multiprocessing.get_context('spawn')
    ready, start, results = context.Semaphore(0), context.Event(), context.SimpleQueue()
    workers = [
        context.Process(target=_play_gated, args=(trials, ready, start, results)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.acquire()
    begin = time.perf_counter()
    start.set()
    ends = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return float(max(ends) - begin)


def _physics_alone(trials: int) -> float:
    """CPU seconds of ``mj_step`` for the steps of ``trials`` trials of the standard ball.

    The commands of a real trial are replayed, so that the contacts and the drives are the same.
    """
    task = TableTennis()
    trace = task.run(NEUTRAL, 0)
    commands = trace.samples.applied_velocity.tolist()
    simulator = task.simulator
    steps = round(simulator.config.control_period / simulator.config.physics_period)
    cpu = 0.0
    for _ in range(trials):
        simulator.launch(0)
        for command in commands:
            simulator.data.ctrl[:] = command
            begin = time.process_time()
            for _ in range(steps):
                mujoco.mj_step(simulator.model, simulator.data)
            cpu += time.process_time() - begin
    return cpu


def run(trials: int = 100, progress: Callable[[str, int, int], None] = lambda *_: None) -> ThroughputResult:
    """Measure; the machine should have nothing else to do."""
    _play(5)
    # Alternating, so that a machine that changes its speed does so under both.
    rounds, cpu, wall, physics = 5, 0.0, 0.0, 0.0
    for number in range(rounds):
        played = _play(trials // rounds)
        cpu, wall = cpu + played[0], wall + played[1]
        physics += _physics_alone(trials // rounds)
        progress('rounds', number + 1, rounds + 1)
    one, two = _wall(1, trials), _wall(2, trials)
    progress('rounds', rounds + 1, rounds + 1)
    count = rounds * (trials // rounds)
    return ThroughputResult(
        trials=count,
        trials_per_second=count / wall,
        cpu_over_mj_step=cpu / physics,
        two_process_speedup=2.0 * one / two,
        trial_ms=1000.0 * cpu / count,
        mj_step_ms=1000.0 * physics / count,
    )
