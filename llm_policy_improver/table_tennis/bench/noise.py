"""``bench noise``: how far the landings of the same parameters lie apart, under a real arm's noise.

Everywhere the published camera noise and delays (`cells.noisy_cell`) and the standard ball, and ticks and
pictures lie in time as they happen to.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.expected import NOTHING, Expected
from llm_policy_improver.table_tennis.ball.predictive import LATEST
from llm_policy_improver.table_tennis.bench.trials import Job, TrialFigures, run_trials
from llm_policy_improver.table_tennis.cells import noisy_cell
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.space import NEUTRAL, parameter_space
from llm_policy_improver.table_tennis.task import TableTennis

_PHASES: Final = (0.0, 0.004, 0.008, 0.012, 0.016, 0.019)
"""s, of the first control tick after the launch."""
_FEWEST: Final = 5
"""Landings of which a spread is taken."""

Landings = NDArray[np.float64]
"""(n, 2) m, x and y of true landings on the opponent's half."""


@dataclass(frozen=True, slots=True, eq=False)
class NoiseResult:
    """Figures of ``bench noise``.

    Attributes:
        neutral: landings of the unchanged controller.
        random: of each random policy.
        balls: played with each random policy.
        phase_m: largest distance between two landings of one policy that differ by the phase of the control tick
            alone, without noise and with the means of the delays; for each policy.
        steered: landings of random policies without noise and delays, one ball each.
    """

    neutral: Landings
    random: tuple[Landings, ...]
    balls: int
    phase_m: tuple[float, ...]
    steered: Landings

    @property
    def random_m(self) -> tuple[float, float]:
        """m, spread of the landings of one random policy in x and y: the mean one, in squares."""
        variances = [np.var(found, axis=0, ddof=1) for found in self.random if len(found) >= _FEWEST]
        return _pair(np.sqrt(np.mean(variances, axis=0)) if variances else np.full(2, np.nan))

    @property
    def random_landed(self) -> float:
        """Share of the balls played with random policies that landed."""
        return sum(map(len, self.random)) / (self.balls * len(self.random))

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'neutral_m': list(_spread(self.neutral)),
            'random_m': list(self.random_m),
            'random_landed': self.random_landed,
            'phase_m': max(self.phase_m, default=math.nan),
            'phase_median_m': float(np.median(self.phase_m)),
            'steering_m': list(_spread(self.steered)),
            'rows': [
                {
                    'policy': number,
                    'balls': self.balls,
                    'landed': len(found),
                    'spread_m': list(_spread(found)),
                }
                for number, found in enumerate(self.random)
            ],
        }

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, figure and bar, for people."""
        return [
            ('neutral, spread of x and y', _told(_spread(self.neutral)), '<= 0.02, 0.05 m'),
            ('random attenuations, one policy', _told(self.random_m), '<= 0.035, 0.07 m'),
            ('random attenuations land', f'{self.random_landed:.1%}', '>= 93 %'),
            (
                'the phase of the tick alone, most',
                f'{max(self.phase_m, default=math.nan):.3f} m',
                '<= 0.03 m',
            ),
            ('the same, median of the policies', f'{np.median(self.phase_m):.3f} m', ''),
            ('steering: between policies, no noise', _told(_spread(self.steered)), '>= 0.15, 0.23 m'),
        ]

    def draw(self, path: Path) -> None:
        """The landings: each policy a colour."""
        figure = Figure(figsize=(6.5, 6.0), layout='constrained')
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        for number, found in enumerate(self.random):
            axes.plot(*found.T, '.', markersize=4, color=f'C{number % 10}')
        axes.plot(*self.neutral.T, '+', markersize=6, color='black', label='unchanged controller')
        axes.set(
            xlim=(-table.HALF_WIDTH, table.HALF_WIDTH), ylim=(0.0, table.HALF_LENGTH), aspect='equal',
            xlabel="x, to the robot's right (m)", ylabel='y, beyond the net (m)',
            title='Landings under noise; a colour is a policy',
        )  # fmt: skip
        axes.legend(loc='upper right')
        figure.savefig(path, dpi=130)


def run(
    balls: int, policies: int, seed: int = 0, progress: Callable[[str, int, int], None] = lambda *_: None
) -> NoiseResult:
    """Play ``balls`` balls with the unchanged controller, and a third as many with each of ``policies`` random ones.

    What to expect of them under noise is learnt from some balls before, as in a run.
    """
    space, generator = parameter_space(), np.random.default_rng(seed)
    drawn = [space.sample(generator) for _ in range(policies)]
    noisy, controller = noisy_cell()

    def play(
        name: str,
        jobs: Sequence[Job],
        simulation: SimulationConfig,
        known: ControllerConfig,
        expected: Expected = NOTHING,
    ) -> list[TrialFigures]:
        return run_trials(
            jobs, simulation, known, expected=expected, progress=lambda done: progress(name, done, len(jobs))
        )

    expected = _learnt(noisy, controller, seed + 1_000_000)
    neutral = play(
        'neutral', [Job(NEUTRAL, seed + number) for number in range(balls)], noisy, controller, expected
    )
    each = max(_FEWEST, balls // 3)
    jobs = [
        Job(policy, seed + each * place + number)
        for place, policy in enumerate(drawn)
        for number in range(each)
    ]
    random = play('random attenuations', jobs, noisy, controller, expected)
    steered = play('no noise', [Job(policy, 0) for policy in drawn], SimulationConfig(), ControllerConfig())
    known = replace(noisy, camera_noise=0.0, latency=noisy.latency.means, random_phase=False)
    shifted = [
        play(
            'phases', [Job(policy, 0) for policy in drawn], replace(known, tick_phase=phase), controller, expected
        )
        for phase in _PHASES
    ]
    return NoiseResult(
        neutral=_landings(neutral),
        random=tuple(_landings(random[begin:end]) for begin, end in pairwise(range(0, len(jobs) + 1, each))),
        balls=each,
        phase_m=tuple(
            _diameter(found)
            for found in map(_landings, zip(*shifted, strict=True))
            if len(found) == len(_PHASES)
        ),
        steered=_landings(steered),
    )


def _learnt(simulation: SimulationConfig, controller: ControllerConfig, seed: int) -> Expected:
    """What a run's first balls show of the next ones."""
    task = TableTennis(simulation, controller)
    trials = [task.run(NEUTRAL, seed + number) for number in range(LATEST)]
    return task.informed_by(trials, version=1).expected


def _landings(trials: Sequence[TrialFigures]) -> Landings:
    return np.array([t.true_landing for t in trials if t.landed]).reshape(-1, 2)


def _diameter(found: Landings) -> float:
    return float(np.linalg.norm(found[:, None] - found[None, :], axis=2).max())


def _spread(found: Landings) -> tuple[float, float]:
    """m, standard deviation of x and of y; NaN of too few."""
    return _pair(np.std(found, axis=0, ddof=1) if len(found) >= _FEWEST else np.full(2, np.nan))


def _pair(values: NDArray[np.float64]) -> tuple[float, float]:
    x, y = values.tolist()
    return x, y


def _told(pair: tuple[float, float]) -> str:
    return f'{pair[0]:.3f}, {pair[1]:.3f} m'
