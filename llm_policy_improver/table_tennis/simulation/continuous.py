"""The simulated arm as it is for whoever is connected to the real one: time goes on, whether commands come or not.

    going = ContinuousSimulator(config)
    going.begin(now)
    going.send(ARM_GROUP, velocities, received=going.time)
    going.advance(going.time + 4_000_000)
    going.joints(), going.sightings()

Times are passed in. Balls are thrown to an arm that goes on with what it does, and a command holds until the next one
of its group comes, or until the drives' own time-out.
"""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, BallObservation
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.drive_timeout import DriveTimeout, TimedDrives
from llm_policy_improver.table_tennis.simulation.simulator import Simulator
from llm_policy_improver.table_tennis.simulation.trembling import Trembling

GANTRY_GROUP: Final = slice(0, 2)
"""The two slides, which take their commands in one message."""
ARM_GROUP: Final = slice(2, len(arm.ARM))
"""The six axes, likewise."""

_LONGEST_DELAY = NANOSECONDS // 2
"""ns that the joints' past is kept: longer than a mean delay with any draw of its spread."""
_AT_ONCE = 8


class ContinuousSimulator:
    """A `Simulator` that goes on by a clock, with delays of cameras, encoders and drives drawn anew for every ball.

    The arm stands in its ready pose at the start.

    Args:
        config: physics, cameras, delays and balls; its control period is not used, as commands come when they come.
        seed: draws the delays until the first ball.
        timeout: of the drives.

    Attributes:
        time: ns, up to which everything is simulated.
        simulator: for what really happens; nobody behind the sensors may look.
        in_play: whether a ball is.
    """

    def __init__(
        self, config: SimulationConfig, seed: int = 0, timeout: DriveTimeout | None = None
    ) -> None:
        self.simulator = Simulator(config)
        self._trembling = Trembling(self.simulator.model, self.simulator.data)
        self.time = 0
        self.in_play = False
        self._step = round(config.physics_period * NANOSECONDS)
        self._sent: list[deque[tuple[int, float]]] = [deque() for _ in arm.ARM]
        self._drives = TimedDrives(timeout or DriveTimeout())
        self._under_way: deque[BallObservation] = deque()
        self._thrown_at = 0
        self._draw_delays(seed)
        # One imaginary ball: nothing is to be compiled or loaded while time goes on.
        self.simulator.launch(seed)
        while not self.simulator.finished:
            self.simulator.advance(_AT_ONCE, np.zeros(len(arm.ARM)))
        self.simulator.launch(seed)
        self.simulator.take_ball_away()
        self.simulator.take_sightings()
        self._past: deque[NDArray[np.float64]] = deque([self._joints_now()], _LONGEST_DELAY // self._step)

    def begin(self, time: int) -> None:
        """It is this time now, ns, and nothing has happened so far."""
        self.time = time

    @property
    def touched(self) -> str:
        """What the arm touched, that it must not, since the last throw, in words; empty where nothing."""
        return self.simulator.arm_contact

    def _draw_delays(self, seed: int) -> None:
        delays = self.simulator.config.latency.draw(np.random.default_rng([seed, 2]))
        self._action_delay = [round(delay * NANOSECONDS) for delay in delays.action.tolist()]
        self._state_steps = np.round(delays.state * NANOSECONDS / self._step).astype(int)
        self._ball_delay = round(delays.ball * NANOSECONDS)

    def throw(self, seed: int) -> None:
        """The ball of this seed comes."""
        self._draw_delays(seed)
        self.simulator.throw(seed)
        self._thrown_at = self.time
        self._under_way.clear()
        self.in_play = True

    def send(self, group: slice, velocity: ArrayLike, received: int) -> None:
        """A command to a group of joints, m/s and rad/s; it takes effect one delay after its arrival, ns."""
        for joint, value in zip(
            range(*group.indices(len(arm.ARM))), np.asarray(velocity, dtype=float), strict=True
        ):
            self._sent[joint].append((received, float(value)))

    def advance(self, until: int) -> None:
        """Simulate all physics steps that end by then, ns."""
        simulator = self.simulator
        while self.time + self._step <= until:
            self._take_effect()
            simulator.advance(1, self._drives.velocity(self.time))
            self._trembling.see_step()
            self.time += self._step
            self._past.append(self._joints_now())
            if self.in_play:
                self._under_way.extend(
                    sighting._replace(stamp=self._thrown_at + sighting.stamp)
                    for sighting in simulator.take_sightings()
                )
                self.in_play = not simulator.finished
            else:
                simulator.take_ball_away()

    def leave_out(self, duration: int) -> None:
        """Let so many ns pass without simulating them, as if nothing had happened; of whole physics steps."""
        self.time += duration
        self._thrown_at += duration
        self._drives.leave_out(duration)

    def joints(self) -> ArmObservation:
        """What drivers report now: stamped now, of a state that was measured before, m and rad, m/s and rad/s."""
        rows = np.maximum(len(self._past) - 1 - self._state_steps, 0)
        shown = np.array([self._past[row][:, joint] for joint, row in enumerate(rows.tolist())])
        return ArmObservation(self.time, shown[:, 0], shown[:, 1])

    def sightings(self) -> tuple[BallObservation, ...]:
        """What has arrived from the cameras since the last call, with the stamps of the pictures."""
        arrived = []
        while self._under_way and self._under_way[0].stamp + self._ball_delay <= self.time:
            arrived.append(self._under_way.popleft())
        return tuple(arrived)

    def _take_effect(self) -> None:
        """The newest command of every joint whose delay is over."""
        for joint, queue in enumerate(self._sent):
            while queue and queue[0][0] + self._action_delay[joint] <= self.time:
                received, velocity = queue.popleft()
                self._drives.take(joint, velocity, received + self._action_delay[joint])

    def _joints_now(self) -> NDArray[np.float64]:
        """(2, 8) positions and velocities."""
        data, count = self.simulator.data, len(arm.ARM)
        return np.array((data.qpos[:count], data.qvel[:count]))
