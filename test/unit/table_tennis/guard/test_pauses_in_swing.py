"""The controller's process is stopped in mid-swing and goes on: the arm in MuJoCo, in virtual time."""

import numpy as np
import pytest
from guarded_cell import GuardedCell

from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.bench.attacks.judge import Judge
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig

LIMITS = SafetyLimits()


def beyond(ball: int, cycle: int, pause: float) -> dict[str, int]:
    """Cycles in which the arm really was beyond a range or the box, or touched something.

    Args:
        ball: its seed, with which parameters are drawn within their bounds, too.
        cycle: of the inner loop after the launch, in which the process is stopped.
        pause: s.
    """
    cell, judge = GuardedCell(simulation=SimulationConfig(balls='rally')), Judge(LIMITS)
    rng = np.random.default_rng(ball)
    attenuation = rng.uniform(LIMITS.attenuation_low, LIMITS.attenuation_high)
    residual = rng.uniform(-1.0, 1.0, 8) * LIMITS.residual
    cell.guard.handover.offer(Modulation(tuple(attenuation.tolist()), tuple(residual.tolist()), 1))
    cell.armed()
    cell.throw(ball)
    for number in range(cycle + 300):
        if number == cycle:
            cell.pause()
        if number == cycle + round(pause / 0.004):
            cell.go_on()
        cell.step()
        judge.seen(cell.position)
    judge.touched(cell.simulator.arm_contact)
    return judge.violations


NINE = [
    (22, 136, 0.36), (22, 139, 0.38), (22, 142, 0.33), (124, 154, 0.29), (126, 135, 0.38), (126, 138, 0.33),
    (127, 137, 0.27), (127, 140, 0.38), (137, 196, 0.33),
]  # fmt: skip
"""Ball, cycle and pause, of which each left the limits before the drives had a time-out that the stage knew."""


@pytest.mark.parametrize(('ball', 'cycle', 'pause'), NINE)
def test_the_nine_pauses_that_left_the_limits_do_not_any_more(ball: int, cycle: int, pause: float) -> None:
    assert beyond(ball, cycle, pause) == {}
