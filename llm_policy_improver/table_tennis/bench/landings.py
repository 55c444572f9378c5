"""``bench landings``: how true the landings and outcomes are that the trace logger finds."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.bench.trials import Job, TrialFigures, run_trials
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.space import parameter_space


@dataclass(frozen=True, slots=True)
class LandingsResult:
    """Figures of ``bench landings``.

    Attributes:
        camera_noise_m: standard deviation of each coordinate of a sighting.
        trials: played.
        errors_m: (n,) distance of each detected landing to the true one.
        median_error_m, p95_error_m: of them.
        outcome_accuracy: share of trials judged right.
        confusions: outcome as it was and as it was judged, with the number of trials; the wrong ones.
    """

    camera_noise_m: float
    trials: int
    errors_m: NDArray[np.float64]
    median_error_m: float
    p95_error_m: float
    outcome_accuracy: float
    confusions: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'camera_noise_m': self.camera_noise_m,
            'trials': self.trials,
            'median_error_m': self.median_error_m,
            'p95_error_m': self.p95_error_m,
            'outcome_accuracy': self.outcome_accuracy,
            'confusions': self.confusions,
        }

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, figure and bar, for people."""
        rows = [
            ('cameras, noise of each coordinate', f'{1000 * self.camera_noise_m:.1f} mm', ''),
            ('median error of a landing', f'{1000 * self.median_error_m:.1f} mm', '<= 5 mm'),
            ('error of 95 % of the landings', f'{1000 * self.p95_error_m:.1f} mm', '<= 15 mm'),
            ('outcomes judged right', f'{self.outcome_accuracy:.1%} of {self.trials}', '>= 99 %'),
        ]
        return rows + [(f'judged wrong: {name}', f'{count}', '') for name, count in self.confusions.items()]

    def draw(self, path: Path) -> None:
        """Distribution of the errors."""
        figure = Figure(figsize=(6.0, 4.0), layout='constrained')
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.hist(1000 * self.errors_m, bins=40, color='0.5')
        axes.axvline(
            1000 * self.median_error_m, color='black', label=f'median {1000 * self.median_error_m:.1f} mm'
        )
        axes.axvline(
            1000 * self.p95_error_m,
            color='black',
            linestyle='--',
            label=f'95 %: {1000 * self.p95_error_m:.1f} mm',
        )
        axes.set(
            xlabel='error of the detected landing (mm)', ylabel='trials',
            title=f'{1000 * self.camera_noise_m:g} mm of noise on each coordinate of a sighting',
        )  # fmt: skip
        axes.legend()
        figure.savefig(path, dpi=130)


def run(
    trials: int,
    camera_noise: float = 0.003,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> LandingsResult:
    """Play balls of a rally with random attenuations, so that all outcomes occur."""
    space, generator = parameter_space(), np.random.default_rng(seed)
    jobs = [Job(space.sample(generator), seed + number) for number in range(trials)]
    simulation = SimulationConfig(balls='rally', camera_noise=camera_noise)
    controller = ControllerConfig(filter=FilterConfig(sighting=max(camera_noise, 0.001)))
    played = run_trials(jobs, simulation, controller, progress=lambda done: progress('trials', done, trials))
    errors = np.array([_error(t) for t in played if t.landed and t.landing is not None])
    wrong = [f'{t.true_outcome} as {t.outcome}' for t in played if t.true_outcome is not t.outcome]
    return LandingsResult(
        camera_noise_m=camera_noise,
        trials=trials,
        errors_m=errors,
        median_error_m=float(np.median(errors)),
        p95_error_m=float(np.percentile(errors, 95)),
        outcome_accuracy=1.0 - len(wrong) / trials,
        confusions={name: wrong.count(name) for name in sorted(set(wrong))},
    )


def _error(trial: TrialFigures) -> float:
    assert trial.landing is not None
    assert trial.true_landing is not None
    return math.dist(trial.landing, trial.true_landing)
