"""The sections of the prompt that grow with the run. A new one is a file, and one line in `SECTIONS` or
`BY_LANDING_MODEL`.

A section is a function from `seen.Seen` to its lines, without any where it has nothing to say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from llm_policy_improver.core.registered import registered
from llm_policy_improver.methods.sas.sections.seen import Seen


class Shortened(StrEnum):
    """What is left out of a section where the prompt would be too long."""

    NEVER = 'never'
    WHOLE = 'whole'
    OLDEST = 'oldest'
    """Line by line, the first one first."""


@dataclass(frozen=True, slots=True)
class Section:
    """What is registered.

    Attributes:
        where: ``'.module:function'`` in this package, or ``'package.module:function'``.
        shortened: the last registered section first, where the prompt would be too long.
    """

    where: str
    shortened: Shortened = Shortened.NEVER

    def lines(self, seen: Seen) -> list[str]:
        """What it says."""
        write: Callable[[Seen], list[str]] = registered(self.where, __name__)
        return write(seen)


SECTIONS: Final = (
    Section('.trials:table'),
    Section('.trials:totals'),
    Section('.regression:effects'),
    Section('.regression:pairs', Shortened.WHOLE),
    Section('.afterwards:repetitions', Shortened.WHOLE),
    Section('.afterwards:feedback', Shortened.OLDEST),
)
"""In the order of the prompt, where a regression on the trials is told."""

BY_LANDING_MODEL: Final = (
    Section('.trials:table'),
    Section('.trials:totals'),
    Section('.landing:candidates'),
    Section('.landing:around'),
    Section('.afterwards:repetitions', Shortened.WHOLE),
    Section('.afterwards:feedback', Shortened.OLDEST),
)
"""The same where the landing model is asked."""


def write_sections(seen: Seen, fits: Callable[[str], bool]) -> str:
    """All sections, an empty line between them; as far as possible no more than fits.

    Args:
        seen: what they are written from.
        fits: whether a text is short enough.
    """
    sections = SECTIONS if seen.advice is None else BY_LANDING_MODEL
    written = [section.lines(seen) for section in sections]
    text = _joined(written)
    for place, section in reversed(list(enumerate(sections))):
        while section.shortened is not Shortened.NEVER and written[place] and not fits(text):
            # Half of a comparison would say nothing.
            written[place] = written[place][1:] if section.shortened is Shortened.OLDEST else []
            text = _joined(written)
    return text


def _joined(written: list[list[str]]) -> str:
    return '\n\n'.join('\n'.join(lines) for lines in written if lines) + '\n'
