"""The arm and a ball that is another one each time: a program chooses attenuations and residuals for each of them.

An episode is one ball of a rally (`simulation.rally`), drawn from its seed. The program is asked once, shortly before
the controller fixes its swing, and gets the ball as the controller predicts it at the hit.
"""

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from llm_policy_improver.core.environment import Action, EpisodeBrief, Observation, Quantity, Transition
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball_choice import AFTERWARDS, NOT_PLAYED, OBSERVED, observed
from llm_policy_improver.table_tennis.control.choosing import Array, IncomingBall
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.table_tennis.tracing.observed import Outcome, landing_of
from llm_policy_improver.tasks.actions import values
from llm_policy_improver.tasks.describing import described

if TYPE_CHECKING:
    from llm_policy_improver.table_tennis.task import TableTennis

Target = tuple[float | None, float | None]
"""m, x and y of where a ball is to land; None where that does not matter."""

TARGET: Final = (round(table.HALF_WIDTH / 2.0, 2), round(table.HALF_LENGTH / 2.0, 2))
"""m, x and y: the middle of the right half of the opponent's side."""
MISS: Final = 1.5
"""m that a ball costs which does not land on the opponent's half: more than any that does, at most 1.34 m away."""

OUTCOMES: Final = (
    Outcome.LANDED, Outcome.OUT, Outcome.NET, Outcome.OWN_SIDE, Outcome.MISSED, Outcome.DOUBLE_BOUNCE,
    Outcome.BAD_FEED, Outcome.COLLISION, Outcome.ABORTED,
)  # fmt: skip
"""As they are numbered, from 1."""

