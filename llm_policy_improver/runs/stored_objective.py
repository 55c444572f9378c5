"""What was asked in a stored run, as it was understood then."""

from collections.abc import Mapping
from typing import Any

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.term import TermError
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.table_tennis.measures import MEASURES


def objective_of(stored: Mapping[str, Any]) -> Objective:
    """Of what `Objective.as_json` gave.

    Raises:
        StoreError: another version stored it, e.g. with a measure that there is not in this one.
    """
    try:
        return Objective.from_json(stored, MEASURES)
    except TermError as error:
        raise StoreError(
            f'the objective of the run is none of this version ({error}): open it with the version that recorded it'
        ) from error
