"""Where a run is stored by default: a folder whose name says when it began and what was asked."""

import re
import unicodedata
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Final

LONGEST: Final = 40
"""Characters of the objective in the name."""

# Words of an objective that tell one run from another by nothing.
_FILLERS: Final = frozenset({
    'a', 'an', 'and', 'as', 'at', 'ball', 'be', 'by', 'for', 'get', 'hit', 'i', 'in', 'it', 'land', 'make',
    'of', 'on', 'onto', 'please', 'possible', 'return', 'send', 'so', 'should', 'shoot', 'the', 'to',
    'want', 'with', 'you',
})  # fmt: skip


def default_run_folder(objective: str, now: datetime, root: Path = Path('runs')) -> Path:
    """A folder that does not exist yet, e.g. ``runs/2026-11-20T06-34-30-far-right``.

    Args:
        objective: the person's words.
        now: when the run begins, as the name shall show it.
        root: the folder of all runs.
    """
    name = '-'.join([f'{now:%Y-%m-%dT%H-%M-%S}', *telling_words(objective)])
    names = chain([name], (f'{name}-{number}' for number in count(2)))
    return next(folder for folder in (root / candidate for candidate in names) if not folder.exists())


def telling_words(objective: str) -> list[str]:
    """The words that tell a run from others, in lower-case ASCII, as far as they fit into a name."""
    plain = unicodedata.normalize('NFKD', objective.lower()).encode('ascii', 'ignore').decode()
    words = re.findall(r'[a-z0-9]+', plain)
    telling, length = [], 0
    for word in [word for word in words if word not in _FILLERS] or words:
        length += 1 + len(word)
        if length > LONGEST:
            break
        telling.append(word)
    return telling