_NO_HIT: Final = IncomingBall(0.0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


class OneBall:
    """A chooser that notes the ball it is asked about, and gives what was put into ``chosen``."""

    def __init__(self) -> None:
        self.asked: IncomingBall | None = None
        self.chosen: tuple[Array, Array] | None = None

    def prepare(self, parameters: Modulation) -> None:
        """Nothing is chosen yet."""
        self.asked = self.chosen = None

    def ask(self, ball: IncomingBall) -> None:
        """Note it."""
        self.asked = ball

    def take(self) -> tuple[Array, Array] | None:
        """What was chosen."""
        return self.chosen


class ArmVariedBalls:
    """One ball an episode, played in simulation."""

    def __init__(self, task: 'TableTennis', chooser: OneBall) -> None:
        """``chooser``: that of the task."""
        self._task = task
        self._chooser = chooser
        self._under_way = False
        self._seen: Observation = ()

    @property
    def brief(self) -> EpisodeBrief:
        """What may be known of it."""
        return BRIEF

    def reset(self, seed: int) -> Observation:
        """Launch the ball of this seed and play until the parameters of its swing have to be chosen."""
        task, chooser = self._task, self._chooser
        task.begin(Modulation(), seed)
        while chooser.asked is None and not task.simulator.finished:
            task.step()
        self._under_way = True
        self._seen = observed(chooser.asked or _NO_HIT)
        return self._seen + NOT_PLAYED

    def step(self, action: Action) -> Transition:
        """Play the ball with these parameters.

        Raises:
            ValueError: they are not sixteen values within the brief's ranges.
            RuntimeError: no episode has begun, or the last one is over.
        """
        if not self._under_way:
            raise RuntimeError('no episode is under way; reset begins one')
        chosen = np.array(values(action, BRIEF.action), dtype=float)
        self._chooser.chosen = chosen[: len(JOINTS)], chosen[len(JOINTS) :]
        while not self._task.simulator.finished:
            self._task.step()
        self._under_way = False
        trial = self._task.finish()
        told = told_of(trial)
        return Transition(self._seen + told, reward_of(told), terminated=True, success=trial.succeeded)

    def close(self) -> None:
        """It holds nothing that must be let go of."""


def told_of(trial: Trial) -> tuple[float, float, float]:
    """Number of the outcome, and where the ball first came down on the table, m; 0 where it did not."""
    landing = landing_of(trial)
    x, y = (0.0, 0.0) if landing is None else (landing.x, landing.y)
    return float(1 + OUTCOMES.index(Outcome(trial.outcome))), x, y


def reward_of(told: tuple[float, float, float], target: Target = TARGET) -> float:
    """The distance from the target, m, negative; of a ball that did not land, what a miss costs."""
    outcome, *place = told
    gaps = [here - there for here, there in zip(place, target, strict=True) if there is not None]
    return -math.hypot(*gaps) if outcome == 1.0 else -MISS


class ArmVariedBallsTask:
    """Calling it makes the environment."""

    @property
    def brief(self) -> EpisodeBrief:
        """What may be known of it."""
        return BRIEF

    def __call__(self) -> ArmVariedBalls:
        """The environment."""
        # MuJoCo is needed only where balls are played.
        from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
        from llm_policy_improver.table_tennis.task import TableTennis

        chooser = OneBall()
        return ArmVariedBalls(TableTennis(SimulationConfig(balls='rally'), chooser=chooser), chooser)


def _observation() -> tuple[Quantity, ...]:
    spin = 'spin of the ball before the hit about the {} axis, as far as its flight has shown it'
    after = 'where the ball came down on the table after the hit, 0 where it did not'
    told = (
        ('time until the racket is to meet the ball', 0.0, 0.6, 's'),
        ('where it is to meet it, to the right of the middle of the table', -1.2, 1.2, 'm'),
        ('where it is to meet it, from the net towards the opponent', -1.8, 0.0, 'm'),
        ('where it is to meet it, above the table', -0.2, 1.0, 'm'),
        ('velocity of the ball before the hit, to the right', -4.0, 4.0, 'm/s'),
        ('velocity of the ball before the hit, towards the opponent', -8.0, 0.0, 'm/s'),
        ('velocity of the ball before the hit, upwards', -6.0, 6.0, 'm/s'),
        *((spin.format(axis), -300.0, 300.0, 'rad/s') for axis in 'xyz'),
        (
            '0 before the hit; after it the place of what happened in OUTCOMES, 1 for a ball that landed',
            0.0,
            9.0,
            '',
        ),
        (f'{after}; to the right', -0.8, 0.8, 'm'),
        (f'{after}; towards the opponent', -1.4, 1.4, 'm'),
    )
    return tuple(Quantity(name, *each) for name, each in zip((*OBSERVED, *AFTERWARDS), told, strict=True))


def _action(space: ParameterSpace) -> tuple[Quantity, ...]:
    """All sixteen; what the space does not hold stays neutral."""
    searched = {each.name: each for each in space.parameters}
    found = []
    for place, each in enumerate(parameter_space(Searched.BOTH).parameters):
        joint = JOINTS[place % len(JOINTS)]
        meaning = f'{"factor on" if place < len(JOINTS) else "added to"} the velocity of {joint}'
        low, high = each.neutral, each.neutral
        if each.name in searched:
            low, high = searched[each.name].low, searched[each.name].high
        told = f'{meaning}, {each.neutral:g} changes nothing' if low < high else f'{meaning}: {low:g}, not to be chosen'
        found.append(Quantity(each.name, told, low, high, each.unit))
    return tuple(found)


_TEXT: Final = """\
A robot plays table tennis: two linear axes, slide_y (towards the opponent) and slide_x (to the right), carry an \
arm with six joints, axis_1 (vertical, at its foot) to axis_6 (at its wrist), and a racket. Its controller \
predicts each incoming ball and plans a swing of about 0.2 s that returns it to the middle of the opponent's side, \
(0, 0.76) m. During the swing the velocity of each joint is attenuation * planned velocity + residual: eight \
attenuations a ... h and eight residuals i ... p, in the order of the joints. With all attenuations 1 and all \
residuals 0 nearly every ball lands within 0.1 m of (0, 0.76) m. The swing also has motion that does not move the \
racket's centre, so each of the joints matters in its own way; what comes of a change differs from ball to ball.

The frame: origin at the centre of the table's surface, x to the robot's right, y towards the opponent, z up. The \
table reaches from x = -0.7625 to 0.7625 m and from y = -1.37 to 1.37 m, the net is at y = 0 and 0.1525 m high; \
the robot stands at y < -1.37 m. Each ball starts at another place, flies with another speed (2 to 7 m/s) and spin \
(25 rad/s of backspin to 50 of topspin) and bounces once on the robot's side.

An episode is one ball and takes 1 step: the parameters for its swing are chosen once, from the ball as the \
controller predicts it at the hit. The aim is that the ball lands on the opponent's side as near as can be to \
{place}. The reward is minus the distance from there in m; a ball that does not land on the \
opponent's side costs {miss}."""


def make_brief(target: Target = TARGET, space: ParameterSpace | None = None) -> EpisodeBrief:
    """What may be known where balls are to land there.

    Args:
        target: m.
        space: the bounds of what is chosen; attenuations and residuals within the usual ones where None.
    """
    x, y = target
    lines = [f'{axis} = {value:g} m' for axis, value in (('x', x), ('y', y)) if value is not None]
    place = f'({x:g}, {y:g}) m' if len(lines) == 2 else f'the line {lines[0]}'
    reward = f'''\
import math

TARGET = {target}  # m, x and y; None where it does not matter
MISS = {MISS}  # m
OUTCOMES = {('not played', *map(str, OUTCOMES))}


def reward(obs, action, next_obs):
    """Minus the distance of the landing from the target, or what a miss costs."""
    outcome, *place = next_obs[10:]
    gaps = [here - there for here, there in zip(place, TARGET) if there is not None]
    return -math.hypot(*gaps) if outcome == 1 else -MISS
'''
    text = _TEXT.format(place=place, miss=MISS)
    return described(text, _observation(), reward, 1, action=_action(space or parameter_space(Searched.BOTH)))


BRIEF: Final = make_brief()
ARM_VARIED_BALLS: Final = ArmVariedBallsTask()
