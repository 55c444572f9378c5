"""The table of the trials, and sentences about all of them."""

from typing import Final

from llm_policy_improver.methods.ranking import ranked, trial_number
from llm_policy_improver.methods.sas.model_rules import reach
from llm_policy_improver.methods.sas.repetitions import spread_of
from llm_policy_improver.methods.sas.sections.seen import Seen

LEAST_NOISE: Final = 0.0005
"""The last digit of a measure in the table."""


def table(seen: Seen) -> list[str]:
    """The selected trials."""
    return [seen.table.rows(seen.history, seen.selection)]


def totals(seen: Seen) -> list[str]:
    """How many succeeded and which are nearest, how much an outcome varies, and how far a proposal may go."""
    return [*seen.table.totals(seen.history, seen.selection, seen.noise), *_spread(seen), *_limit(seen)]


def _spread(seen: Seen) -> list[str]:
    """How much the outcome of a repeated policy varies, where that is known."""
    noise = max(seen.noise, spread_of(seen.repeated) or 0.0)
    # The landing model tells of each candidate by how much it scatters: one figure for all would be wrong.
    if noise < LEAST_NOISE or seen.advice is not None:
        return []
    return [
        f'The outcome varies by about {noise:.3f} even when nothing is changed: read no meaning into '
        'smaller differences, and keep so much further away from the edges.'
    ]


def _limit(seen: Seen) -> list[str]:
    """How far a proposal may be from the best trial."""
    order = ranked(seen.history, seen.objective) if seen.options.distances else []
    noise = seen.noise if seen.advice is None else max(seen.noise, seen.advice.noise)
    share = 0.5 * reach(seen.history, seen.objective, seen.brief.space, noise, seen.brief.measures)
    if not order or share >= 1.0:
        return []
    best = trial_number(seen.history, order[0])
    if seen.advice is not None:
        return [
            f'Parameters of your own further than {share:.0%} of a range from trial {best} are brought nearer to it.'
        ]
    return [
        f'The step limit is {share:.0%} of a range: where a proposal takes any parameter further than that from '
        f'trial {best}, the whole step is shortened, its direction kept.'
    ]
