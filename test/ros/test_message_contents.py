"""Messages that do not hold what they must are refused in one sentence, by one exception."""

from collections.abc import Callable

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

import numpy as np
from geometry_msgs.msg import Point

from llm_policy_improver.msg import ExecutionTrace
from llm_policy_improver.nodes.messages import (
    MessageError,
    command_message,
    command_of,
    doubles,
    trace_message,
    trial_in,
)
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.observation import Command
from llm_policy_improver.table_tennis.task import TableTennis

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
