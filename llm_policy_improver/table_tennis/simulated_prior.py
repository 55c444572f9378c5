"""What simulated trials of the arm's cell tell before the first real one, made once and kept in the user's cache.

The trials are played by processes of their own, begun with the run: by the time the first spread-out trials of a real
arm are over, they are done. Processes are started anew rather than forked or spawned from this one: a script that calls
`improve` would have to guard against being run again by each of them.
"""

import atexit
import base64
import hashlib
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.compiled import users_cache
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.task import Task
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.initial_design import initial_design
from llm_policy_improver.table_tennis.ball.predictive import LATEST
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.noisy_cell import noisy_setup
from llm_policy_improver.table_tennis.rehearsal_config import RehearsalConfig
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig

if TYPE_CHECKING:  # SciPy takes long to load
    from llm_policy_improver.methods.numeric.landing.prior import Prior

Cell = tuple[SimulationConfig, ControllerConfig]
"""What is simulated, and the controller of it."""
Played = tuple[Trial, Trial | None]
"""A trial, and the same in another cell, where it was played there."""

FEW: Final = 1600
MANY: Final = 4000
"""Trials for up to eight parameters, and for more: a cubic of 16 has 969 terms."""
AGAIN: Final = 1600
"""Of them, at most, that are played again in cells whose coefficients are otherwise, ..."""
TRIALS_A_CELL: Final = 10
"""... so many in each."""
DEVIATION: Final = 0.1
"""By what share the coefficients of real cells are off: the standard deviation that is taken for granted."""
FURTHEST: Final = 2.5
"""Standard deviations."""
SECONDS_A_TRIAL: Final = 0.02
"""On one core, about."""
YIELDING: Final = 10
"""Added to the niceness of the processes that play them."""
FIRST_SEED: Final = 2**30
"""Of the trials: no other trials have them."""

_PACKAGE: Final = Path(__file__).parent.parent
_SOURCES: Final = ('core', 'table_tennis', 'methods/numeric/landing')
"""Folders of what a prior depends on."""


def quiet_cell() -> Cell:
    """The simulator as it is: no noise, no delays, the standard ball."""
    return SimulationConfig(), ControllerConfig()


def arm_cell(config: RehearsalConfig) -> Cell:
    """The arm of a rehearsal's files: its controller, the delays and ball that this knows, as balls come to it.

    Raises:
        SettingsError: a file cannot be read, or says what the controller would refuse.
    """
    from llm_policy_improver.table_tennis.rehearsal import arm_settings, expected_delays

    controller = arm_settings(config).controller
    simulation = SimulationConfig(
        control_period=controller.period, camera_noise=config.camera_noise, random_phase=True,
        latency=expected_delays(controller.latency), ball=controller.ball, launcher=config.launcher(),
    )  # fmt: skip
    return simulation, controller


def noisy_cell() -> Cell:
    """The published noise and delays, and the standard ball."""
    simulation, controller = noisy_setup()
    return replace(simulation, balls='standard'), controller


@dataclass(frozen=True, slots=True)
class SimulatedPrior:
    """Of the arm, as `methods.numeric.landing.prior_source.PriorSource` demands it.

    Attributes:
        cell: what is simulated.
        trials: to be simulated; None: as many as the parameters need.
    """

    cell: Cell
    trials: int | None = None

    def __call__(self, brief: Brief) -> 'Prior':
        """The prior; made first where it is not in the cache.

        Raises:
            RuntimeError: the trials could not be played.
        """
        return _prior(self._order(brief.space), brief)

    def begin(self, space: ParameterSpace) -> None:
        """Begin to make it, unless it is there; `__call__` waits for it."""
        order = self._order(space)
        if not order.path.exists():
            _workers(order)

    def sentence(self, space: ParameterSpace) -> str:
        """What it rests on, for people, as a clause."""
        order = self._order(space)
        count = order.trials + order.again
        if order.path.exists():
            return f'it knows {count:,} simulated trials'
        seconds = SECONDS_A_TRIAL * count / (os.cpu_count() or 1)
        return f'{count:,} trials are simulated for it first, once, in some {max(seconds, 1.0):.0f} s'

    def _order(self, space: ParameterSpace) -> '_Order':
        return _Order(self.cell, space, self.trials or (FEW if space.dimension <= 8 else MANY))


