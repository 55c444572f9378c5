"""Pictures inside pages: SVG with its text as text, so that it is small, sharp, and can be searched and copied."""

import base64
import io
import re
from html import escape
from typing import Final

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

_BEFORE: Final = re.compile(r'^.*?<svg[^>]*?viewBox="([^"]*)"[^>]*>', re.DOTALL)
_METADATA: Final = re.compile(r'\s*<metadata>.*?</metadata>', re.DOTALL)
_NAMED: Final = re.compile(r' id="([^"]*)"')
_USED: Final = re.compile(r'(?:href="#|url\(#)([^")]*)')
_IDENTITY: Final = re.compile(r'(?<= id=")|(?<=href="#)|(?<=url\(#)')
_IMAGE: Final = re.compile(r'(?<=data:image/png;base64,)[A-Za-z0-9+/=\s]+')
_COLOURS: Final = 64
"""Of the points of a crowded picture, edges included."""
_SPACE: Final = re.compile(r'\s*\n\s*')
_TAG: Final = re.compile(r'<[^>]*>')
_LONG_NUMBER: Final = re.compile(r'(\d\.\d{2})\d+')


def inline_svg(figure: Figure, name: str, said: str) -> str:
    """The figure as an element of a page, as wide as its column; texts over lines get their halo from `STYLE`.

    Args:
        figure: to draw.
        name: of the picture, unique in the page: its parts are named after it.
        said: what it shows, for whoever cannot see it.
    """
    FigureCanvasSVG(figure)
    for text in figure.findobj(Text):
        text.set_path_effects([])  # they would be drawn as outlines, of 3 kB a word
    buffer = io.StringIO()
    # The salt makes the same picture the same text.
    with matplotlib.rc_context({'svg.fonttype': 'none', 'svg.hashsalt': name, 'svg.image_inline': True}):
        figure.savefig(buffer, format='svg', dpi=130, metadata={'Date': None})
    drawn = buffer.getvalue()
    box = _BEFORE.match(drawn)
    assert box is not None, 'matplotlib begins a picture with its size'
    inside = _METADATA.sub('', drawn[box.end() :], count=1)
    used = set(_USED.findall(inside))
    inside = _NAMED.sub(lambda found: found[0] if found[1] in used else '', inside)
    inside = _IDENTITY.sub(f'{name}-', inside)
    # Of texts no digit is cut: 0.075 beside a mark is not 0.07.
    inside = _TAG.sub(lambda found: _LONG_NUMBER.sub(r'\1', found[0]), _SPACE.sub(' ', inside))
    inside = _IMAGE.sub(lambda found: _smaller(found[0]), inside)
    return f'<svg class="picture" role="img" aria-label="{escape(said)}" viewBox="{box[1]}">{inside}'


def _smaller(encoded: str) -> str:
    """The same image of points, in base64, with the few colours that they have."""
    image = Image.open(io.BytesIO(base64.b64decode(encoded)))
    buffer = io.BytesIO()
    image.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE).save(buffer, 'png', optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


STYLE: Final = """
.picture { width: 100%; height: auto; }
.picture text { paint-order: stroke; stroke: #fff; stroke-width: 2px; stroke-linejoin: round; }
"""
"""What the pictures of a page need of its style sheet."""
