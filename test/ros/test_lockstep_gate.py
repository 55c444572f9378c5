"""The lockstep gate: nothing is taken before its tick is complete, and nothing that is lost stops the next trial."""

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from llm_policy_improver.msg import LockstepTick
from llm_policy_improver.nodes.lockstep import LockstepGate
from llm_policy_improver.nodes.messages import header_of
from llm_policy_improver.table_tennis.observation import ArmObservation, BallObservation


def tick(stamp: int, number: int, balls: int, last: bool = False, aborted: str = '') -> LockstepTick:
    return LockstepTick(
        header=header_of(stamp), tick=number, ball_observations=balls, last=last, aborted=aborted
    )


def arm(stamp: int) -> ArmObservation:
    return ArmObservation(stamp, np.zeros(8), np.zeros(8))


def ball(stamp: int) -> BallObservation:
    return BallObservation(stamp, (0.0, 0.0, 0.3))


def stamps(gate: LockstepGate) -> list[tuple[int, list[int]]]:
    """Of all ticks that are complete: of the arm and of the sightings."""
    found = []
    while (complete := gate.pop()) is not None:
        found.append((complete.arm.stamp, [sighting.stamp for sighting in complete.sightings]))
    return found


@pytest.mark.parametrize('order', ['tick arm ball ball', 'ball arm ball tick', 'ball tick ball arm'])
def test_tick_waits_for_all_it_counts_in_whatever_order(order: str) -> None:
    gate = LockstepGate()
    sightings = [ball(10), ball(18)]
    for what in order.split():
        assert stamps(gate) == []
        if what == 'tick':
            gate.add_tick(tick(20, 1, 2))
        elif what == 'arm':
            gate.add_arm(arm(20))
        else:
            gate.add_ball(sightings.pop(0))
    assert stamps(gate) == [(20, [10, 18])]


def test_sightings_of_the_next_tick_are_left_for_it() -> None:
    gate = LockstepGate()
    gate.add_arm(arm(20))
    gate.add_arm(arm(40))
    for stamp in (18, 20, 26, 34):
        gate.add_ball(ball(stamp))
    gate.add_tick(tick(20, 1, 2))
    gate.add_tick(tick(40, 2, 4))
    assert stamps(gate) == [(20, [18, 20]), (40, [26, 34])]


def test_sightings_that_arrive_late_belong_to_the_tick_that_counts_them() -> None:
    gate = LockstepGate()
    for stamp in (20, 40):
        gate.add_arm(arm(stamp))
    for stamp in (2, 4, 6):  # all of before the first tick, but seen by the cameras' consumers only later
        gate.add_ball(ball(stamp))
    gate.add_tick(tick(20, 1, 1))
    gate.add_tick(tick(40, 2, 3))
    assert stamps(gate) == [(20, [2]), (40, [4, 6])]


def test_sightings_of_an_earlier_trial_are_not_counted() -> None:
    gate = LockstepGate()
    gate.add_ball(ball(20))
    gate.add_ball(ball(2000))
    gate.add_arm(arm(2000))
    gate.add_tick(tick(2000, 0, 1))
    assert stamps(gate) == [(2000, [2000])]


@pytest.mark.parametrize('lost', ['arm', 'ball'])
def test_tick_with_something_lost_does_not_stop_the_next_trial(lost: str) -> None:
    gate = LockstepGate()
    gate.add_tick(tick(20, 7, 9))
    if lost != 'arm':
        gate.add_arm(arm(20))
    gate.add_ball(ball(20))
    assert stamps(gate) == []
    gate.add_ball(ball(2000))
    gate.add_arm(arm(2000))
    gate.add_tick(tick(2000, 0, 1))
    assert stamps(gate) == [(2000, [2000])]


def test_trial_that_is_given_up_ends_with_a_second_tick_of_the_same_time() -> None:
    gate = LockstepGate()
    gate.add_ball(ball(20))
    gate.add_arm(arm(20))
    gate.add_arm(arm(20))
    gate.add_tick(tick(20, 0, 1))
    assert stamps(gate) == [(20, [20])]
    gate.add_tick(tick(20, 0, 1, last=True, aborted='nobody answered'))
    assert stamps(gate) == [(20, [])]


def test_trial_that_is_given_up_ends_even_where_its_sightings_were_lost() -> None:
    gate = LockstepGate()
    gate.add_arm(arm(20))
    gate.add_tick(tick(20, 0, 1))
    gate.add_tick(tick(20, 0, 1, last=True, aborted='nobody answered'))
    assert stamps(gate) == [(20, [])]
