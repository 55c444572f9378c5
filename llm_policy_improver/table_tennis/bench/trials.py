"""Many trials for the benchmarks, on all cores, each with what was observed and what really happened."""

import math
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.expected import NOTHING, Expected
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.simulator import Contact
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.observed import Outcome, landing_of

_TOLERANCE = 1.02
"""Of a speed limit: a drive that is told the limit overshoots it by a little."""


@dataclass(frozen=True, slots=True)
class Job:
    """One trial to run."""

    policy: Parameters
    seed: int


@dataclass(frozen=True, slots=True)
class TrialFigures:
    """What the benchmarks need of one trial.

    Attributes:
        job: what was run.
        outcome: as observed.
        true_outcome: as it really was, from the ball's contacts in the simulation.
        landing, true_landing: m, (x, y) of the first bounce after the hit, observed and true.
        net_clearance, peak_height: m, observed.
        arm_contact: what the arm touched; empty if nothing.
        limit_violations: control ticks in which a joint was beyond its range or its speed limit, or an applied
            command beyond the speed limit.
        launch_speed, launch_spin: m/s and rad/s (about x) of the ball.
    """

    job: Job
    outcome: Outcome
    true_outcome: Outcome
    landing: tuple[float, float] | None
    true_landing: tuple[float, float] | None
    net_clearance: float | None
    peak_height: float | None
    arm_contact: str
    limit_violations: int
    launch_speed: float
    launch_spin: float

    @property
    def landed(self) -> bool:
        """Whether the ball really came down on the opponent's half, the net untouched."""
        return self.true_outcome is Outcome.LANDED


def true_outcome(contacts: Sequence[Contact], arm_contact: str) -> tuple[Outcome, tuple[float, float] | None]:
    """Outcome and first bounce after the hit, from what the ball really touched."""
    whats = [contact.what for contact in contacts]
    # The handle or a link may return the ball, too: what counts is where it goes.
    hit = next((index for index, what in enumerate(whats) if what not in _AROUND), None)
    before = whats if hit is None else whats[:hit]
    own = sum(
        1 for contact in contacts[: len(before)] if contact.what == 'table' and contact.position[1] < 0.0
    )
    outcome, landing = Outcome.MISSED, None
    if 'net' in before or own == 0:
        outcome = Outcome.BAD_FEED
    if own > 1:
        outcome = Outcome.DOUBLE_BOUNCE
    elif hit is not None and own == 1:
        after = contacts[hit + 1 :]
        first_table = next((c for c in after if c.what == 'table'), None)
        landing = None if first_table is None else first_table.position[:2]
        touched = [c.what for c in (after if first_table is None else after[: after.index(first_table)])]
        if 'net' in touched:
            outcome = Outcome.NET
        elif landing is None:
            outcome = Outcome.OUT
        elif landing[1] < 0.0:
            outcome = Outcome.OWN_SIDE
        else:  # beyond the surface it touched the table's edge only
            outcome = Outcome.LANDED if table.on_opponents_half(*landing) else Outcome.OUT
    return (Outcome.COLLISION if arm_contact else outcome), landing


def figures(task: TableTennis, job: Job) -> TrialFigures:
    """Run one trial."""
    trial = task.run(job.policy, job.seed)
    simulator, observed = task.simulator, landing_of(trial)
    outcome, landing = true_outcome(simulator.contacts, simulator.arm_contact)
    ball = simulator.launched
    return TrialFigures(
        job=job,
        outcome=Outcome(trial.outcome),
        true_outcome=outcome,
        landing=None if observed is None else (observed.x, observed.y),
        true_landing=landing,
        net_clearance=trial.measures.get('net_clearance'),
        peak_height=trial.measures.get('peak_height'),
        arm_contact=simulator.arm_contact,
        limit_violations=_violations(trial),
        launch_speed=math.hypot(*ball.velocity),
        launch_spin=ball.spin[0],
    )


def _violations(trial: Trial) -> int:
    low, high, speed = (
        np.array([getattr(joint, name) for joint in arm.ARM]) for name in ('low', 'high', 'speed')
    )
    samples = trial.samples
    outside = (samples.joint_position < low - 1e-3) | (samples.joint_position > high + 1e-3)
    fast = np.abs(samples.joint_velocity) > _TOLERANCE * speed
    commanded = np.abs(samples.applied_velocity) > speed * (1.0 + 1e-9)
    return int(np.count_nonzero(np.any(outside | fast | commanded, axis=1)))


_WORTH_A_PROCESS = 100
"""Trials; to start a process takes as long."""
_AROUND = ('table', 'net', 'floor')
"""What the ball may touch that is no part of the arm."""

_task: TableTennis | None = None


def _start_worker(
    simulation: SimulationConfig, controller: ControllerConfig, expected: Expected
) -> None:
    global _task
    _task = TableTennis(simulation, controller)
    _task.expected = expected


def _work(job: Job) -> TrialFigures:
    assert _task is not None
    return figures(_task, job)


def run_trials(
    jobs: Sequence[Job],
    simulation: SimulationConfig,
    controller: ControllerConfig | None = None,
    *,
    expected: Expected = NOTHING,
    processes: int | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> list[TrialFigures]:
    """Run jobs in order on ``processes`` cores (default: as many as pay); ``progress`` is told how many are done.

    Args:
        expected: of the balls, as learnt from others before.
    """

    def counted(results: Iterator[TrialFigures]) -> list[TrialFigures]:
        done = []
        for result in results:
            done.append(result)
            progress(len(done))
        return done

    controller = controller or ControllerConfig()
    workers = processes or min(os.cpu_count() or 1, math.ceil(len(jobs) / _WORTH_A_PROCESS))
    if workers == 1:
        task = TableTennis(simulation, controller)
        task.expected = expected
        return counted(figures(task, job) for job in jobs)
    # Not forked: a forked copy of a process with threads of its own may hang.
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(
        workers, context, initializer=_start_worker, initargs=(simulation, controller, expected)
    ) as pool:
        return counted(iter(pool.map(_work, jobs, chunksize=8)))
