"""Simulated drives come to rest, as real ones do, also where they went from one force limit to the other."""

import numpy as np
import pytest

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.drives import DRIVES
from llm_policy_improver.table_tennis.observation import NANOSECONDS
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.continuous import ARM_GROUP, ContinuousSimulator
from llm_policy_improver.table_tennis.simulation.trembling import LASTING, Trembling

POSE = np.array([-0.0012, -0.4356, -0.4502, 0.6399, 0.0762, 1.2430, -0.9510, 1.1738])
KICK = np.array([-0.001, -0.001, -0.005, -0.035, 0.176, -0.591, -0.005, 0.005])
"""m and rad, m/s and rad/s: where a stand-in arm trembled for half a minute."""
COUNT = len(arm.ARM)
LIMITS = np.array([DRIVES[joint.name].force for joint in arm.ARM])


def trembling() -> ContinuousSimulator:
    simulator = ContinuousSimulator(SimulationConfig())
    data = simulator.simulator.data
    data.qpos[:COUNT] = data.act[:COUNT] = POSE
    data.qvel[:COUNT] = KICK
    return simulator


def advance(simulator: ContinuousSimulator, seconds: float) -> float:
    """Speed of the fastest joint then."""
    simulator.advance(simulator.time + round(seconds * NANOSECONDS))
    return float(np.abs(simulator.simulator.data.qvel[:COUNT]).max())


def test_arm_that_trembles_comes_to_rest_where_it_is() -> None:
    simulator = trembling()
    assert advance(simulator, 0.9 * LASTING) == pytest.approx(0.59, abs=0.01)  # it is one that trembles
    assert advance(simulator, LASTING) < 0.01
    assert advance(simulator, 1.0) < 1e-4
    assert simulator.simulator.data.qpos[:COUNT] == pytest.approx(POSE, abs=2e-3)


def test_drives_that_reach_their_limits_in_a_jerk_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def jerked() -> tuple[np.ndarray, int]:
        simulator, limited = ContinuousSimulator(SimulationConfig()), 0
        for _ in range(200):
            simulator.send(ARM_GROUP, [1.0] * 6, simulator.time)
            advance(simulator, 0.001)
            limited += int((np.abs(simulator.simulator.data.actuator_force) >= LIMITS).any())
        return simulator.simulator.data.qpos[:COUNT].copy(), limited

    watched, limited = jerked()
    assert limited > 20
    monkeypatch.setattr(Trembling, 'see_step', lambda self: None)
    assert np.array_equal(watched, jerked()[0])
