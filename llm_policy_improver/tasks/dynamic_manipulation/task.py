"""The tasks as the loop sees them: three or five parameters in, a place out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.policy import Policy
from llm_policy_improver.core.space import Parameter, ParameterSpace
from llm_policy_improver.core.trial import Trial

DONE: Final = 'done'
"""The only outcome: nothing can fail, only miss."""

_TOLD: Final = frozenset({DONE})

FINE: Final = 2e-4
"""Share of a range up to which two values count as the same: less than a millimetre of most outcomes."""

PUSH_SPACE: Final = ParameterSpace(
    (
        Parameter('alpha', 'angle of the push, towards the left', -0.6, 0.6, 0.0, 'rad', 4, same_share=FINE),
        Parameter('d', 'distance of the push', 0.1, 0.3, 0.2, 'm', 4, same_share=FINE),
        Parameter('t', 'time of the push', 0.25, 0.6, 0.425, 's', 4, same_share=FINE),
    )
)
PLACED_PUSH_SPACE: Final = ParameterSpace(
    (
        *PUSH_SPACE.parameters,
        Parameter('u', 'place of the puck before, straight ahead', -0.1, 0.1, 0.0, 'm', 4, same_share=FINE),
        Parameter('w', 'place of the puck before, towards the left', -0.1, 0.1, 0.0, 'm', 4, same_share=FINE),
    )
)
ROLL_SPACE: Final = ParameterSpace(
    (
        Parameter('alpha', 'angle of the push, towards the left', -0.6, 0.6, 0.0, 'rad', 4, same_share=FINE),
        Parameter('d', 'distance of the push', 0.08, 0.2, 0.14, 'm', 4, same_share=FINE),
        Parameter('t', 'time of the push', 0.3, 0.8, 0.55, 's', 4, same_share=FINE),
    )
)
ROPE_SPACE: Final = ParameterSpace(
    (
        Parameter('d', 'way of the hand forwards', 0.1, 0.5, 0.3, 'm', 4, same_share=FINE),
        Parameter('t', 'time of its motion', 0.25, 0.7, 0.475, 's', 4, same_share=FINE),
        Parameter('h', 'way of the hand upwards', -0.25, 0.25, 0.0, 'm', 4, same_share=FINE),
    )
)

REST: Final = (
    Measure(
        'rest_x', 'm', 'place of rest, straight ahead', 0.0, 2.5,
        less='nearer', more='farther', told_by=_TOLD, short='x',
    ),
    Measure(
        'rest_y', 'm', 'place of rest, towards the left', -1.5, 1.5,
        less='right', more='left', told_by=_TOLD, short='y',
    ),
)  # fmt: skip
TIP: Final = (
    Measure(
        'tip_x', 'm', 'place of the tip where it comes nearest to the point, forwards', -0.7, 1.2,
        less='back', more='forwards', told_by=_TOLD, short='x',
    ),
    Measure(
        'tip_z', 'm', 'place of the tip where it comes nearest to the point, above the floor', 0.0, 2.0,
        less='down', more='up', told_by=_TOLD, short='z',
    ),
)  # fmt: skip

_PUSH_TEXT: Final = (
    'A robot hand holds {what} on a table, accelerates it evenly in a straight line and lets go; {what} goes on by '
    'itself and comes to rest. {count} numbers make a push: {before}its angle alpha, the distance d over which the '
    'hand accelerates, and the time t that it takes to. The place of rest is measured from {origin}: x straight '
    'ahead, y towards the left, in metres.'
)
SLIDE_TEXT: Final = _PUSH_TEXT.format(what='the puck', count='Three', before='', origin='where the puck lay')
ROLL_TEXT: Final = _PUSH_TEXT.format(what='the ball', count='Three', before='', origin='where the ball lay')
PLACED_SLIDE_TEXT: Final = _PUSH_TEXT.format(
    what='the puck', count='Five', origin='the middle of the table',
    before='the place where the puck lies before, u ahead of the middle of the table and w to the left of it, ',
)  # fmt: skip
ROPE_TEXT: Final = (
    'A rope hangs at rest from a robot hand 1 m above the floor. The hand moves smoothly in a straight line, d metres '
    'forwards and h metres upwards in t seconds, and stops; the rope swings on. A point in the plane of the swing is '
    'to be touched by its tip: what is measured is where the tip was when it came nearest to that point, x forwards '
    'of where the hand began, z above the floor, in metres.'
)

SLIDE_BRIEF: Final = Brief(PUSH_SPACE, REST, SLIDE_TEXT, success='came to rest')
PLACED_SLIDE_BRIEF: Final = Brief(PLACED_PUSH_SPACE, REST, PLACED_SLIDE_TEXT, success='came to rest')
ROLL_BRIEF: Final = Brief(ROLL_SPACE, REST, ROLL_TEXT, success='came to rest')
ROPE_BRIEF: Final = Brief(ROPE_SPACE, TIP, ROPE_TEXT, success='swung')

Place = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Manipulation:
    """A task whose outcome is a place.

    Attributes:
        brief: of it.
        simulate: from the values (n,) of the parameters to what happens.
        place_of: the place that this comes to.
        seen: what is measured of that place, with whatever is random; the place itself where None.
    """

    brief: Brief
    simulate: Callable[..., Any]
    place_of: Callable[[Any], Place]
    seen: Callable[[Place, np.random.Generator], Place] | None = None

    def place(self, values: Sequence[float]) -> Place:
        """The outcome without anything random."""
        return self.place_of(self.simulate(*values))

    def run(self, policy: Policy, seed: int) -> Trial:
        """One trial."""
        place = self.place(self.brief.space.values(policy))
        if self.seen is not None:
            place = self.seen(place, np.random.default_rng(seed))
        names = [measure.name for measure in self.brief.measures]
        return Trial(policy, DONE, dict(zip(names, place, strict=True)), succeeded=True)


def itself(place: Place) -> Place:
    """What happens is the place already."""
    return place
