"""Which balls count as not played to their end."""

import pytest

from llm_policy_improver.table_tennis.observation import NANOSECONDS, BallObservation
from llm_policy_improver.table_tennis.tracing.arm_witness import ArmWitness, StateChange

START = 1_763_000_000 * NANOSECONDS
LAST = 1.2
"""s from the first to the last sighting."""
BALL_LOST = 0.4


def at(seconds: float) -> int:
    """ns stamp so long after the first sighting."""
    return START + round(seconds * NANOSECONDS)


def flight(first_y: float = 1.5, velocity: float = -3.0) -> list[BallObservation]:
    """Sightings of a ball, 125 a second; the order in which they come does not matter."""
    times = [number * 0.008 for number in range(round(LAST / 0.008) + 1)]
    return [BallObservation(at(t), (0.0, first_y + velocity * t, 0.2)) for t in reversed(times)]


def watched(
    *states: tuple[float, str], commands: float | None = 1.5, joints: float | None = 1.5
) -> ArmWitness:
    """A node that runs for long, with the times of what the controller said, its last command and joint state."""
    witness = ArmWitness(BALL_LOST)
    witness.begin(at(-60.0))
    for seconds, state in states:
        witness.see_state(StateChange(at(seconds), state, 'it is broken' if state == 'fault' else ''))
    if commands is not None:
        witness.see_command(at(commands))
    if joints is not None:
        witness.see_joints(at(joints))
    return witness


PLAYED = ((-9.0, 'disarmed'), (-5.0, 'ready'), (0.1, 'playing'), (1.0, 'ready'))


@pytest.mark.parametrize(
    'states',
    [
        PLAYED,
        (*PLAYED, (LAST + 0.01, 'fault')),
        (*PLAYED, (LAST + 0.01, 'disarmed')),
        (),
    ],
    ids=[
        'played',
        'stopped afterwards',
        'disarmed afterwards',
        'no status',
    ],
)
def test_ball_that_the_arm_played_counts(states: tuple[tuple[float, str], ...]) -> None:
    assert watched(*states).reason(flight()) == ''


@pytest.mark.parametrize(
    'states',
    [
        ((-9.0, 'disarmed'),),
        ((-9.0, 'ready'), (-0.01, 'disarmed')),
        ((-9.0, 'disarmed'), (0.01, 'ready')),
    ],
    ids=['all the time', 'just disarmed', 'armed too late'],
)
def test_ball_that_comes_while_the_arm_is_disarmed_is_aborted(states: tuple[tuple[float, str], ...]) -> None:
    reason = watched(*states).reason(flight())
    assert reason == 'the arm was disarmed when this ball came: arm it by controller/arm'


@pytest.mark.parametrize(
    'states',
    [((-9.0, 'ready'), (-5.0, 'fault')), ((-9.0, 'fault'), (0.5, 'disarmed'))],
    ids=['all the time', 'resumed meanwhile'],
)
def test_ball_that_comes_while_the_arm_is_stopped_is_aborted(states: tuple[tuple[float, str], ...]) -> None:
    assert watched(*states).reason(flight()) == (
        'the arm was stopped before this ball came (it is broken): call controller/resume, '
        'then arm it by controller/arm'
    )


@pytest.mark.parametrize('before', ['ready', 'playing'])
@pytest.mark.parametrize('moment', [0.01, 0.6, LAST])
def test_arm_that_is_stopped_while_the_ball_is_in_play(before: str, moment: float) -> None:
    stopped = watched((-5.0, before), (moment, 'fault'))
    assert stopped.reason(flight()) == 'the arm was stopped: it is broken'
    assert watched((-5.0, before), (moment, 'estop')).reason(flight()).startswith('the arm was stopped')
    disarmed = watched((-5.0, before), (moment, 'disarmed'))
    assert disarmed.reason(flight()) == 'the arm was disarmed while this ball was in play'


def test_fault_that_was_resumed_before_the_ball_was_over_is_not_forgotten() -> None:
    witness = watched((-5.0, 'ready'), (0.2, 'fault'), (0.9, 'disarmed'), (1.1, 'ready'))
    assert witness.reason(flight()) == 'the arm was stopped: it is broken'


def test_stop_counts_for_its_own_ball_only() -> None:
    witness = watched((-9.0, 'ready'), (-4.0, 'fault'), (-2.0, 'disarmed'), (-1.0, 'ready'))
    witness.forget()
    assert witness.reason(flight()) == ''


@pytest.mark.parametrize(('last', 'aborted'), [(-30.0, True), (0.5, True), (0.99, True), (1.01, False)])
def test_controller_that_stopped_commanding(last: float, aborted: bool) -> None:
    reason = watched((-5.0, 'ready'), commands=last).reason(flight())
    assert (reason == f'the controller had sent no commands for {LAST - last:.1f} s') == aborted
    assert bool(reason) == aborted


def test_balls_without_any_controller_count() -> None:
    assert watched(commands=None).reason(flight()) == ''


@pytest.mark.parametrize(('last', 'aborted'), [(0.5, True), (LAST, True), (1.39, True), (1.41, False)])
def test_joint_states_must_go_on_until_the_ball_is_lost(last: float, aborted: bool) -> None:
    reason = watched((-5.0, 'ready'), joints=last).reason(flight())
    assert reason == ('the joint states stopped while this ball was in play' if aborted else '')


def test_ball_without_any_joint_states() -> None:
    assert watched(joints=None).reason(flight()) == 'no joint states came'


@pytest.mark.parametrize(
    ('balls', 'began', 'aborted'),
    [
        (flight(first_y=-0.4), -0.3, True),
        (flight(first_y=0.5, velocity=4.0), -0.3, True),
        (flight(), -0.3, False),
        (flight(first_y=-0.4), -1.5, False),
        (flight(first_y=-0.4)[:1], -0.3, True),
    ],
    ids=['after the bounce', 'on its way back', 'from its start', 'long before', 'one sighting'],
)
def test_recording_that_begins_in_the_middle_of_a_ball(
    balls: list[BallObservation], began: float, aborted: bool
) -> None:
    witness = watched((-5.0, 'ready'), commands=1.5, joints=1.7)
    witness.begin(min(ball.stamp for ball in balls) + round(began * NANOSECONDS))
    assert witness.reason(balls) == ('recording began in the middle of this ball' if aborted else '')
