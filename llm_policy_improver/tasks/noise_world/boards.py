"""The seven boards of NoiseWorld: where everything is, and what chance does in each region.

From the paper on PromptPO (arXiv 2605.30719) and what its public code (Stephanehk/PromptPO) draws from the seeds of
the boards: regions of nearest cells by Manhattan distance, each with its own kind of chance. Probabilities are rounded
to six decimals here, which moves no optimum by more than 0.001.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

Cell = tuple[int, int]
"""Row and column, both from 0; row 0 is drawn on top."""

WALL, GOAL, BAD, FIRST_KEY, SECOND_KEY = '#', '*', '!', '1', '2'
START: Final[Cell] = (0, 0)


class Chance(Enum):
    """What happens where a step does not come off."""

    NONE = 'it always comes off'
    STAY = 'the walker stays where it is'
    RESET = 'the walker is put back to the start'


@dataclass(frozen=True, slots=True)
class Region:
    """What chance does to a step that begins in a region.

    Attributes:
        chance: what else may happen.
        success: probability that the step comes off. The paper draws p and p' for a region that resets and moves
            with p / (p + 1 - p').
    """

    chance: Chance
    success: float = 1.0


@dataclass(frozen=True, slots=True)
class Board:
    """One board.

    Attributes:
        number: 0 to 6.
        drawing: a line for each row: a letter is a region; `WALL`, `GOAL`, `BAD`, `FIRST_KEY`, `SECOND_KEY`.
        regions: by letter.
        optimum: the largest expected return within the horizon, as published to 0.1.
    """

    number: int
    drawing: tuple[str, ...]
    regions: Mapping[str, Region]
    optimum: float

    @property
    def size(self) -> int:
        """Rows, and columns."""
        return len(self.drawing)

    @property
    def horizon(self) -> int:
        """Steps of an episode at most: as many as there are cells."""
        return self.size**2

    @property
    def goal(self) -> Cell:
        """The corner opposite the start."""
        return (self.size - 1, self.size - 1)

    @property
    def has_keys(self) -> bool:
        """Whether the goal counts only after both keys, in their order."""
        return any(FIRST_KEY in row for row in self.drawing)

    def at(self, cell: Cell) -> str:
        """What is drawn there."""
        return self.drawing[cell[0]][cell[1]]

    def region(self, cell: Cell) -> Region:
        """What chance does to a step from there; nothing on a key."""
        return self.regions.get(self.at(cell), _CERTAIN)


_CERTAIN: Final = Region(Chance.NONE)


def _stay(success: float) -> Region:
    return Region(Chance.STAY, success)


def _reset(success: float) -> Region:
    return Region(Chance.RESET, success)


BOARDS: Final = (
    Board(
        0,
        (
            'aa!bb',
            'aaabb',
            'aaacd',
            'ccccd',
            '#ddd*',
        ),
        {'a': _reset(0.459640), 'b': _reset(0.625704), 'c': _reset(0.730154), 'd': _CERTAIN},
        34.9,
    ),
    Board(
        1,
        (
            'aaaabbbbbc',
            'aaabbbbbbc',
            'aaabbbbbcc',
            'aaabbddccc',
            'aaaddddccc',
            'ddddddddcc',
            'ddddddddcc',
            'ddddd#deec',
            'ddddd!eeee',
            'eeeeeeeee*',
        ),
        {'a': _reset(0.689031), 'b': _CERTAIN, 'c': _CERTAIN, 'd': _CERTAIN, 'e': _CERTAIN},
        974.9,
    ),
    Board(
        2,
        (
            'aabbbbbbbb',
            'aabbbbbb!b',
            'aabbbbbbbb',
            'aaacbbbbbb',
            'aaaccbdddd',
            'eaaccddddd',
            'eeecdddddd',
            'eeeedddddd',
            'eeeedddd#d',
            'eeeeddddd*',
        ),
        {'a': _stay(0.276552), 'b': _CERTAIN, 'c': _CERTAIN, 'd': _CERTAIN, 'e': _stay(0.594824)},
        976.8,
    ),
    Board(
        3,
        (
            'aaaaaaaabb',
            'aaaaaaaa!b',
            'aaaaaaaabb',
            'aaaaaaaabb',
            'aaaaaacbbb',
            'ddaaaccbbb',
            'dddddccbbb',
            'dddd#ccebb',
            'ddddccceeb',
            'ddddeeeee*',
        ),
        {'a': _CERTAIN, 'b': _reset(0.451369), 'c': _CERTAIN, 'd': _stay(0.513690), 'e': _stay(0.805532)},
        981.3,
    ),
    Board(
        4,
        (
            'aaaaaaaaaa',
            'aaaaaaaaaa',
            'bbcccaaaaa',
            'bbcccdda!2',
            'bbc#cddddd',
            'bbcccddddd',
            'bbcccddddd',
            'bbeeeedddd',
            'bbbeeedddd',
            'bbb1eeddd*',
        ),
        {'a': _CERTAIN, 'b': _CERTAIN, 'c': _stay(0.539838), 'd': _CERTAIN, 'e': _stay(0.883027)},
        969.7,
    ),
    Board(
        5,
        (
            'aaaaaaabbb',
            'aaa2aaabbb',
            'aaaaaaabbb',
            'aaaaa1abbb',
            'aaaaaabbbb',
            '#aacccbbbb',
            'dddcccbbbb',
            'dddcccbbbb',
            'ddcc!ceeeb',
            'dccccceee*',
        ),
        {
            'a': _stay(0.511996),
            'b': _reset(0.426115),
            'c': _reset(0.650031),
            'd': _reset(0.578441),
            'e': _stay(0.438123),
        },
        399.7,
    ),
    Board(
        6,
        (
            'aaaaaaaaaa',
            'a2aaaa#bbb',
            'aaaaaabbbb',
            'aaaaa!bbbb',
            'cccccbbbbb',
            'cccccddeee',
            'cccccddddd',
            'cccccddddd',
            'cccccdd1dd',
            'cccccdddd*',
        ),
        {'a': _CERTAIN, 'b': _reset(0.568314), 'c': _stay(0.361844), 'd': _CERTAIN, 'e': _reset(0.531667)},
        954.8,
    ),
)
