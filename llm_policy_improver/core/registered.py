"""Places in code, as lists that new parts are registered in name them: one line each, imported when it is needed."""

from pkgutil import resolve_name
from typing import Any


def registered(where: str, package: str) -> Any:
    """What stands at ``'.module:name'`` in a package, or at ``'other_package.module:name'``.

    Raises:
        ImportError, AttributeError: there is no such module, or no such name in it.
    """
    return resolve_name(f'{package}{where}' if where.startswith('.') else where)
