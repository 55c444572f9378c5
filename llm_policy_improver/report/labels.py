"""Numbers beside points, readable where points crowd: neighbours share a label, labels evade each other."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_ANGLES: Final = 24
_STEPS: Final = (1.0, 1.5, 2.1, 2.8, 3.6, 4.5)
_LINE: Final = 13
"""Characters in a label's line."""
_LINES: Final = 3
_CROWDED: Final = 4.0
"""Cost of a place on top of another label, or of some points."""


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring points under one label.

    Attributes:
        x, y: m, the middle of the points.
        numbers: of the points, in order.
    """

    x: float
    y: float
    numbers: tuple[int, ...]

    @property
    def text(self) -> str:
        """The numbers, runs of them shortened: ``'25–28, 31'``; where there are too many, how many."""
        lines = textwrap.wrap(ranges(self.numbers), _LINE, break_long_words=False, break_on_hyphens=False)
        if len(lines) > _LINES:
            first, last = self.numbers[0], self.numbers[-1]
            lines = [f'{len(self.numbers)} of {first}–{last}']
        return '\n'.join(lines)


@dataclass(frozen=True, slots=True)
class Label:
    """A text and where it goes.

    Attributes:
        x, y: m, the text's middle.
        anchor: m, the point it belongs to.
        text: lines of text.
        leader: m, where a line from the anchor meets the text; None where the text is close enough.
    """

    x: float
    y: float
    anchor: tuple[float, float]
    text: str
    leader: tuple[float, float] | None


def ranges(numbers: Sequence[int]) -> str:
    """Growing numbers as people write them: ``'3, 5–8, 11'``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ', '.join(
        str(run[0]) if len(run) == 1 else f'{run[0]}{"–" if len(run) > 2 else ", "}{run[-1]}' for run in runs
    )


def group(points: Sequence[tuple[int, float, float]], radius: float) -> list[Group]:
    """Gather points (number, x, y) that lie within ``radius`` metres of the first of their group."""
    gathered: list[list[tuple[int, float, float]]] = []
    for number, x, y in points:
        near = [found for found in gathered if math.hypot(found[0][1] - x, found[0][2] - y) <= radius]
        if near:
            min(near, key=lambda found: math.hypot(found[0][1] - x, found[0][2] - y)).append((number, x, y))
        else:
            gathered.append([(number, x, y)])
    return [
        Group(
            x=sum(x for _, x, _ in found) / len(found),
            y=sum(y for _, _, y in found) / len(found),
            numbers=tuple(number for number, _, _ in found),
        )
        for found in gathered
    ]


class LabelPlacer:
    """Finds room for one label after another.

    Args:
        markers: (n, 2) m, points that labels should not cover.
        radius: m, of the points.
        frame: m, left, right, bottom and top of the area to stay in.
    """

    def __init__(
        self, markers: NDArray[np.float64], radius: float, frame: tuple[float, float, float, float]
    ) -> None:
        self._markers = markers.reshape(-1, 2)
        self._radius = radius
        self._frame = frame
        self._boxes: list[tuple[float, float, float, float]] = []

    def reserve(self, x: float, y: float, width: float, height: float) -> None:
        """Keep labels away from a box in metres around (x, y)."""
        self._boxes.append((x - width / 2, x + width / 2, y - height / 2, y + height / 2))

    def place(
        self, x: float, y: float, text: str, letter: float, gap: float, must: bool = False
    ) -> Label | None:
        """Put a text near (x, y); None where there is no room for it.

        Args:
            x: m.
            y: m.
            text: one or more lines.
            letter: m, height of a line; a letter is taken to be half as wide.
            gap: m between the point and the text at least.
            must: place it even where it covers other labels.
        """
        lines = text.split('\n')
        width, height = 0.5 * letter * max(len(line) for line in lines), letter * len(lines)
        best: tuple[float, float, float, bool] | None = None
        for step in _STEPS:
            for index in range(_ANGLES):
                angle = 2.0 * math.pi * index / _ANGLES
                # On the outline of the text's own box, so that the text touches the gap from any side.
                along, across = math.cos(angle), math.sin(angle)
                at_x = x + along * (step * gap + width / 2)
                at_y = y + across * (step * gap + height / 2)
                cost = self._cost(at_x, at_y, width, height) + 0.35 * (step - 1.0)
                if best is None or cost < best[0] - 1e-9:
                    best = cost, at_x, at_y, step > _STEPS[1]
        assert best is not None
        cost, at_x, at_y, distant = best
        if cost >= _CROWDED and not must:
            return None
        self.reserve(at_x, at_y, width, height)
        edge = (
            min(max(x, at_x - width / 2), at_x + width / 2),
            min(max(y, at_y - height / 2), at_y + height / 2),
        )
        return Label(at_x, at_y, (x, y), text, edge if distant else None)

    def _cost(self, x: float, y: float, width: float, height: float) -> float:
        left, right, bottom, top = x - width / 2, x + width / 2, y - height / 2, y + height / 2
        cost = 0.0
        for other in self._boxes:
            overlap_x = min(right, other[1]) - max(left, other[0])
            overlap_y = min(top, other[3]) - max(bottom, other[2])
            if overlap_x > 0.0 and overlap_y > 0.0:
                cost += _CROWDED + 8.0 * overlap_x * overlap_y / (width * height)
        if len(self._markers):
            dx = np.abs(self._markers[:, 0] - x) - width / 2
            dy = np.abs(self._markers[:, 1] - y) - height / 2
            cost += 1.0 * float(np.count_nonzero((dx < self._radius) & (dy < self._radius)))
        frame = self._frame
        if left < frame[0] or right > frame[1] or bottom < frame[2] or top > frame[3]:
            cost += 5.0 * _CROWDED
        return cost
