"""Recordings for calibrations: balls flown in MuJoCo, and what cameras of a real cell make of them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.calibration.level import level, moved
from llm_policy_improver.table_tennis.calibration.recordings import ArmSeries, Recording
from llm_policy_improver.table_tennis.cells import noisy_cell
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.rally import RallyLauncher
from llm_policy_improver.table_tennis.simulation.simulator import Simulator
from llm_policy_improver.table_tennis.space import NEUTRAL
from llm_policy_improver.table_tennis.task import TableTennis

Array = NDArray[np.float64]

DRAWN = {
    'drag_coefficient': (0.40, 0.60),
    'lift_coefficient': (0.55, 1.09),
    'table_restitution': (0.86, 0.96),
    'table_friction': (0.20, 0.32),
}
"""What the true coefficients of a cell are drawn from."""


RACKETS = {'racket_restitution': (0.74, 0.84), 'racket_grip': (0.55, 0.85)}


def drawn_ball(seed: int, racket: bool = False) -> BallModel:
    generator = np.random.default_rng([seed, 77])
    drawn = DRAWN | RACKETS if racket else DRAWN
    return BallModel(**{name: float(generator.uniform(*ends)) for name, ends in drawn.items()})


def recorded_strokes(ball: BallModel, count: int, seed: int = 0) -> list[Recording]:
    """Balls of a rally, played by the arm under the published noise and delays, one recording each."""
    simulation, controller = noisy_cell('rally')
    task = TableTennis(replace(simulation, ball=ball), controller)
    found = []
    for number in range(count):
        samples = task.run(NEUTRAL, 1000 * seed + number).samples
        arm = ArmSeries(
            samples.joint_time, samples.joint_position, samples.joint_velocity,
            samples.joint_time, samples.applied_velocity,
        )  # fmt: skip
        found.append(Recording(f'stroke {number}', samples.ball_time, samples.ball_position, arm=arm))
    return found


def recorded_balls(
    ball: BallModel,
    count: int,
    seed: int = 0,
    noise: float = 0.003,
    period: float = 0.008,
    side_spin: float = 60.0,
) -> list[Recording]:
    """Balls of a rally past an arm that stands still, one recording each."""
    rally = RallyLauncher(side_spin=side_spin)
    simulator = Simulator(
        SimulationConfig(
            camera_noise=noise, camera_period=period, balls='rally', random_phase=True, ball=ball, rally=rally
        )
    )
    found = []
    for number in range(count):
        simulator.launch(1000 * seed + number)
        while not simulator.finished:
            simulator.advance(20, np.zeros(8))
        seen = simulator.take_sightings()
        time = np.array([each.stamp / 1e9 for each in seen])
        found.append(Recording(f'ball {number}', time, np.array([each.position for each in seen])))
    return found


@dataclass(frozen=True)
class Spoiled:
    """What is wrong with the cameras of a cell, as in published recordings.

    Attributes:
        height, roll, pitch: m, rad, of the correction that the recorded frame needs.
        along: m, further noise along y.
        rounding: s, of the stamps.
        jumps, outliers, lost, twice, blind: shares of the sightings that are stamped 1 ms late, 0.1 m off, not there,
            recorded twice, NaN.
    """

    height: float = 0.024
    roll: float = 0.006
    pitch: float = -0.005
    along: float = 0.002
    rounding: float = 0.001
    jumps: float = 0.02
    outliers: float = 0.01
    lost: float = 0.02
    twice: float = 0.02
    blind: float = 0.01

    def __call__(self, recording: Recording, seed: int) -> Recording:
        generator = np.random.default_rng(seed)
        correction = level(self.height, self.roll, self.pitch)
        # The other way round: from the table to the recorded frame.
        position = (recording.position - correction.translation) @ correction.rotation
        assert np.allclose(moved(correction, position), recording.position)
        count = len(position)
        position = position + generator.normal(0.0, 1.0, (count, 3)) * (0.0, self.along, 0.0)
        some = generator.random((5, count))
        time = recording.time + (some[0] < self.jumps) * 0.001
        time = np.round(time / self.rounding) * self.rounding
        position = position + 0.1 * generator.normal(size=(count, 3)) * (some[1] < self.outliers)[:, None]
        position[some[2] < self.blind] = np.nan
        rows = np.repeat(np.arange(count), 1 + (some[3] < self.twice))
        rows = rows[some[4][rows] > self.lost]
        return Recording(recording.source, time[rows], position[rows], 'cameras')


def one_after_another(recordings: list[Recording], pause: float = 1.0) -> Recording:
    """All in one recording, as of an evening."""
    start, times = 0.0, []
    for each in recordings:
        times.append(each.time - each.time[0] + start)
        start = float(times[-1].max()) + pause
    positions = np.concatenate([each.position for each in recordings])
    return Recording('evening', np.concatenate(times), positions, recordings[0].frame)
