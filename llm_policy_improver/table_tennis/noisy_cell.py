"""A cell with the noise of a real one: the published delays, the cameras' noise, and a controller that knows both."""

from typing import Final

from llm_policy_improver.table_tennis.arm.joint_model import LatencyModel
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.latency import Latency

CAMERA_NOISE: Final = 0.003
"""m, standard deviation of each coordinate of a sighting in the noisy runs."""


def noisy_setup() -> tuple[SimulationConfig, ControllerConfig]:
    """Simulator and controller with the published delays and cameras' noise; the controller knows the means."""
    delays = Latency.published()
    simulation = SimulationConfig(balls='rally', camera_noise=CAMERA_NOISE, latency=delays, random_phase=True)
    return simulation, _knowing_delays(delays, CAMERA_NOISE)


def _knowing_delays(latency: Latency, camera_noise: float) -> ControllerConfig:
    """A controller that knows the mean delays and the cameras' noise, for an arm that has them."""
    known = LatencyModel(
        arm_action=latency.arm_action, slide_x_action=latency.slide_x_action, slide_y_action=latency.slide_y_action,
        arm_state=latency.arm_state, slide_state=latency.slide_state, trust=0.05,
    )  # fmt: skip
    return ControllerConfig(filter=FilterConfig(sighting=max(camera_noise, 1e-4)), latency=known)
