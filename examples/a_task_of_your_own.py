"""A task runs a policy and says what it measured; any method can improve it.

This one is a ball thrown over a wall: two parameters, two measures, and what must hold is that it gets over.

    python examples/a_task_of_your_own.py
"""

import math

from llm_policy_improver import (
    Brief,
    LeastSquares,
    Measure,
    Objective,
    Parameter,
    Parameters,
    ParameterSpace,
    Term,
    Trial,
    improve,
)

SPACE = ParameterSpace(
    (
        Parameter('v', 'speed', low=4.0, high=12.0, neutral=8.0, unit='m/s'),
        Parameter('w', 'angle', low=0.3, high=1.2, neutral=0.8, unit='rad'),
    )
)
GOOD = frozenset({'over'})
DISTANCE = Measure('distance', 'm', 'where the ball comes down', 0.0, 15.0, told_by=GOOD)
HEIGHT = Measure('height', 'm', 'highest point of the ball', 0.0, 8.0, told_by=GOOD)
WALL = 2.0  # m away, and as high


class Throw:
    """Throws a ball without air; nothing is random, so the seed does not count."""

    def run(self, policy: Parameters, seed: int) -> Trial:
        speed, angle = policy.values
        at_wall = WALL * math.tan(angle) - 9.81 * WALL**2 / (2.0 * (speed * math.cos(angle)) ** 2)
        over = at_wall > WALL / 2.0
        measures = {
            'distance': speed**2 * math.sin(2.0 * angle) / 9.81,
            'height': (speed * math.sin(angle)) ** 2 / 19.62,
        }
        return Trial(policy, 'over' if over else 'wall', measures, succeeded=over)


def main(trials: int = 20) -> None:
    objective = Objective('7 m far, 3 m high', (Term(DISTANCE, 7.0), Term(HEIGHT, 3.0)))
    method = LeastSquares(Brief(SPACE, (DISTANCE, HEIGHT)))
    result = improve(objective, Throw(), method, space=SPACE, trials=trials, first_trials=min(8, trials))
    print(f'{result.best_distance_m:.4f} m from the aim after {result.trials} trials: {result.best_policy}')


if __name__ == '__main__':
    main()
