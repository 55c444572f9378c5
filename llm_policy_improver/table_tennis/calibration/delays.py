"""Delays of commands and encoders, in the form that the controller's `LatencyModel` takes.

Traces tell the sum of a command's delay and the encoders'; hits tell the encoders' alone. Where no hits were seen, the
encoders' delay from before is taken off the sum: the model counts with the sum, and only the split is then a guess.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.arm.joint_model import LatencyModel
from llm_policy_improver.table_tennis.calibration.coefficient import Coefficient
from llm_policy_improver.table_tennis.calibration.drives import Drive
from llm_policy_improver.table_tennis.calibration.racket_fit import RacketFit

_CERTAIN: Final = 0.008
"""s, standard error of a delay that is taken: less than half a control period."""
_BETWEEN: Final = 0.005
"""s by which the encoders of slides and axes may differ in their delays, standard deviation: hits tell one for all, the
mean of both by their shares in the blade's speed. Taken for that of the axes alone, it lay within two standard errors
in 83 % of 100 cells."""
_NONE: Final = 0.0015
"""s: less than a physics step or two is no delay."""

ACTIONS: Final = {'slide_y_action': 'slide_y', 'slide_x_action': 'slide_x', 'arm_action': 'axis_'}
"""Settings of `LatencyModel`, and how the joints are called that they are for."""
STATES: Final = ('arm_state', 'slide_state')


def delay_coefficients(
    drives: Sequence[Drive], racket: RacketFit | None, before: LatencyModel
) -> dict[str, Coefficient]:
    """By the names of `LatencyModel`, s."""
    found = {}
    late = late_error = None
    if racket is not None and racket.delay_error < _CERTAIN:
        late, late_error = racket.delay, racket.delay_error
    for name in STATES:
        was = float(getattr(before, name))
        if late is None or late_error is None:
            found[name] = Coefficient(
                name, was, float('inf'), False, was, 's', 'hits would tell it: too few were seen with the arm'
            )
        else:
            error = float(np.hypot(late_error, _between(name, racket)))
            found[name] = Coefficient(name, _rounded(late), error, True, was, 's')
    for name, joints in ACTIONS.items():
        was = float(getattr(before, name))
        matching = [drive for drive in drives if drive.joint.startswith(joints)]
        if not matching:
            found[name] = Coefficient(
                name,
                was,
                float('inf'),
                False,
                was,
                's',
                'no commands, or no motion of the joint, were recorded',
            )
            continue
        # One delay is drawn for all axes at once: their means are no independent measurements.
        seen = float(np.mean([drive.delay for drive in matching]))
        own = float(np.mean([drive.delay_error for drive in matching]))
        state = (
            late if late is not None else float(before.slide_state if 'slide' in name else before.arm_state)
        )
        error = float(np.hypot(np.hypot(own, late_error or 0.0), _between(name, racket)))
        determined = error < _CERTAIN
        value = _rounded(seen - state)
        found[name] = Coefficient(
            name, value if determined else was, error, determined, was, 's',
            '' if determined else 'delays differ much from recording to recording: more of them are needed',
        )  # fmt: skip
    return found


def _between(name: str, racket: RacketFit | None) -> float:
    """s by which the delay of these encoders may differ from the one that hits tell, standard deviation."""
    slides = 0.0 if racket is None else racket.slides
    return _BETWEEN * (1.0 - slides if 'slide' in name else slides)


def spread_of(name: str, drives: Sequence[Drive], racket: RacketFit | None) -> float:
    """s, by how much the delay of this name differs from recording to recording."""
    state = racket.delay_spread if racket is not None else 0.0
    if name in STATES:
        return round(state, 4)
    spreads = [drive.delay_spread for drive in drives if drive.joint.startswith(ACTIONS[name])]
    whole = float(np.mean(spreads)) if spreads else 0.0
    return round(math.sqrt(max(whole**2 - state**2, 0.0)), 4)


def _rounded(delay: float) -> float:
    return round(delay, 4) if delay > _NONE else 0.0
