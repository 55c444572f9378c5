"""A clip as a file: MP4 with the package ``av``, an animated GIF without it."""

import io
import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from llm_policy_improver.core.packages import require_package
from llm_policy_improver.core.shortened import LONGEST_PLACE, shortened
from llm_policy_improver.runs.written import write_whole

Picture = NDArray[np.uint8]

MP4, GIF = '.mp4', '.gif'
RATES: Final = {MP4: 25.0, GIF: 12.5}
"""Frames a second; a GIF counts hundredths of a second, and grows with every frame."""
EXTRA: Final = 'video'

_COLOURS: Final = 128
_QUALITY: Final = {'crf': '23', 'preset': 'veryfast'}
"""Of x264."""


class ClipFileError(ValueError):
    """A clip cannot be written as asked; the message says why and what to do."""


def require_mp4() -> None:
    """Raise `MissingPackageError` where MP4 cannot be written."""
    require_package('av', 'av', 'MP4', EXTRA)


def require_writable(path: Path) -> None:
    """Look before all the drawing whether a file of this name can be written.

    Raises:
        ClipFileError: it cannot.
        MissingPackageError: MP4 without the package ``av``.
    """
    place = shortened(str(path), LONGEST_PLACE)
    if path.suffix == MP4:
        require_mp4()
    if path.suffix not in RATES:
        raise ClipFileError(
            f'{place} names no kind of clip that can be written, expected .mp4 or .gif at its end'
        )
    if path.is_dir():
        raise ClipFileError(f'{place} is a folder: give the name of a file')
    if not path.parent.is_dir():
        raise ClipFileError(f'the clip cannot be written to {place}: there is no such folder; make it first')
    if not os.access(path.parent, os.W_OK):
        raise ClipFileError(f'the clip cannot be written to {place}: its folder is not yours to write in')


def write_clip(path: Path, frames: Iterator[Picture]) -> None:
    """Encode the frames and put the file in its place, whole or not at all.

    Args:
        path: its suffix says as what; a file that is there is replaced.
        frames: (height, width, 3) each, of even height and width.

    Raises:
        StoreError: it cannot be written.
    """
    write_whole(path, _mp4(frames) if path.suffix == MP4 else _gif(frames))


def _mp4(frames: Iterator[Picture]) -> bytes:
    import av

    first = next(frames)
    content = io.BytesIO()
    with av.open(content, 'w', format='mp4') as container:
        stream = container.add_stream('libx264', rate=Fraction(RATES[MP4]))
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = 'yuv420p'
        stream.options = dict(_QUALITY)
        for picture in chain((first,), frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return content.getvalue()


def _gif(frames: Iterator[Picture]) -> bytes:
    images = [Image.fromarray(each) for each in frames]
    # One palette for all, of first, middle and last: with one for each, still parts would flicker.
    sample = np.vstack([np.asarray(images[index]) for index in (0, len(images) // 2, -1)])
    # Of the widest range, or the aim, which is small, would get the colour of the arm.
    palette = Image.fromarray(sample).quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE)
    drawn = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in images]
    content = io.BytesIO()
    drawn[0].save(
        content, 'GIF', save_all=True, append_images=drawn[1:], duration=round(1000.0 / RATES[GIF]), loop=0
    )
    return content.getvalue()
