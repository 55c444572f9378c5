"""The ball as it is shown: its way so far, and where it will go by the laws of flight."""

import math
from collections import deque
from typing import Final

from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.filter import BallFilter, FilterConfig
from llm_policy_improver.table_tennis.ball.prediction import advance
from llm_policy_improver.table_tennis.ball.state import BallModel, Vec

_LOST: Final = 0.4
"""s without a sighting after which the next one is of another ball."""
_TURNED: Final = 0.01
"""m between two sightings against the ball's flight: more than the cameras' noise, so that something has hit it."""
_STEP: Final = 0.02
"""s between two points of the way ahead."""
_LONGEST: Final = 1.0
"""s ahead."""
_MOST_BOUNCES: Final = 2
"""Of which the second one ends the way ahead."""
_FEWEST: Final = 5
"""Sightings before the way ahead is worth a line."""
_BEYOND: Final = 1.0
"""m behind the table's ends where the way ahead ends."""


class BallTrack:
    """Of the ball that was seen last.

    Args:
        model: of flight and bounces.
        config: what is believed of cameras and laws.
        trail: s of the way behind the ball.
    """

    def __init__(self, model: BallModel, config: FilterConfig, trail: float) -> None:
        self._model = model
        self._config = config
        self._trail = trail
        self._seen: deque[tuple[float, Vec]] = deque()
        self._filter = BallFilter(model, config)

    def see(self, time: float, position: Vec) -> None:
        """One more sighting, s and m; one that is not later than the one before is left out."""
        if self._seen:
            last, before = self._seen[-1]
            if time <= last:
                return
            if time - last > _LOST:
                self._seen.clear()
                self._filter = BallFilter(self._model, self._config)
            elif self._has_turned(position[1] - before[1]):
                self._filter = BallFilter(self._model, self._config)
                self._filter.observe(last, before)
        self._filter.observe(time, position)
        self._seen.append((time, position))
        while self._seen[0][0] < time - self._trail:
            self._seen.popleft()

    def _has_turned(self, way: float) -> bool:
        state = self._filter.state
        return state is not None and abs(way) > _TURNED and way * state.velocity[1] < 0.0

    def lost_at(self, time: float) -> bool:
        """Whether no ball is in sight at this time, s."""
        return not self._seen or time - self._seen[-1][0] > _LOST

    @property
    def behind(self) -> list[Vec]:
        """m, the sightings of the last moments, oldest first."""
        return [position for _, position in self._seen]

    @property
    def ahead(self) -> list[Vec]:
        """m, from the last sighting on, to the second bounce or until the ball is past the table; empty while too
        little is known.
        """
        state, places, bounces = self._filter.state, list[Vec](), 0
        if state is None or self._filter.sightings < _FEWEST:
            return places
        end = state.time + _LONGEST
        while True:
            places.append(state.position)
            beyond = abs(state.position[1]) > table.HALF_LENGTH + _BEYOND or state.position[2] < -table.HEIGHT
            if beyond or bounces >= _MOST_BOUNCES or state.time >= end or not all(map(math.isfinite, state.position)):
                return places
            state, bounced = advance(self._model.law, state, _STEP)
            bounces += bounced
