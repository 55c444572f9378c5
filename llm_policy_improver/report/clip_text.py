"""The texts of a clip: above the pictures what trial it is, below them what the colours are, and the time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import matplotlib
import numpy as np
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from llm_policy_improver.table_tennis.simulation.marks import Colour

Picture = NDArray[np.uint8]

TOP: Final = 68
"""pixels"""
BOTTOM: Final = 32
"""pixels"""

_GROUND: Final = (24, 27, 31)
_INK: Final = (240, 242, 245)
_SOFT: Final = (168, 176, 186)
_MARGIN: Final = 14
_SWATCH: Final = 16
_FONTS: Final = {'plain': 'DejaVuSans.ttf', 'bold': 'DejaVuSans-Bold.ttf'}


@dataclass(frozen=True, slots=True)
class Key:
    """What is named below the pictures.

    Attributes:
        name: of it.
        colour: in which it is drawn.
        spot: whether it is a spot rather than a line.
    """

    name: str
    colour: Colour
    spot: bool = False


def heading(width: int, headline: str, asked: str) -> Picture:
    """(TOP, width, 3) which trial, what came of it, and what was asked."""
    image, draw = _strip(width, TOP)
    room = width - 2 * _MARGIN
    draw.text((_MARGIN, 8), _fitting(headline, 'bold', 21, room), _INK, _font('bold', 21))
    draw.text((_MARGIN, 41), _fitting(asked, 'plain', 15, room), _SOFT, _font('plain', 15))
    return np.asarray(image)


def footing(width: int, keys: Sequence[Key], status: str) -> Picture:
    """(BOTTOM, width, 3) what the colours are, and on the right the status."""
    image, draw = _strip(width, BOTTOM)
    font, middle = _font('plain', 14), BOTTOM // 2
    draw.text((width - _MARGIN, middle), status, _INK, font, anchor='rm')
    left = _MARGIN
    for key in keys:
        fill = tuple(round(255 * share) for share in key.colour[:3])
        if key.spot:
            draw.ellipse((left + 3, middle - 5, left + 13, middle + 5), outline=fill, width=3)
        else:
            draw.line((left, middle, left + _SWATCH, middle), fill, 3)
        left += _SWATCH + 6
        draw.text((left, middle), key.name, _SOFT, font, anchor='lm')
        left += round(font.getlength(key.name)) + 16
    return np.asarray(image)


def drawable(text: str) -> bool:
    """Whether the font has a shape for each of its characters; it has none for Chinese, for example."""
    return all(ord(each) in _shapes() for each in text)


def _strip(width: int, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new('RGB', (width, height), _GROUND)
    return image, ImageDraw.Draw(image)


def _fitting(text: str, weight: str, size: int, room: int) -> str:
    """The text, or as much of its beginning as there is room for."""
    font = _font(weight, size)
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(f'{text} …') > room:
        text = text[:-1].rstrip()
    return f'{text} …'


def _file(weight: str) -> Path:
    """Matplotlib brings the font."""
    return Path(matplotlib.get_data_path()) / 'fonts' / 'ttf' / _FONTS[weight]


@cache
def _font(weight: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_file(weight)), size)


@cache
def _shapes() -> frozenset[int]:
    return frozenset(FT2Font(str(_file('plain'))).get_charmap())