@dataclass(frozen=True)
class _Order:
    """What decides the trials."""

    cell: Cell
    space: ParameterSpace
    trials: int

    @property
    def path(self) -> Path:
        """Where the prior is kept."""
        said = f'{self.cell!r} {self.space!r} {self.trials} {_sources_digest()}'
        return users_cache() / f'prior-{hashlib.sha256(said.encode()).hexdigest()[:16]}.npz'

    @property
    def again(self) -> int:
        """How many trials are played in another cell, too."""
        return min(self.trials, AGAIN)

    @property
    def amounts(self) -> NDArray[np.float64]:
        """(`again`, k) what each coefficient of that cell is off by, in its standard deviations."""
        from llm_policy_improver.table_tennis.other_cell import COEFFICIENTS

        cells = -(-self.again // TRIALS_A_CELL)
        generator = np.random.default_rng((self.trials, self.space.dimension, cells))
        drawn = generator.standard_normal((cells, len(COEFFICIENTS))).clip(-FURTHEST, FURTHEST)
        return drawn.repeat(TRIALS_A_CELL, axis=0)[: self.again]

    def play(self, numbers: Sequence[int]) -> list[Played]:
        """The trials of these numbers, with the ball's spin learnt as in a run; without their time series."""
        from llm_policy_improver.table_tennis.other_cell import other_cell  # MuJoCo is needed only for this
        from llm_policy_improver.table_tennis.task import TableTennis  # MuJoCo is needed only for this

        task, neutral = TableTennis(*self.cell), self.space.neutral
        before = [task.run(neutral, FIRST_SEED + self.trials + number) for number in range(LATEST)]
        known = task.informed_by(before, version=1)
        design = initial_design(
            self.trials, self.space, np.random.default_rng((self.trials, self.space.dimension))
        )

        @lru_cache(maxsize=1)
        def other(cell: int) -> Task:
            factors = 1.0 + DEVIATION * self.amounts[cell * TRIALS_A_CELL]
            other = other_cell(*self.cell, factors).informed_by(before, version=1)
            if known.expected.restitution is not None:  # after the first balls a cell's arm knows its own table
                truth = other.simulator.config.ball.table_restitution
                learnt = replace(known.expected.restitution, mean=truth)
                other.expected = replace(other.expected, restitution=learnt)
            return other

        def run(task: Task, number: int) -> Trial:
            return replace(task.run(self.space.at(design[number]), FIRST_SEED + number), samples=None)

        return [
            (run(known, number), run(other(number // TRIALS_A_CELL), number) if number < self.again else None)
            for number in numbers
        ]


@cache
def _sources_digest() -> str:
    digest = hashlib.sha256()
    for source in sorted(path for folder in _SOURCES for path in (_PACKAGE / folder).rglob('*.py')):
        digest.update(source.read_bytes())
    return digest.hexdigest()


@cache
def _prior(order: _Order, brief: Brief) -> 'Prior':
    from llm_policy_improver.methods.numeric.landing.prior import Otherwise, Prior
    from llm_policy_improver.methods.numeric.landing.told import Told

    try:
        return Prior.load(order.path)
    except (OSError, ValueError, KeyError, BadZipFile):
        pass  # it is not there, or was cut short
    played = [
        (number, trial, other)
        for number, (trial, other) in enumerate(_played(order))
        if trial.tested and (other is None or other.tested)
    ]
    again = [(number, other) for number, _, other in played if other is not None]
    otherwise = Otherwise(
        Told.of([other for _, other in again], brief), order.amounts[[number for number, _ in again]]
    )
    prior = Prior.fit(Told.of([trial for _, trial, _ in played], brief), otherwise)
    try:
        order.path.parent.mkdir(parents=True, exist_ok=True)
        part = order.path.with_suffix(f'.{os.getpid()}')
        prior.save(part)
        part.replace(order.path)
    except OSError:
        pass  # it is made again in the next process
    return prior


@cache
def _workers(order: _Order) -> tuple[subprocess.Popen[str], ...]:
    count = min(os.cpu_count() or 1, 8, order.trials)
    code = f'from {__name__} import work; work()'
    environment = os.environ | {'PYTHONPATH': os.pathsep.join([str(_PACKAGE.parent), *sys.path])}
    workers: list[subprocess.Popen[str]] = []
    for number in range(count):
        worker = subprocess.Popen(
            [sys.executable, '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment,
        )  # fmt: skip
        assert worker.stdin is not None
        worker.stdin.write(_packed((order, range(number, order.trials, count))))
        worker.stdin.close()
        worker.stdin = None
        workers.append(worker)
    atexit.register(_end, workers)
    return tuple(workers)


def _end(workers: Sequence[subprocess.Popen[str]]) -> None:
    """Nobody waits for those any more that are still at it."""
    for worker in workers:
        worker.kill()
        worker.communicate()


def _played(order: _Order) -> list[Played]:
    found: list[list[Played]] = []
    for worker in _workers(order):
        told, wrong = worker.communicate()
        if worker.returncode != 0:
            last = wrong.strip().splitlines()[-1:] or [f'exit status {worker.returncode}']
            raise RuntimeError(f'the trials of the prior could not be simulated: {last[0]}')
        found.append(_unpacked(told))
    return [found[number % len(found)][number // len(found)] for number in range(order.trials)]


def work() -> None:
    """In a process of its own: play the trials that are asked for on standard input."""
    order, numbers = _unpacked(sys.stdin.read())
    if hasattr(os, 'nice'):
        os.nice(YIELDING)  # an arm may be running beside it
    sys.stdout.write(_packed(order.play(numbers)))


def _packed(thing: object) -> str:
    return base64.b64encode(pickle.dumps(thing)).decode()


def _unpacked(text: str) -> Any:
    return pickle.loads(base64.b64decode(text))
