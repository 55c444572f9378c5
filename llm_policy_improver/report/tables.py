"""Tables on a terminal, and in a file."""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

_ENDLESS: Final = 10_000
"""Columns of characters, more than any table has: a file has no edge to wrap at."""


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    """Print a table to standard output: folded to a terminal's width, elsewhere with every line whole.

    Args:
        headings, rows: texts, which may contain rich's markup.
        title: stands above.
    """
    table = Table(title=title, title_justify='left', box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow='fold')
    for row in rows:
        table.add_row(*row)
    Console(highlight=False, width=None if sys.stdout.isatty() else _ENDLESS).print(table)
