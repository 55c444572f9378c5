"""Arms, tables and balls that are not as the simulator takes them: stand-ins for real cells, drawn from a seed.

Each coefficient of ball and bounces, each mean delay and each drive's gain is off by 5 to 15 %, up or down. The
controller goes on believing the published figures.
"""

from dataclasses import fields, replace
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.noisy_cell import noisy_setup
from llm_policy_improver.table_tennis.simulation.latency import Latency
from llm_policy_improver.table_tennis.task import TableTennis

SEED: Final = 20_261_122
"""Written down before anything was tuned on these arms."""
TO_TUNE: Final = (0, 1, 2, 3)
FINAL: Final = (4, 5, 6, 7)
"""Numbers of the arms: methods were tuned on the former, the figures are of the latter."""
LEAST, MOST = 0.05, 0.15
COEFFICIENTS: Final = (
    'drag_coefficient', 'lift_coefficient', 'table_restitution', 'table_friction', 'racket_restitution', 'racket_grip',
)  # fmt: skip
MOST_RESTITUTION: Final = 0.99
"""No ball leaves faster than it came."""


def drawn_arm(number: int) -> TableTennis:
    """The noisy cell of this number, with the standard ball; learns its spin as any."""
    generator = np.random.default_rng((SEED, number))

    def factors(count: int) -> list[float]:
        signs = generator.choice((-1.0, 1.0), count)
        return [float(factor) for factor in 1.0 + signs * generator.uniform(LEAST, MOST, count)]

    usual, (simulation, controller) = BallModel(), noisy_setup()
    changed = {
        name: getattr(usual, name) * factor
        for name, factor in zip(COEFFICIENTS, factors(len(COEFFICIENTS)), strict=True)
    }
    changed['table_restitution'] = min(changed['table_restitution'], MOST_RESTITUTION)
    means = [entry.name for entry in fields(Latency) if not entry.name.endswith('_spread')]
    late = {
        name: getattr(simulation.latency, name) * factor
        for name, factor in zip(means, factors(len(means)), strict=True)
    }
    task = TableTennis(
        replace(
            simulation,
            balls='standard',
            ball=replace(usual, **changed),
            latency=replace(simulation.latency, **late),
        ),
        controller,
    )
    model = task.simulator.model
    gains = factors(model.nu)
    model.actuator_gainprm[:, 0] *= gains
    model.actuator_biasprm[:, 1] *= gains
    return task
