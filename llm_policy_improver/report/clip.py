"""A clip of a stored trial, or of two side by side: its frames, made from what was recorded and nothing else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.report.clip_text import BOTTOM, TOP, Key, drawable, footing, heading
from llm_policy_improver.report.clip_trial import ClipTrial
from llm_policy_improver.table_tennis.simulation import drawing
from llm_policy_improver.table_tennis.simulation.marks import AIM, BALL, COMING, LANDING, Marks

Picture = NDArray[np.uint8]

SPEED: Final = 0.4
"""Of real time: a stroke is over in a fifth of a second."""
HOLD: Final = 1.2
"""s that the last picture stays."""
_BETWEEN: Final = 8
"""pixels from one trial to the other; even, as all measures of a clip must be."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Trials side by side, synchronised where the ball was hit, or without a hit where it was nearest to the blade.

    Attributes:
        trials: from left to right.
        rate: frames a second.
    """

    trials: Sequence[ClipTrial]
    rate: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a frame, pixels."""
        width = len(self.trials) * (drawing.WIDTH + _BETWEEN) - _BETWEEN
        return width, TOP + drawing.HEIGHT + BOTTOM

    @property
    def times(self) -> NDArray[np.float64]:
        """(n,) s after the hit, of each frame but those that hold the last one."""
        begin = min(each.motion.begin - each.motion.meeting for each in self.trials)
        end = max(each.motion.end - each.motion.meeting for each in self.trials)
        step = SPEED / self.rate
        return np.append(np.arange(begin, end - 0.5 * step, step), end)

    def __len__(self) -> int:
        return len(self.times) + round(HOLD * self.rate)

    def frames(self) -> Iterator[Picture]:
        """Each frame (height, width, 3).

        Raises:
            NoPictureError: this machine cannot draw.
        """
        headings = [heading(drawing.WIDTH, each.headline, asked_text(each)) for each in self.trials]
        gap = np.zeros((self.size[1], _BETWEEN, 3), dtype=np.uint8)
        frame = np.zeros((*self.size[::-1], 3), dtype=np.uint8)
        with drawing.Drawing() as draw:
            for time in self.times:
                parts: list[Picture] = []
                for each, top in zip(self.trials, headings, strict=True):
                    moment = float(time) + each.motion.meeting
                    picture = draw.picture(each.motion.joints(moment), each.marks(moment))
                    bottom = footing(drawing.WIDTH, _keys(each), _status(each, moment))
                    parts += [gap, np.vstack([top, picture, bottom])]
                frame = np.hstack(parts[1:])
                yield frame
        for _ in range(len(self) - len(self.times)):
            yield frame


def asked_text(shown: ClipTrial) -> str:
    """What was asked; empty where it was not kept."""
    if shown.objective is None:
        return ''
    said = f'asked: “{shown.asked}”'
    # In other scripts than the font has, as it was understood.
    return said if drawable(said) else f'asked: {shown.objective.sentence or "in words that cannot be drawn"}'


def _keys(shown: ClipTrial) -> list[Key]:
    """What is to be seen of a trial by its end."""
    goal, end = shown.goal, shown.marks(shown.motion.end)
    keys = [Key('ball coming', COMING)]
    keys += [Key('returned', BALL)] if shown.motion.was_hit else []
    keys += [] if goal is None else [Key('aim', AIM, spot=goal.x is not None and goal.y is not None)]
    return keys + ([] if end.landing is None else [Key('landing', LANDING, spot=True)])


def _status(shown: ClipTrial, moment: float) -> str:
    """When it is, and whether the ball is seen."""
    motion = shown.motion
    ball = motion.ball(moment)
    now = min(max(moment, motion.begin), motion.end)
    after = now - motion.meeting
    what = 'the hit' if motion.was_hit else 'the ball was nearest to the blade'
    said = f'{abs(after):.2f} s {"before" if after < 0.0 else "after"} {what}'
    if moment < motion.begin:
        said = 'not begun yet'
    elif ball is not None and not ball.seen:
        said += ', ball not seen any more'
    return f'{said}   {SPEED:g} × speed'


def at_speed(shown: ClipTrial, seconds: float) -> tuple[NDArray[np.float64], Marks]:
    """Joints and marks so many seconds after the beginning, as slow as in a clip; after the end it begins again."""
    motion = shown.motion
    lasts = (motion.end - motion.begin) / SPEED + HOLD
    time = min(motion.begin + SPEED * (seconds % lasts), motion.end)
    return motion.joints(time), shown.marks(time)
