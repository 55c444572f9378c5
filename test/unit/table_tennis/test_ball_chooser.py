"""Programs that choose the parameters of each ball: what they get, and what is made of their answers."""

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pytest

from llm_policy_improver.core.policy import ParameterError, Program
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.modulation import BallProgram, Modulation
from llm_policy_improver.table_tennis.ball_choice import OBSERVED, BallChoice, Fallback
from llm_policy_improver.table_tennis.ball_chooser import BallChooser
from llm_policy_improver.table_tennis.control.choosing import IncomingBall
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.task import TableTennis

LOW, HIGH = (0.8,) * 8 + (-0.1,) * 8, (1.2,) * 8 + (0.3,) * 8
LARGEST = (0.2,) * 8
CONSTANTS = Modulation((0.9,) * 8, (0.02,) * 8)
BALL = IncomingBall(0.25, (0.1, -1.4, 0.3), (0.2, -3.0, 1.0), (90.0, 0.0, 1.0))
PATIENCE = 30.0
"""s."""

STEERING = """
class Policy:
    def act(self, obs):
        return [1.0 + 0.1 * obs[1]] * 8 + [0.0] * 8
"""
FUNCTION = """
def act(hit_x, **others):
    return [1.0 + 0.1 * hit_x] * 8 + [0.0] * 8
"""
REMEMBERING = """
asked = []


class Policy:
    def act(self, obs):
        asked.append(obs)
        return [0.8 + 0.1 * len(asked)] * 8 + [0.0] * 8
"""
WIDE = """
class Policy:
    def act(self, obs):
        return [5.0] * 4 + [-5.0] * 4 + [0.25] * 4 + [-9.0] * 4
"""


def policy(act: str) -> str:
    return f'class Policy:\n    def act(self, obs):\n        {act}\n'


def program(source: str, entry: str = 'Policy') -> Modulation:
    return Modulation(
        CONSTANTS.attenuation,
        CONSTANTS.residual,
        7,
        'prompt_po:x',
        program=BallProgram(source, entry, LOW, HIGH),
    )


@pytest.fixture(scope='module')
def waiting() -> Iterator[BallChooser]:
    """As in simulation."""
    with BallChooser(LARGEST, waits=True) as chooser:
        yield chooser


def chosen(chooser: BallChooser, parameters: Modulation, ball: IncomingBall = BALL) -> BallChoice:
    chooser.prepare(parameters)
    chooser.ask(ball)
    taken = chooser.take()
    choice = chooser.pop()
    assert choice is not None
    assert (taken is None) == (choice.fallback is not None)
    if taken is not None:
        assert (*taken[0], *taken[1]) == choice.applied
    return choice


@pytest.mark.parametrize(('source', 'entry'), [(STEERING, 'Policy'), (FUNCTION, 'act')])
def test_program_gets_the_ball_and_its_sixteen_numbers_are_applied(
    waiting: BallChooser, source: str, entry: str
) -> None:
    choice = chosen(waiting, program(source, entry))
    assert choice.applied == pytest.approx((1.01,) * 8 + (0.0,) * 8)
    assert dict(zip(OBSERVED, choice.observed, strict=True))['hit_x'] == 0.1
    assert (choice.version, choice.fallback, choice.sentence) == (7, None, '')


def test_every_ball_meets_a_policy_that_remembers_no_other(waiting: BallChooser) -> None:
    for _ in range(3):
        assert chosen(waiting, program(REMEMBERING)).applied[0] == pytest.approx(0.9)


def test_what_is_chosen_is_clipped_to_the_envelope_and_then_to_the_arms_own_limits(
    waiting: BallChooser,
) -> None:
    assert chosen(waiting, program(WIDE)).applied == (1.2,) * 4 + (0.8,) * 4 + (0.2,) * 4 + (-0.1,) * 4


@pytest.mark.parametrize(
    ('source', 'fallback', 'detail'),
    [
        (policy('return obs[99]'), Fallback.FAILED, 'IndexError'),
        (policy('import os; os._exit(3)'), Fallback.FAILED, ''),
        ('class Policy:\n    def __init__(self):\n        raise OSError("no")\n', Fallback.FAILED, 'OSError: no'),
        ('def Policy(:', Fallback.FAILED, 'SyntaxError'),
        (policy('return None'), Fallback.INVALID, 'None'),
        (policy('return [1.0] * 15'), Fallback.INVALID, '1.0'),
        (policy('return [True] * 16'), Fallback.INVALID, 'True'),
        (policy('return ["1"] * 16'), Fallback.INVALID, "'1'"),
        (policy('return [10 ** 400] * 2 + [0] * 14'), Fallback.FAILED, 'integer of more than 64 bits'),
        (policy('return [0.0] * 100_000'), Fallback.FAILED, 'bytes'),
        (policy('while True: pass'), Fallback.FAILED, 'took longer than 0.03 s'),
        (policy('return [float("nan")] * 16'), Fallback.FAILED, 'numbers must be finite'),
    ],
)  # fmt: skip
def test_the_constants_hold_where_a_program_gives_nothing_usable(
    waiting: BallChooser, source: str, fallback: Fallback, detail: str
) -> None:
    choice = chosen(waiting, program(source))
    assert choice.fallback is fallback
    assert detail in choice.detail
    assert choice.applied == CONSTANTS.attenuation + CONSTANTS.residual
    assert 'the constants held' in choice.sentence
    # The next one is none the worse for it.
    assert chosen(waiting, program(STEERING)).fallback is None


