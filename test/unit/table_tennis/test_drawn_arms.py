import numpy as np

from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.bench.drawn_arms import FINAL, TO_TUNE, drawn_arm
from llm_policy_improver.table_tennis.cells import noisy_cell
from llm_policy_improver.table_tennis.other_cell import BALL
from llm_policy_improver.table_tennis.simulation.delayed import make_simulator


def test_every_figure_is_5_to_15_percent_off_and_of_each_arm_another_way() -> None:
    usual, (simulation, _) = BallModel(), noisy_cell('rally')
    factors = []
    for number in (TO_TUNE[0], FINAL[0]):
        simulator = drawn_arm(number).simulator
        ball, late = simulator.config.ball, simulator.config.latency
        gains = simulator.model.actuator_gainprm[:, 0] / make_simulator(simulation).model.actuator_gainprm[:, 0]
        np.testing.assert_allclose(simulator.model.actuator_biasprm[:, 1], -simulator.model.actuator_gainprm[:, 0])
        delays = (late.ball / simulation.latency.ball, late.arm_action / simulation.latency.arm_action)
        # A restitution of 1 is as far as it goes.
        coefficients = [getattr(ball, name) / getattr(usual, name) for name in BALL]
        factors.append([*coefficients, *delays, *gains])
        assert late.arm_action_spread == simulation.latency.arm_action_spread
    off = np.abs(np.array(factors) - 1.0)
    assert off.min() >= 0.05 - 1e-9
    assert off.max() <= 0.15 + 1e-9
    assert not np.allclose(factors[0], factors[1])


def test_arms_to_tune_on_are_not_those_of_the_final_figure() -> None:
    assert not set(TO_TUNE) & set(FINAL)
