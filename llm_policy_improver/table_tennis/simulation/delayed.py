"""The simulator behind cameras, encoders and drives that take their time."""

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, BallObservation
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.simulator import Simulator


class DelayedSimulator(Simulator):
    """A `Simulator` whose sightings, joint states and commands arrive late, by delays drawn for every trial.

    Sightings keep the stamp of their picture, as cameras give it; joint states are stamped on arrival, as
    drivers do, and show what was.
    """

    def launch(self, seed: int) -> None:
        """Put the arm into its ready pose, draw the delays and launch the ball of this seed."""
        self._delays = self.config.latency.draw(np.random.default_rng([seed, 2]))
        period = self.config.physics_period
        self._state_steps = np.round(self._delays.state / period).astype(int)
        self._action_steps = np.round(self._delays.action / period).astype(int)
        self._commands: list[NDArray[np.float64]] = []
        self._under_way: list[BallObservation] = []
        super().launch(seed)
        self._past = [self._joints()]

    @property
    def ball_delay(self) -> float:
        """s from a picture to its sighting, drawn for this trial."""
        return self._delays.ball

    def observe(self) -> tuple[ArmObservation, tuple[BallObservation, ...]]:
        """The arm as it was when its message was measured, and the sightings that have arrived since."""
        arm, sightings = super().observe()
        self._under_way.extend(sightings)
        arrived = self.stamp - round(self._delays.ball * NANOSECONDS)
        due = tuple(sighting for sighting in self._under_way if sighting.stamp <= arrived)
        self._under_way = self._under_way[len(due) :]
        rows = np.maximum(len(self._past) - 1 - self._state_steps, 0)
        shown = np.array([self._past[row][:, joint] for joint, row in enumerate(rows.tolist())])
        return ArmObservation(arm.stamp, shown[:, 0], shown[:, 1]), due

    def step(self, velocity: NDArray[np.float64]) -> None:
        """Send this joint velocity command (8,), m/s and rad/s, and advance one control period."""
        self._commands.append(np.array(velocity, dtype=float))
        for _ in range(self._control_steps):
            rows = (self._steps - self._first_tick - self._action_steps) // self._control_steps
            command = [
                self._commands[row][joint] if row >= 0 else 0.0 for joint, row in enumerate(rows.tolist())
            ]
            self.advance(1, command)
            self._past.append(self._joints())

    def _joints(self) -> NDArray[np.float64]:
        """(2, 8) positions and velocities now."""
        return np.array((self.data.qpos[: self._arm_dofs], self.data.qvel[: self._arm_dofs]))


def make_simulator(config: SimulationConfig | None = None) -> Simulator:
    """The simulator of this configuration, with delays where it has any."""
    config = config or SimulationConfig()
    return DelayedSimulator(config) if config.latency.present else Simulator(config)
