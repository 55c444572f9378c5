"""How proposals, findings and verdicts are written as JSON columns, and read back."""

import json
from collections.abc import Hashable
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from llm_policy_improver.core.limited_json import parse_json

if TYPE_CHECKING:  # it takes a twentieth of a second to load, and a list of runs seldom needs it
    from pydantic import TypeAdapter

Record = TypeVar('Record')

FORMAT: Final = 1
"""Of a stored proposal."""


@cache
def _adapter(kind: Any) -> 'TypeAdapter[Any]':
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def write(kind: Any, record: Any, without: frozenset[str] = frozenset()) -> str:
    """A record, or a tuple of records, as JSON.

    Args:
        kind: its type.
        record: of plain dataclasses.
        without: fields that are stored elsewhere.
    """
    return json.dumps(_adapter(kind).dump_python(record, mode='json', exclude=set(without) or None))


def read(kind: type[Record], text: str) -> Record:
    """What `write` wrote; what a newer version added is left out.

    Raises:
        ValueError: it is not of this form.
    """
    from pydantic import ValidationError

    try:
        found: Record = _adapter(cast(Hashable, kind)).validate_python(parse_json(text))
    except ValidationError as error:
        first = error.errors()[0]
        where = '.'.join(map(str, first['loc']))
        raise ValueError(f'{where}: {first["msg"]}') from None
    return found
