"""The best landings that any parameters within the bounds reach, kept as data: what a run can hope for at most."""

import json
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.term import Term
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import Searched, parameter_space

OBJECTIVES: Final = {
    'far right': 'as far right as possible',
    'far left': 'as far left as possible',
    'far end': 'as close to the far end as possible',
    'near the net': 'just behind the net',
    'right corner': 'far right corner',
    'left corner': 'far left corner',
    'middle': 'middle of the table',
    'highest arc': 'as high an arc as possible',
    'lowest over the net': 'as low over the net as possible',
    'point': 'at (0.3, 0.9)',
}
"""Short names, and the words a person would use."""

_DATA: Final = 'reachable.json'


@dataclass(frozen=True, slots=True)
class ReachableBest:
    """The best that was found for one objective.

    Attributes:
        words: the objective.
        distance_m: to it.
        x, y: m, of the landing.
        parameters: of the policy that reaches it, by name.
        trials: played to find it.
    """

    words: str
    distance_m: float
    x: float
    y: float
    parameters: dict[str, float]
    trials: int


def read_reachable(searched: Searched = Searched.ATTENUATION) -> dict[str, ReachableBest]:
    """The stored bests by the objectives' short names; none where none were looked for."""
    best = _content()[searched]['best'] if searched in _content() else {}
    return {name: ReachableBest(**found) for name, found in best.items()}


def to_data(best: dict[str, ReachableBest], searched: Searched, command: str) -> str:
    """The content of the data file, with the command that made it; what it holds of other parameters stays."""
    here = {'command': command, 'best': {name: asdict(found) for name, found in best.items()}}
    return json.dumps(_content() | {searched: here}, indent=1) + '\n'


def reachable_best(objective: Objective, space: ParameterSpace) -> ReachableBest | None:
    """The best known for what is aimed at, with the standard ball in simulation; None where none was looked for.

    Args:
        objective: in whatever words.
        space: the parameters that are searched, with their bounds.
    """
    searched = next((each for each in Searched if parameter_space(each) == space), None)
    name = next((name for name, known in _known().items() if known == objective.terms), None)
    return None if searched is None or name is None else read_reachable(searched).get(name)


@cache
def _content() -> dict[str, Any]:
    return dict(json.loads(resources.files(__package__).joinpath(_DATA).read_text()))


@cache
def _known() -> dict[str, tuple[Term, ...]]:
    return {name: parse_objective(words).terms for name, words in OBJECTIVES.items()}
