"""Cells to simulate: without noise, or with published delays and noise, and a controller that knows both."""

from dataclasses import replace
from typing import Final, Literal

from llm_policy_improver.table_tennis.arm.joint_model import LatencyModel
from llm_policy_improver.table_tennis.ball.filter import FilterConfig
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.latency import Latency

Cell = tuple[SimulationConfig, ControllerConfig]
"""What is simulated, and the controller of it."""

LANDING_NOISE: Final = 0.03
"""m, about by how much the landings of a repeated policy scatter there (docs/simulation.md)."""
CAMERA_NOISE: Final = 0.003
"""m, standard deviation of each coordinate of a sighting in the noisy runs."""


def quiet_cell() -> Cell:
    """The simulator as it is: no noise, no delays, the standard ball."""
    return SimulationConfig(), ControllerConfig()


def noisy_cell(balls: Literal['standard', 'rally'] = 'standard') -> Cell:
    """The published delays and cameras' noise, and phases that differ; the controller knows the means.

    Args:
        balls: as in `SimulationConfig`.
    """
    delays = Latency.published()
    simulation = SimulationConfig(balls=balls, camera_noise=CAMERA_NOISE, latency=delays, random_phase=True)
    return simulation, _knowing_delays(delays, CAMERA_NOISE)


def in_noise(simulation: SimulationConfig, controller: ControllerConfig) -> Cell:
    """A cell with delays and noise of `noisy_cell` in the place of its own; all else stays."""
    noisy, knowing = noisy_cell()
    simulation = replace(
        simulation, camera_noise=noisy.camera_noise, latency=noisy.latency, random_phase=noisy.random_phase
    )
    known = replace(controller.filter, sighting=knowing.filter.sighting)
    return simulation, replace(controller, filter=known, latency=knowing.latency)


def _knowing_delays(latency: Latency, camera_noise: float) -> ControllerConfig:
    """A controller that knows the mean delays and the cameras' noise, for an arm that has them."""
    known = LatencyModel(
        arm_action=latency.arm_action, slide_x_action=latency.slide_x_action, slide_y_action=latency.slide_y_action,
        arm_state=latency.arm_state, slide_state=latency.slide_state, trust=0.05,
    )  # fmt: skip
    return ControllerConfig(filter=FilterConfig(sighting=max(camera_noise, 1e-4)), latency=known)
