"""How well the package's own filter predicts flights that no fit has seen: 0.25 s ahead, through the bounce."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.ball.filter import BallFilter, FilterConfig
from llm_policy_improver.table_tennis.ball.prediction import BallState, advance
from llm_policy_improver.table_tennis.ball.state import BallLaw, BallModel
from llm_policy_improver.table_tennis.calibration.flights import Flight
from llm_policy_improver.table_tennis.tracing.flight import parabola

Array = NDArray[np.float64]

AHEAD: Final = 0.25
"""s."""
_BEFORE: Final = (0.05, 0.08, 0.11, 0.14, 0.17, 0.20)
"""s before the bounce at which is predicted."""
_FEWEST: Final = 10
"""Sightings that the filter has by then."""
_SIDE: Final = 5
"""Sightings on each side of the predicted moment whose parabola is where the ball was."""
_STEP: Final = 0.01
"""s."""


def held_out(count: int) -> NDArray[np.bool_]:
    """(count,) which flights are kept from the fit that is judged: every fourth."""
    return np.arange(count) % 4 == 3


def prediction_errors(flights: Sequence[Flight], model: BallModel, config: FilterConfig) -> Array:
    """(k,) m, how far predictions through the bounce were off, of flights in frame ``table``.

    Where the ball was is told by the later sightings alone, so that no coefficient has a part in it.
    """
    errors = []
    for flight in flights:
        if flight.bounce is None:
            continue
        time, position = flight.time - flight.time[0], flight.position
        bounce = flight.bounce - flight.time[0]
        filtered = BallFilter(model, config)
        states: dict[float, BallState] = {}
        due = sorted(bounce - before for before in _BEFORE)
        for moment, place in zip(time.tolist(), position.tolist(), strict=True):
            if moment >= bounce - min(_BEFORE) + 1e-3 and not due:
                break
            filtered.observe(moment, (place[0], place[1], place[2]))
            while due and moment >= due[0]:
                if filtered.sightings >= _FEWEST and filtered.state is not None and moment < bounce - 0.01:
                    states[moment] = filtered.state
                due.pop(0)
        for moment, state in states.items():
            there = _place(time, position, moment + AHEAD, bounce)
            if there is not None:
                errors.append(float(np.linalg.norm(_ahead(model.law, state) - there)))
    return np.array(errors)


def _ahead(law: BallLaw, state: BallState) -> Array:
    for _ in range(round(AHEAD / _STEP)):
        state, _ = advance(law, state, _STEP)
    return np.array(state.position)


def _place(time: Array, position: Array, moment: float, bounce: float) -> Array | None:
    """Where the ball was, by the sightings around; None where they do not reach round it."""
    row = int(np.searchsorted(time, moment))
    around = slice(max(row - _SIDE, int(np.searchsorted(time, bounce)) + 1), row + _SIDE)
    near = time[around]
    if row < 1 or len(near) < _SIDE + 1 or near[-1] < moment or near[0] > moment or near[-1] - near[0] > 0.15:
        return None
    return np.asarray(parabola(near - moment, position[around])[0])
