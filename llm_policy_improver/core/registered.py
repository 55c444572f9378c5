"""Places in code, as lists that new parts are registered in name them: one line each, imported when it is needed."""

import difflib
from collections.abc import Iterable
from pkgutil import resolve_name
from typing import Any, Final

from llm_policy_improver.core.shortened import shortened
from llm_policy_improver.core.text import clean_line

_LONGEST_NAME: Final = 40
_LONGEST_LIST: Final = 120
"""Characters in a sentence."""


def registered(where: str, package: str) -> Any:
    """What stands at ``'.module:name'`` in a package, or at ``'other_package.module:name'``.

    Raises:
        ImportError, AttributeError: there is no such module, or no such name in it.
    """
    return resolve_name(f'{package}{where}' if where.startswith('.') else where)


def unknown_text(what: str, name: str, known: Iterable[str]) -> str:
    """That nothing has this name, with the names that come close, or all of them."""
    names, name = tuple(known), shortened(clean_line(name), _LONGEST_NAME)
    near = difflib.get_close_matches(name, names, 3, 0.5)
    meant = f'did you mean {" or ".join(near)}?' if near else f'there are {shortened(", ".join(names), _LONGEST_LIST)}'
    return f'unknown {what} "{name}"; {meant}'
