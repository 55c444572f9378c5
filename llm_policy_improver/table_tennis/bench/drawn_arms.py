"""Arms, tables and balls that are not as the simulator takes them: stand-ins for real cells, drawn from a seed.

Each coefficient of ball and bounces, each mean delay and each drive's gain is off by 5 to 15 %, up or down. The
controller goes on believing the published figures.
"""

from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.cells import noisy_cell
from llm_policy_improver.table_tennis.other_cell import BALL, DELAYS, other_cell
from llm_policy_improver.table_tennis.task import TableTennis

SEED: Final = 20_261_122
"""Written down before anything was tuned on these arms."""
TO_TUNE: Final = (0, 1, 2, 3)
FINAL: Final = (4, 5, 6, 7)
"""Numbers of the arms: methods were tuned on the former, the figures are of the latter."""
LEAST, MOST = 0.05, 0.15


def drawn_arm(number: int) -> TableTennis:
    """The noisy cell of this number, with the standard ball; learns its spin as any."""
    generator = np.random.default_rng((SEED, number))

    def factors(count: int) -> list[float]:
        signs = generator.choice((-1.0, 1.0), count)
        return [float(factor) for factor in 1.0 + signs * generator.uniform(LEAST, MOST, count)]

    simulation, controller = noisy_cell()
    # Drawn group by group: the arms stay those of the figures.
    drawn = [factor for group in (BALL, DELAYS, JOINTS) for factor in factors(len(group))]
    return other_cell(simulation, controller, drawn)