def test_without_a_program_there_is_nothing_to_take_or_to_tell(waiting: BallChooser) -> None:
    waiting.prepare(CONSTANTS)
    waiting.ask(BALL)
    assert waiting.take() is None
    assert waiting.pop() is None
    assert waiting.missed() is None


def test_a_ball_for_which_the_program_was_not_asked_is_told_as_such(waiting: BallChooser) -> None:
    waiting.prepare(program(STEERING))
    assert waiting.take() is None
    choice, missed = waiting.pop(), waiting.missed()
    assert choice is not None
    assert choice.fallback is Fallback.NOT_ASKED
    assert choice == missed


def test_an_endless_program_is_late_and_holds_nobody_up() -> None:
    """On the arm, where the control loop goes on."""
    with BallChooser(LARGEST) as chooser:
        chooser.prepare(program(policy('while True: pass')))
        longest = 0.0
        for _ in range(20):
            chooser.ask(BALL)
            began = time.thread_time()
            assert chooser.take() is None
            longest = max(longest, time.thread_time() - began)
            choice = chooser.pop()
            assert choice is not None
            assert choice.fallback in (Fallback.LATE, Fallback.FAILED)
            chooser.prepare(program(policy('while True: pass')))
        assert longest < 0.005
        chooser.prepare(program(STEERING))
        asked_until_answered(chooser)


def asked_until_answered(chooser: BallChooser) -> None:
    end, tick = time.monotonic() + PATIENCE, threading.Event()
    while time.monotonic() < end:
        chooser.prepare(program(STEERING))
        chooser.ask(BALL)
        tick.wait(0.06)  # three ticks of the control loop
        if chooser.take() is not None:
            return
    pytest.fail('a program in order is never in time')


def test_a_program_that_chooses_the_constants_plays_their_trial_bit_for_bit(waiting: BallChooser) -> None:
    rally = SimulationConfig(balls='rally')
    plain, with_program = TableTennis(rally), TableTennis(rally, chooser=waiting)
    same = policy('return [0.9] * 8 + [0.02] * 8')
    one = plain.run(CONSTANTS.policy, 5)
    with_program.begin(program(same), 5)
    while not with_program.simulator.finished:
        with_program.step()
    other = with_program.finish()
    assert other.policy == Program(same, 'Policy')
    assert other.measures == one.measures
    for field in fields(one.samples):
        assert np.array_equal(getattr(one.samples, field.name), getattr(other.samples, field.name))


def test_a_trial_tells_what_was_observed_and_what_was_applied() -> None:
    applied = (1.1,) * 8 + (0.1,) * 8
    choice = BallChoice(7, tuple(map(float, range(10))), applied, Fallback.LATE)
    trial = choice.told_by(Trial(Program(STEERING, 'Policy'), 'landed', {'landing_x': 0.1}, note='landed'))
    assert trial.measures['landing_x'] == 0.1
    assert (trial.measures['time_to_hit'], trial.measures['ball_z_spin']) == (0.0, 9.0)
    assert (trial.measures['a'], trial.measures['p']) == (1.1, 0.1)
    assert trial.note == 'landed; the constants held: the program was late'


@pytest.mark.parametrize(
    ('changed', 'said'),
    [
        ({'source': ' '}, 'a source of 1 to 20,000 characters; got 1'),
        ({'source': 'x' * 20_001}, 'got 20,001'),
        ({'entry': 'os.system'}, 'entry must be the name of a class or function; got "os.system"'),
        ({'low': (0.8,) * 15}, 'the low end of the envelope must be 16 finite numbers'),
        ({'high': (math.inf,) * 16}, 'the high end of the envelope must be 16 finite numbers'),
        ({'low': (1.3, *LOW[1:])}, 'the envelope of a must be from low to high, and none below 0; got 1.3 to 1.2'),
        ({'low': (-0.1, *LOW[1:])}, 'none below 0; got -0.1 to 1.2'),
        ({'low': (*LOW[:15], 0.4)}, 'the envelope of p must be from low to high; got 0.4 to 0.3'),
    ],
)  # fmt: skip
def test_what_is_no_program_or_no_envelope_is_refused(changed: dict[str, object], said: str) -> None:
    given = {'source': STEERING, 'entry': 'Policy', 'low': LOW, 'high': HIGH}
    with pytest.raises(ParameterError, match=said):
        BallProgram(**{**given, **changed})  # type: ignore[arg-type]
