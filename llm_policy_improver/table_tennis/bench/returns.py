"""``bench returns``: how many balls of a rally the bare controller returns, and how precisely."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.bench.trials import Job, TrialFigures, run_trials
from llm_policy_improver.table_tennis.cells import noisy_cell
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.rally import RallyLauncher
from llm_policy_improver.table_tennis.space import NEUTRAL

SLOW, FAST = 3.5, 7.0
"""m/s: slower balls are slow, faster ones fast (D'Ambrosio et al. 2024, arXiv 2408.03906)."""

Progress = Callable[[str, int, int], None]
"""Told the kind of ball, the trials done and the trials in all."""


@dataclass(frozen=True, slots=True)
class Returns:
    """Figures of one kind of ball.

    Attributes:
        name: of the kind.
        balls: played.
        returned: share that landed on the opponent's half, the net untouched.
        target_error_m: mean distance of the landings to the controller's target; NaN without any.
        limit_violations: trials with a joint beyond its range or its speed limit.
        collisions: trials in which the arm touched something.
    """

    name: str
    balls: int
    returned: float
    target_error_m: float
    limit_violations: int
    collisions: int

    @classmethod
    def of(cls, name: str, trials: Sequence[TrialFigures]) -> 'Returns':
        """Sum up trials."""
        target = ControllerConfig().stroke.target
        landings = [t.true_landing for t in trials if t.landed and t.true_landing is not None]
        errors = [math.dist(landing, target) for landing in landings]
        return cls(
            name=name,
            balls=len(trials),
            returned=len(landings) / len(trials) if trials else math.nan,
            target_error_m=float(np.mean(errors)) if errors else math.nan,
            limit_violations=sum(t.limit_violations > 0 for t in trials),
            collisions=sum(bool(t.arm_contact) for t in trials),
        )


@dataclass(frozen=True, slots=True)
class ReturnsResult:
    """Figures of ``bench returns``.

    Attributes:
        clean: slow and normal balls without noise or delays.
        noisy: the same balls with the cameras' noise and the published delays.
        wider: slow balls alone, fast balls and heavy spin, without noise.
        trials: of ``clean``, for the picture.
    """

    clean: Returns
    noisy: Returns
    wider: tuple[Returns, ...]
    trials: tuple[TrialFigures, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'balls': self.clean.balls,
            'returned_fraction': self.clean.returned,
            'returned_fraction_noisy': self.noisy.returned,
            'mean_target_error_m': self.clean.target_error_m,
            'mean_target_error_noisy_m': self.noisy.target_error_m,
            'limit_violations': self.clean.limit_violations + self.noisy.limit_violations,
            'collisions': self.clean.collisions,
            'collisions_noisy': self.noisy.collisions,
            'wider': [asdict(kind) for kind in self.wider],
        }

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, figure and bar, for people."""
        rows = [
            ('returned, no noise', f'{self.clean.returned:.1%} of {self.clean.balls}', '>= 98 %'),
            ('mean distance to the target', f'{self.clean.target_error_m:.3f} m', '<= 0.06 m'),
            ('returned, published noise and delays', f'{self.noisy.returned:.1%}', '>= 85 %'),
            ('mean distance to the target, with them', f'{self.noisy.target_error_m:.3f} m', ''),
            (
                'trials beyond a joint limit',
                f'{self.clean.limit_violations + self.noisy.limit_violations}',
                '0',
            ),
            (
                'trials with a touch of the arm',
                f'{self.clean.collisions} (noisy: {self.noisy.collisions})',
                '0',
            ),
        ]
        return rows + [
            (f'{kind.name} ({kind.balls} balls)', f'{kind.returned:.1%}, {kind.target_error_m:.3f} m', '')
            for kind in self.wider
        ]

    def draw(self, path: Path) -> None:
        """The landings of the balls without noise, and where the balls came from that were not returned."""
        figure = Figure(figsize=(9.0, 5.5), layout='constrained')
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        landings = np.array([t.true_landing for t in self.trials if t.landed]).reshape(-1, 2)
        left.plot(landings[:, 0], landings[:, 1], '.', color='0.35', markersize=3)
        left.plot(*ControllerConfig().stroke.target, '*', color='tab:red', markersize=14, label='target')
        left.set(
            xlim=(-table.HALF_WIDTH, table.HALF_WIDTH), ylim=(0.0, table.HALF_LENGTH), aspect='equal',
            xlabel="x, to the robot's right (m)", ylabel='y, beyond the net (m)', title='Landings without noise',
        )  # fmt: skip
        left.legend(loc='upper right')
        for returned, colour, label in ((True, '0.7', 'returned'), (False, 'tab:red', 'not returned')):
            chosen = [t for t in self.trials if t.landed is returned]
            right.plot(
                [t.launch_speed for t in chosen], [t.launch_spin for t in chosen], '.', color=colour, label=label,
                markersize=3 if returned else 8,
            )  # fmt: skip
        right.set(xlabel='speed at the launch (m/s)', ylabel='spin about x (rad/s)', title='Balls')
        right.legend(loc='upper left')
        figure.savefig(path, dpi=130)


def run(balls: int, seed: int = 0, progress: Progress = lambda name, done, count: None) -> ReturnsResult:
    """Play ``balls`` balls clean and noisy, and a fifth as many of each wider kind."""

    def play(
        name: str, count: int, simulation: SimulationConfig, controller: ControllerConfig
    ) -> list[TrialFigures]:
        jobs = [Job(NEUTRAL, seed + number) for number in range(count)]
        return run_trials(jobs, simulation, controller, progress=lambda done: progress(name, done, count))

    rally, bare = SimulationConfig(balls='rally'), ControllerConfig()
    clean = play('no noise', balls, rally, bare)
    noisy = play('noise and delays', balls, *noisy_cell('rally'))
    kinds = {
        f'slow, below {SLOW:g} m/s': RallyLauncher(start_low=0.3, start_high=0.9, speed_high=SLOW),
        f'fast, {FAST:g} to 10 m/s': RallyLauncher(speed_low=FAST, speed_high=10.0),
        'topspin, 50 to 150 rad/s': RallyLauncher(spin_low=50.0, spin_high=150.0),
        'backspin, 25 to 100 rad/s': RallyLauncher(spin_low=-100.0, spin_high=-25.0),
        'side spin, up to 80 rad/s': RallyLauncher(side_spin=80.0),
    }
    fewer = max(1, balls // 5)
    wider = [
        Returns.of(name, play(name, fewer, replace(rally, rally=launcher), bare))
        for name, launcher in kinds.items()
    ]
    return ReturnsResult(
        Returns.of('no noise', clean), Returns.of('noise and delays', noisy), tuple(wider), tuple(clean)
    )
