"""Messages that do not hold what they must are refused in one sentence, by one exception."""

from collections.abc import Callable

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

import numpy as np
from geometry_msgs.msg import Point

from llm_policy_improver.core.policy import Program
from llm_policy_improver.msg import ExecutionTrace
from llm_policy_improver.nodes.messages import (
    MessageError,
    choice_message,
    choice_of,
    command_message,
    command_of,
    doubles,
    parameters_message,
    parameters_of,
    trace_message,
    trial_in,
)
from llm_policy_improver.table_tennis.arm.modulation import NEUTRAL_ATTENUATION, NEUTRAL_RESIDUAL, Modulation
from llm_policy_improver.table_tennis.ball_choice import BallChoice, Fallback
from llm_policy_improver.table_tennis.observation import Command
from llm_policy_improver.table_tennis.task import TableTennis

NEUTRAL_CHOICE = NEUTRAL_ATTENUATION + NEUTRAL_RESIDUAL
PLAYED = TableTennis().run(Modulation().policy, 0)


def cut(field: str) -> Callable[[ExecutionTrace], None]:
    """One value is missing."""
    return lambda trace: setattr(trace, field, getattr(trace, field)[:-1])


@pytest.mark.parametrize(
    'spoil',
    [
        lambda trace: setattr(trace, 'outcome', 'splendid'),
        lambda trace: setattr(trace, 'attenuation', doubles([float('nan')] * 8)),
        lambda trace: trace.ball_position.append(Point()),
        *map(
            cut,
            ('residual', 'measures', 'joint_position', 'applied_velocity', 'joint_time', 'racket_position'),
        ),
    ],
)
def test_trial_that_is_none_is_refused(spoil: Callable[[ExecutionTrace], None]) -> None:
    message = trace_message(PLAYED, 0)
    message.trial = 7
    assert trial_in(message).number == 7
    spoil(message)
    with pytest.raises(MessageError, match=r'^trial 7 of execution_trace cannot be read: .+'):
        trial_in(message)


@pytest.mark.parametrize('field', ['requested', 'applied'])
def test_command_for_other_joints_is_refused(field: str) -> None:
    message = command_message(Command(0, np.zeros(8), np.ones(8)), 3)
    assert command_of(message).applied.tolist() == [1.0] * 8
    setattr(message, field, doubles([0.0] * 9))
    with pytest.raises(
        MessageError, match=f'^a command has 9 {field} velocities: 8 are expected, one a joint$'
    ):
        command_of(message)


CONTROLS = 'a\x9b2J\u202eb\u200b'
CLEAN = 'a2Jb'


def test_text_of_another_node_is_cleaned() -> None:
    trace = trace_message(PLAYED, 0)
    trace.note, trace.proposed_by = f'{CONTROLS}\nsecond', CONTROLS
    trace.source, trace.entry = f'def act():\n\treturn "{CONTROLS}"', 'act'
    trial = trial_in(trace)
    assert (trial.note, trial.proposed_by) == (f'{CLEAN}\nsecond', CLEAN)
    assert trial.policy == Program(f'def act():\n\treturn "{CLEAN}"', 'act')
    parameters = parameters_message(Modulation(proposed_by=CONTROLS), 0)
    assert parameters_of(parameters).proposed_by == CLEAN
    choice = choice_message(BallChoice(1, (), NEUTRAL_CHOICE, Fallback.FAILED, CONTROLS), 0)
    assert choice_of(choice).detail == CLEAN


def test_what_another_node_sends_is_quoted_without_controls() -> None:
    trace, choice = trace_message(PLAYED, 0), choice_message(BallChoice(1, (), NEUTRAL_CHOICE), 0)
    trace.outcome, choice.fallback = CONTROLS, CONTROLS
    parameters = parameters_message(Modulation(), 0)
    parameters.joint_names = [CONTROLS * 1000]
    others = parameters_message(Modulation(), 0)
    others.names = [CONTROLS]
    for read, message in (
        (trial_in, trace),
        (choice_of, choice),
        (parameters_of, parameters),
        (parameters_of, others),
    ):
        with pytest.raises(ValueError, match=r'a2Jb|a.x9b2J') as caught:
            read(message)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 1000
