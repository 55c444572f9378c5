"""``bench coverage``: where random attenuations put the ball, and what each parameter does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import ATTENUATIONS
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.bench.reachable_best import ReachableBest, read_reachable
from llm_policy_improver.table_tennis.bench.trials import Job, TrialFigures, run_trials
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.space import parameter_space


@dataclass(frozen=True, slots=True, eq=False)
class CoverageResult:
    """Figures of ``bench coverage``.

    Attributes:
        trials: uniformly random attenuations on the standard ball.
        landed_fraction: of them.
        varied_balls: number of varied balls, each with an attenuation of its own.
        landed_fraction_varied: of those.
        effects: (8, 2) m, linear effect of each parameter, from its lower to its upper bound, on x and y.
        explained: (2,) share of the variance of x and y that the linear effects explain.
        reachable: the stored best landings (``bench reachable``).
    """

    trials: tuple[TrialFigures, ...]
    landed_fraction: float
    varied_balls: int
    landed_fraction_varied: float
    effects: NDArray[np.float64]
    explained: NDArray[np.float64]
    reachable: dict[str, ReachableBest]

    @property
    def gaps(self) -> dict[str, float]:
        """m, from the reachable best landing to the edge or the net."""
        best = self.reachable
        return {
            'right_edge_gap_m': table.HALF_WIDTH - best['far right'].x,
            'left_edge_gap_m': table.HALF_WIDTH + best['far left'].x,
            'far_end_gap_m': table.HALF_LENGTH - best['far end'].y,
            'beyond_net_m': best['near the net'].y,
        }

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'samples': len(self.trials),
            'landed_fraction': self.landed_fraction,
            'varied_balls': self.varied_balls,
            'landed_fraction_varied': self.landed_fraction_varied,
            **self.gaps,
            'effects_m': {
                joint: {'x': float(x), 'y': float(y)}
                for joint, (x, y) in zip(JOINTS, self.effects, strict=True)
            },
            'explained': {'x': float(self.explained[0]), 'y': float(self.explained[1])},
        }

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, figure and bar, for people."""
        gaps = self.gaps
        rows = [
            ('landed, standard ball', f'{self.landed_fraction:.1%} of {len(self.trials)}', '>= 90 %'),
            ('landed, varied balls', f'{self.landed_fraction_varied:.1%} of {self.varied_balls}', '>= 90 %'),
            ('reachable best to the right edge', f'{gaps["right_edge_gap_m"]:.3f} m', '<= 0.10 m'),
            ('reachable best to the left edge', f'{gaps["left_edge_gap_m"]:.3f} m', '<= 0.10 m'),
            ('reachable best to the far end', f'{gaps["far_end_gap_m"]:.3f} m', '<= 0.10 m'),
            ('reachable best behind the net', f'{gaps["beyond_net_m"]:.3f} m', '<= 0.20 m'),
        ]
        return rows + [
            (f'{letter} ({joint}), lowest to highest', f'x {x:+.2f} m, y {y:+.2f} m', '')
            for letter, joint, (x, y) in zip(ATTENUATIONS, JOINTS, self.effects, strict=True)
        ]

    def draw(self, path: Path) -> None:
        """The landings, and the effects as bars."""
        figure = Figure(figsize=(10.0, 5.5), layout='constrained')
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        landings = np.array([t.true_landing for t in self.trials if t.landed]).reshape(-1, 2)
        left.plot(landings[:, 0], landings[:, 1], '.', color='0.4', markersize=3, label='random attenuations')
        best = np.array([(b.x, b.y) for b in self.reachable.values()]).reshape(-1, 2)
        left.plot(best[:, 0], best[:, 1], '*', color='tab:red', markersize=10, label='reachable best')
        left.set(
            xlim=(-table.HALF_WIDTH, table.HALF_WIDTH), ylim=(0.0, table.HALF_LENGTH), aspect='equal',
            xlabel="x, to the robot's right (m)", ylabel='y, beyond the net (m)', title='Landings on the standard ball',
        )  # fmt: skip
        left.legend(loc='lower left')
        rows = np.arange(len(JOINTS))
        right.barh(rows - 0.2, self.effects[:, 0], 0.4, color='0.25', label='x')
        right.barh(rows + 0.2, self.effects[:, 1], 0.4, color='0.7', label='y')
        labels = [f'{letter} ({joint})' for letter, joint in zip(ATTENUATIONS, JOINTS, strict=True)]
        right.set_yticks(rows, labels)
        right.invert_yaxis()
        right.axvline(0.0, color='black', linewidth=0.8)
        right.set(
            xlabel='shift of the landing, lowest to highest attenuation (m)', title='Effect of each parameter'
        )
        right.legend()
        figure.savefig(path, dpi=130)


def run(
    samples: int,
    varied: int = 200,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> CoverageResult:
    """Play ``samples`` random attenuations on the standard ball and ``varied`` on balls of a rally."""
    space, generator = parameter_space(), np.random.default_rng(seed)

    def play(name: str, count: int, simulation: SimulationConfig, *, one_ball: bool) -> list[TrialFigures]:
        jobs = [Job(space.sample(generator), seed if one_ball else seed + n) for n in range(count)]
        return run_trials(jobs, simulation, progress=lambda done: progress(name, done, count))

    trials = play('standard ball', samples, SimulationConfig(), one_ball=True)
    others = play('varied balls', varied, SimulationConfig(balls='rally'), one_ball=False)
    landed = [t for t in trials if t.landed]
    unit = np.array([space.unit(t.job.policy.values) for t in landed]).reshape(-1, space.dimension)
    landings = np.array([t.true_landing for t in landed]).reshape(-1, 2)
    design = np.column_stack((np.ones(len(unit)), unit))
    weights = np.linalg.lstsq(design, landings, rcond=None)[0]
    explained = 1.0 - (landings - design @ weights).var(axis=0) / landings.var(axis=0)
    return CoverageResult(
        trials=tuple(trials),
        landed_fraction=len(landed) / samples,
        varied_balls=varied,
        landed_fraction_varied=sum(t.landed for t in others) / varied,
        effects=2.0 * weights[1:],
        explained=explained,
        reachable=read_reachable(),
    )
