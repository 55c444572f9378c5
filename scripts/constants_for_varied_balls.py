"""The best constant parameters for balls of a rally, by CMA-ES: what a program for each ball is to be compared with.

    python scripts/constants_for_varied_balls.py --candidates 20 --balls 5 --seeds 4

Every candidate, sixteen attenuations and residuals, is scored by its mean return on new balls. The search begins with
the unchanged controller. Of each seed two are told: the candidate with the best score, which may have been lucky, and
the middle of the search's last distribution, both on the unseen balls of ``bench methods --task arm_varied_balls``.
"""

import argparse
from collections.abc import Iterable, Iterator
from itertools import count, islice

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray

from llm_policy_improver.core.environment import Environment
from llm_policy_improver.tasks.program_score import unseen
from llm_policy_improver.tasks.registry import make_environment
from llm_policy_improver.tasks.rollout import play

SIGMA = 0.3
"""First standard deviation; the half width of each range is 1."""
SEEDS_A_SEARCH = 1_000_000
"""Two searches never have a ball in common."""

Array = NDArray[np.float64]


def main() -> None:
    """Search with each seed, and print what was found."""
    options = _options()
    environment = make_environment('arm_varied_balls')
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        best, middle = search(environment, options.candidates, options.balls, seed)
        for name, point in (('best seen', best), ('middle', middle)):
            gaps = -returns(environment, point, unseen(options.unseen))
            error = gaps.std(ddof=1) / len(gaps) ** 0.5
            print(
                f'{options.candidates * options.balls} balls, seed {seed}, {name}: '
                f'mean {gaps.mean():.4f} ± {error:.4f} m, median {np.median(gaps):.4f} m',
                flush=True,
            )
    environment.close()


def search(environment: Environment, candidates: int, balls: int, seed: int) -> tuple[Array, Array]:
    """The candidate (16,) with the best score, and the middle (16,) of the last distribution; 1 is half a range."""
    cma = CMA(
        np.zeros(len(environment.brief.action)), SIGMA, bounds=np.tile([-1.0, 1.0], (16, 1)), seed=seed + 1
    )
    numbers = count(seed * SEEDS_A_SEARCH)
    seen: list[tuple[Array, float]] = []
    for _ in range(candidates):
        point = cma.ask()
        seen.append((point, -float(returns(environment, point, islice(numbers, balls)).mean())))
        if len(seen) % cma.population_size == 0:
            cma.tell(seen[-cma.population_size :])
    return min(seen, key=lambda each: each[1])[0], np.clip(cma.mean, -1.0, 1.0)


def returns(environment: Environment, point: Array, seeds: Iterable[int]) -> Array:
    """Of one ball a seed, each played with the same parameters."""
    action = tuple(_values(environment, point))
    return np.array([play(environment, lambda seen: action, seed).total for seed in seeds])


def _values(environment: Environment, point: Array) -> Iterator[float]:
    for each, share in zip(environment.brief.action, point, strict=True):
        yield (each.low + each.high) / 2.0 + float(share) * (each.high - each.low) / 2.0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--candidates', type=int, default=20)
    parser.add_argument('--balls', type=int, default=5, help='that each candidate is scored on')
    parser.add_argument('--seeds', type=int, default=4, help='how many searches')
    parser.add_argument('--first-seed', type=int, default=0)
    parser.add_argument('--unseen', type=int, default=200, help='balls that score what was found')
    return parser.parse_args()


if __name__ == '__main__':
    main()
