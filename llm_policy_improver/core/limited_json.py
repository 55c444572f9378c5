"""JSON of files and stores: what is too deep or has too many digits is a `ValueError`, as all that is no JSON."""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """The plain data of a text.

    Raises:
        ValueError: it is no JSON, or nested so deeply that Python gives up.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError('it is nested too deeply') from None
