"""The whole chain on the simulated arm in virtual time: what is sent when something breaks in mid-swing."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from guarded_cell import MS, GuardedCell
from numpy.typing import NDArray

from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.table_tennis.arm.facts import ARM, HOME
from llm_policy_improver.table_tennis.arm.joint_model import LAG
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.control.controller import ControllerState
from llm_policy_improver.table_tennis.guard.guarded import Level
from llm_policy_improver.table_tennis.guard.homing import WayHome
from llm_policy_improver.table_tennis.guard.safety import SafeCommand
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.guard.watchdog import FaultKind, WatchdogState
from llm_policy_improver.table_tennis.guard.workspace import inner_limits, outside
from llm_policy_improver.table_tennis.observation import NANOSECONDS, BallObservation
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig

LIMITS = SafetyLimits()
STOPPING = 0.1
"""s from a fault to zero commanded velocity, at most: docs/ros.md."""


def swinging() -> GuardedCell:
    """In mid-swing, shortly before the hit."""
    cell = GuardedCell().armed()
    cell.throw()
    cell.until(lambda: np.abs(cell.velocity).max() > 1.5)
    return cell


def disconnect(cell: GuardedCell) -> None:
    cell.connected = False


def no_ticks(cell: GuardedCell) -> None:
    cell.ticking = False


def nan_joint(cell: GuardedCell) -> None:
    cell.alter_joints = lambda seen: replace(seen, position=seen.position * np.nan)


def freeze(cell: GuardedCell) -> None:
    position = cell.position
    cell.alter_joints = lambda seen: replace(seen, position=position, velocity=np.zeros(8))


def jump(cell: GuardedCell) -> None:
    cell.alter_joints = lambda seen: replace(seen, position=seen.position + 0.2)


def nan_ball(cell: GuardedCell) -> None:
    cell.alter_ball = lambda seen: seen._replace(position=(np.nan, 0.0, 0.3))


def ball_jump(cell: GuardedCell) -> None:
    cell.alter_ball = lambda seen: seen._replace(position=(seen.position[0] + 1.0, *seen.position[1:]))


def clock_back(cell: GuardedCell) -> None:
    cell.set_clock -= NANOSECONDS


def stall(cell: GuardedCell) -> None:
    cell.pause()
    for _ in range(40):
        cell.step()
    cell.go_on()


def estop(cell: GuardedCell) -> None:
    cell.guard.emergency_stop()


def bug(cell: GuardedCell) -> None:
    safety = cell.guard._loop._safety
    healthy = safety.filter

    def broken(*_: Any) -> SafeCommand:
        safety.filter = healthy  # type: ignore[method-assign]
        raise ZeroDivisionError('division by zero')

    safety.filter = broken  # type: ignore[method-assign, assignment]


FAULTS: dict[str, tuple[Callable[[GuardedCell], None], FaultKind]] = {
    'no joint states': (disconnect, FaultKind.JOINTS_STALE),
    'no control ticks': (no_ticks, FaultKind.TICKS_MISSED),
    'NaN joint': (nan_joint, FaultKind.JOINTS_IMPOSSIBLE),
    'jump': (jump, FaultKind.JOINTS_IMPOSSIBLE),
    'NaN ball': (nan_ball, FaultKind.BALL_IMPOSSIBLE),
    'ball jumps': (ball_jump, FaultKind.BALL_IMPOSSIBLE),
    'clock set back': (clock_back, FaultKind.CLOCK_JUMP),
    'stall': (stall, FaultKind.STALLED),
    'emergency stop': (estop, FaultKind.EMERGENCY_STOP),
    'bug': (bug, FaultKind.INTERNAL),
}


def mend(cell: GuardedCell) -> None:
    cell.connected = cell.ticking = True
    cell.alter_joints = lambda seen: seen
    cell.alter_ball = lambda seen: seen


@pytest.mark.parametrize('case', FAULTS)
def test_fault_in_mid_swing_brings_the_arm_to_rest_within_the_limits_and_for_good(case: str) -> None:
    break_it, kind = FAULTS[case]
    cell = swinging()
    before = len(cell.sent)
    break_it(cell)
    cell.until(lambda: cell.guard.fault is not None, 0.2)
    assert cell.guard.fault is not None
    assert cell.guard.fault.kind is kind
    assert cell.until(lambda: cell.guard.standing, 0.5) <= STOPPING
    cell.until(lambda: np.abs(cell.velocity).max() < 0.05, 0.8)  # the drives have caught up
    velocity = np.array(cell.sent[before - 2 :])
    if case == 'stall':
        velocity[:2] = 0.0  # the drives have braked by themselves meanwhile
    assert (np.abs(np.diff(velocity, axis=0)) <= 0.004 * np.array(LIMITS.acceleration) + 1e-9).all()
    mend(cell)
    stopped = len(cell.sent)
    place = cell.position
    cell.throw()  # puts the arm back, as somebody might push it
    cell.simulator.data.qpos[:8] = cell.simulator.data.act[:] = place
    cell.run(3.0)
    assert not np.any(cell.sent[stopped:])
    assert cell.guard.state == ('estop' if case == 'emergency stop' else 'fault')
    assert 'resume first' in cell.guard.arm()
    assert cell.guard.resume() == ''
    cell.run(1.0)
    assert cell.guard.state == 'disarmed'
    assert not np.any(cell.sent[stopped:])
    assert cell.guard.arm() == ''
    cell.until(lambda: np.abs(cell.position - HOME).max() < 0.02, 5.0)


def test_frozen_encoders_on_the_way_home_stop_the_arm() -> None:
    cell = GuardedCell()
    cell.simulator.data.qpos[2] = cell.simulator.data.act[2] = HOME[2] + 1.2
    cell.armed()
    cell.run(0.2)
    freeze(cell)
    assert cell.until(lambda: cell.guard.fault is not None) < 0.5
    assert cell.guard.fault is not None
    assert cell.guard.fault.kind is FaultKind.JOINTS_FROZEN


def test_arm_that_is_held_back_stops() -> None:
    cell = GuardedCell()
    cell.simulator.data.qpos[2] = cell.simulator.data.act[2] = HOME[2] + 1.5
    cell.armed()
    start = cell.position

    def crawling(seen: Any) -> Any:
        """Each joint state shows a little motion, but far too little."""
        return replace(seen, position=start + 0.02 * (seen.position - start), velocity=np.zeros(8))

    cell.alter_joints = crawling
    cell.until(lambda: cell.guard.fault is not None, 5.0)
    assert cell.guard.fault is not None
    assert cell.guard.fault.kind in (FaultKind.NOT_FOLLOWING, FaultKind.JOINTS_FROZEN)


def test_guarded_arm_returns_balls_of_all_kinds() -> None:
    cell = GuardedCell(simulation=SimulationConfig(balls='rally')).armed()
    touched = [cell.play(seed) for seed in range(10)]
    returned = ['blade' in each and 'table' in each[each.index('blade') :] for each in touched]
    assert sum(returned) >= 9, cell.guard.fault
    assert cell.guard.state is ControllerState.READY


def test_disarmed_arm_is_sent_zeros_while_a_ball_comes() -> None:
    cell = GuardedCell()
    cell.run(1.2)
    cell.play()
    assert not np.any(cell.sent)
    assert cell.guard.state is WatchdogState.DISARMED
    assert not np.any([applied for applied, _ in cell.ticks])


def test_disarming_in_mid_swing_brakes_and_does_not_step() -> None:
    cell = swinging()
    before = len(cell.sent)
    cell.guard.disarm()
    assert cell.guard.arm() == 'the arm is still being slowed down'
    assert cell.until(lambda: cell.guard.standing, 0.5) <= STOPPING
    velocity = np.array(cell.sent[before - 1 :])
    assert (np.abs(np.diff(velocity, axis=0)) <= 0.004 * np.array(LIMITS.acceleration) + 1e-9).all()
    assert cell.guard.state is WatchdogState.DISARMED


def test_ticks_report_the_mean_of_what_was_sent() -> None:
    cell = swinging()
    cell.run(0.3)
    while cell._cycle % 5:
        cell.step()
    count = len(cell.ticks)
    cell.run(0.2)
    sent = np.array(cell.sent[-51:-1]).reshape(10, 5, 8).mean(axis=1)
    told = np.array([applied for applied, _ in cell.ticks[count:]])
    # What was sent last has only just begun to act when the tick comes.
    assert np.allclose(told[1:], sent[:-1], atol=1e-9)


def begun(cell: GuardedCell) -> NDArray[np.float64]:
    """What was sent from the begin of the controller that was just started until it rests, (n, 8)."""
    before = len(cell.sent)
    cell.restart()
    cell.until(lambda: len(cell.sent) > before, 0.2)
    cell.until(lambda: cell.guard.standing, 0.5)
    cell.run(0.05)
    return np.array(cell.sent[before:])


@pytest.mark.parametrize('gap', [0.1, 0.2, 0.6, 1.0, 3.0])  # at 0.3 and 1.5 a joint comes to its end
def test_controller_killed_in_mid_swing_and_started_again_slows_the_arm_down_from_there(gap: float) -> None:
    cell = swinging()
    cell.kill()
    cell.run(gap)
    moving, place = cell.velocity, cell.position
    assert np.abs(moving).max() > 0.1  # the drives go on with the last command
    sent = begun(cell)
    # Some milliseconds pass until two joint states have come; meanwhile nothing changes.
    assert (np.abs(sent[0] - moving) <= np.array(LIMITS.jerk) * 0.004**2 + 0.05).all()
    steps = np.diff(sent, axis=0)
    assert (np.abs(steps) <= 0.004 * np.array(LIMITS.acceleration) + 1e-9).all()
    assert (np.abs(np.diff(steps, axis=0)) <= 0.004**2 * np.array(LIMITS.jerk) + 1e-9).all()
    assert len(sent) * 0.004 <= 0.1 + 0.06
    speed = np.abs(moving) + 0.05
    braking = speed * (
        speed / np.array(LIMITS.acceleration) + np.array(LIMITS.acceleration) / np.array(LIMITS.jerk)
    )
    cell.run(1.0)
    assert (np.abs(cell.position - place) <= 0.5 * braking + LAG * speed + 0.016 * speed + 0.02).all()
    assert cell.guard.state is WatchdogState.DISARMED
    assert cell.guard.found.startswith('in motion, ')


def test_restarted_controller_neither_arms_the_arm_nor_lets_it_be_armed_before_it_rests() -> None:
    cell = swinging()
    cell.kill()
    cell.run(0.25)
    cell.restart()
    refused = []
    for _ in range(30):
        cell.step()
        assert cell.guard.state is WatchdogState.DISARMED
        refused.append(cell.guard.arm())
    assert np.abs(cell.velocity).max() > 0.05
    assert refused[0] == 'no command was sent yet: the drives do not listen, or no joint states came'
    assert 'the arm is still being slowed down' in refused
    assert ' still moves, at ' in refused[-1]
    assert all(refused)
    cell.run(1.5)
    assert cell.guard.state is WatchdogState.DISARMED
    assert not np.any(cell.sent[-300:])
    assert cell.guard.arm() == ''
    cell.until(lambda: np.abs(cell.position - HOME).max() < 0.02, 5.0)


def test_nothing_is_sent_before_the_arm_was_seen_and_zeros_where_it_is_not() -> None:
    cell = swinging()
    cell.kill()
    cell.run(0.3)
    cell.connected = False
    before = len(cell.sent)
    cell.restart()
    cell.run(0.1)
    assert len(cell.sent) == before
    cell.run(0.1)
    assert len(cell.sent) > before
    assert not np.any(cell.sent[before:])
    assert cell.guard.found == 'unseen: no joint states for 0.1 s, so zeros were sent at once'
    cell.connected = True
    cell.run(0.5)
    assert not np.any(cell.sent[before:])  # what was sent is not taken back


def test_controller_that_is_activated_again_takes_over_an_arm_that_others_moved_meanwhile() -> None:
    cell = GuardedCell()
    cell.run(1.0)
    cell.kill()  # deactivated: the same controller goes on later
    moving = np.array([-0.2, 0.4, 0.4, 0.1, 0.1, -0.3, -0.1, 0.5])
    for _ in range(500):
        cell.others_send(moving if len(cell.sent) > 550 else np.zeros(8))
        cell.step()
    before = len(cell.sent)
    cell.ticking = cell.sending = True
    cell.guard.begin()
    cell.run(0.3)
    sent = np.array(cell.sent[before:])
    assert (np.abs(sent[0] - moving) <= np.array(LIMITS.jerk) * 0.004**2 + 0.05).all()
    assert (np.abs(np.diff(sent, axis=0)) <= 0.004 * np.array(LIMITS.acceleration) + 1e-9).all()
    assert cell.guard.standing
    assert cell.guard.fault is None


def test_joint_states_that_cannot_be_used_are_none_to_begin_from() -> None:
    for alter in (nan_joint, lambda cell: setattr(cell, 'alter_joints', late)):
        cell = swinging()
        cell.kill()
        cell.run(0.3)
        alter(cell)
        before = len(cell.sent)
        cell.restart()
        cell.run(0.2)
        assert len(cell.sent) > before
        assert not np.any(cell.sent[before:])


def late(seen: Any) -> Any:
    return replace(seen, stamp=seen.stamp - NANOSECONDS)


def test_one_joint_state_that_lies_does_not_set_a_resting_arm_in_motion() -> None:
    cell = GuardedCell()
    cell.alter_joints = lambda seen: replace(seen, velocity=np.array(LIMITS.velocity))
    cell.run(0.5)
    assert cell.sent
    assert not np.any(cell.sent)
    assert cell.guard.found == 'at rest'


FOUND: dict[str, tuple[tuple[float, ...], str]] = {
    **{
        f'{joint.name} at its {end} end': (
            (*HOME[:number], getattr(joint, end) + (0.002 if end == 'low' else -0.002), *HOME[number + 1 :]), '',
        )
        for number, joint in enumerate(ARM)
        for end in ('low', 'high')
    },
    'over the table': ((0.12, -0.55, -0.92, 1.1, 0.28, 0.8, -1.0, 0.8), ''),
    'leaning on the table': ((0.15, -0.55, -0.92, 1.15, 0.28, 0.8, -0.9, 0.8), 'axis_2 would come to 1.15 instead of'),
    'below its surface': ((-0.58, -0.54, 0.39, 1.17, 0.71, 0.18, -0.71, 1.56), ''),
    'below its surface, blade turned': (
        (-0.25, -0.59, 1.42, 1.18, 0.81, 0.33, -0.69, 0.88), 'axis_1 would come to',
    ),
}  # fmt: skip


@pytest.mark.parametrize('case', FOUND)
def test_arm_found_outside_goes_no_further_out_and_gets_home_or_is_not_armed(case: str) -> None:
    place, refused = FOUND[case]
    cell = GuardedCell()
    cell.simulator.data.qpos[:8] = cell.simulator.data.act[:] = place
    cell.run(1.3)
    inner, start = inner_limits(LIMITS), cell.position
    answer = cell.guard.arm()
    assert answer.startswith(
        'from here the arm cannot get to its ready pose within the limits: ' if refused else ''
    )
    assert refused in answer
    assert bool(refused) is bool(answer)
    deepest = max(outside(inner, start), 0.0) + 1e-3
    low, high = np.minimum(inner.low, start) - 0.005, np.maximum(inner.high, start) + 0.005
    for _ in range(1500):
        cell.step()
        assert outside(inner, cell.position) <= deepest
        assert ((low <= cell.position) & (cell.position <= high)).all()
    assert (np.abs(cell.position - HOME).max() < 0.02) is not bool(refused)
    assert cell.guard.fault is None


def test_armed_arm_that_gets_no_further_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if the way home had looked free, from where the real arm does not get away.
    monkeypatch.setattr(WayHome, 'why_infeasible', lambda *_: '')
    cell = GuardedCell()
    cell.simulator.data.qpos[:8] = cell.simulator.data.act[:] = FOUND['below its surface, blade turned'][0]
    cell.run(1.3)
    assert cell.guard.arm() == ''
    cell.run(8.0)
    assert cell.guard.fault is not None
    assert cell.guard.fault.kind is FaultKind.HELD_UP
    assert 'has held the arm up for 1 s' in cell.guard.fault.sentence


def trying_out_takes(cell: GuardedCell, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """As from where the arm creeps home: meanwhile the executor takes no message, and the inner loop goes on."""

    def why_infeasible(*_: Any) -> str:
        connected, cell.connected, cell.ticking = cell.connected, False, False
        cell.run(seconds)
        cell.connected, cell.ticking = connected, True
        return ''

    monkeypatch.setattr(WayHome, 'why_infeasible', why_infeasible)


def test_arm_whose_way_home_takes_long_to_try_out_can_be_armed(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = GuardedCell()
    cell.run(1.3)
    trying_out_takes(cell, 0.5, monkeypatch)
    assert cell.guard.arm() == ''
    cell.run(1.0)
    assert cell.guard.fault is None


def test_joint_states_that_end_while_the_way_home_is_tried_out_stop_the_arm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell = GuardedCell()
    cell.run(1.3)
    trying_out_takes(cell, 0.5, monkeypatch)
    assert cell.guard.arm() == ''
    disconnect(cell)
    cell.until(lambda: cell.guard.fault is not None, 0.11)
    assert cell.guard.fault is not None
    assert cell.guard.fault.kind is FaultKind.JOINTS_STALE


def test_arm_that_was_stopped_at_once_is_sent_nothing_but_zeros() -> None:
    cell = swinging()
    cell.guard.fail('the inner loop failed')
    before = len(cell.sent)
    cell.run(0.5)
    assert not np.any(cell.sent[before:])
    assert cell.guard.fault is not None
    assert cell.guard.fault.kind is FaultKind.INTERNAL


def test_way_home_begins_slowly() -> None:
    cell = GuardedCell()
    place = HOME + np.array([0.2, 0.2, 0.2, 0.1, 0.1, 0.2, -0.2, 0.2])
    cell.simulator.data.qpos[:8] = cell.simulator.data.act[:] = place
    cell.run(1.3)
    assert cell.guard.arm() == ''
    before = len(cell.sent)
    cell.run(4.0)
    speeds = np.abs(cell.sent[before:]).max(axis=1)
    # 2 /s of 0.2 m or rad would be 0.4 at once.
    assert speeds[25] < 0.1
    assert 0.15 < speeds.max() < 0.3
    assert np.abs(cell.position - HOME).max() < 0.02


NEW = Modulation(attenuation=(0.7,) * 8, residual=(0.1,) * 8, version=3, proposed_by='operator')


def test_new_parameters_are_ramped_in_between_balls() -> None:
    cell = GuardedCell().armed()
    controller = cell.guard._controller
    cell.guard.handover.offer(NEW)
    seen = []
    for _ in range(25):
        cell.run(0.02)
        seen.append((controller.parameters.attenuation[0], cell.guard.version))
    values = [value for value, _ in seen]
    assert values[0] == 1.0
    assert values[-1] == 0.7
    assert 14 <= len({*values}) <= 18
    assert np.diff(values).max() <= 0.0
    assert np.diff(values).min() > -0.025
    # The version is the new one only once the parameters wholly are.
    assert [version for value, version in seen] == [3 if value == 0.7 else 0 for value in values]
    assert controller.parameters == NEW


def test_parameters_of_other_names_are_ramped_in_too() -> None:
    cell = GuardedCell().armed()
    controller = cell.guard._controller
    for version, name in enumerate('gha', start=1):
        offered = Modulation.of(Parameters((name,), (0.9,)), version)
        cell.guard.handover.offer(offered)
        cell.run(0.5)
        assert (cell.guard.version, controller.parameters) == (version, offered)


def test_ball_during_the_ramp_meets_the_old_parameters() -> None:
    cell = GuardedCell().armed()
    controller = cell.guard._controller
    cell.guard.handover.offer(NEW)
    cell.run(0.16)
    assert 0.7 < controller.parameters.attenuation[0] < 1.0
    cell.throw()
    cell.until(lambda: cell.guard.state is ControllerState.PLAYING)
    count = len(cell.ticks)
    while cell.guard.state is ControllerState.PLAYING:
        assert controller.parameters == Modulation()
        cell.run(0.02)
    assert {version for _, version in cell.ticks[count:]} == {0}
    cell.run(3.0)
    assert controller.parameters == NEW
    assert cell.guard.version == 3


def test_new_parameters_do_not_wait_for_ever_while_a_ball_lies_in_view() -> None:
    cell = GuardedCell().armed()
    cell.guard.handover.offer(NEW)
    for _ in range(1500):
        cell.guard.observe_ball(BallObservation(cell.now.stamp, (0.3, -0.5, 0.02)))
        cell.step()
    assert cell.guard.state is ControllerState.READY
    assert cell.guard.version == 3


def test_new_parameters_wait_until_the_arm_is_slow() -> None:
    cell = GuardedCell()
    cell.simulator.data.qpos[2] = cell.simulator.data.act[2] = HOME[2] + 1.0
    cell.armed()
    cell.run(0.5)
    assert abs(cell.velocity[2]) > 0.5
    cell.guard.handover.offer(NEW)
    while np.abs(cell.velocity).max() > 0.11:
        cell.run(0.02)
        assert cell.guard._controller.parameters == Modulation()
    cell.run(0.5)
    assert cell.guard.version == 3


def test_health_names_what_is_amiss() -> None:
    cell = GuardedCell()
    health = cell.guard.health()
    assert (health.level, health.summary) == (Level.WARNING, 'disarmed: no joint states came')
    cell.armed()
    health = cell.guard.health()
    assert (health.level, health.summary) == (Level.OK, 'ready')
    assert health.values['joint state age [s]'] in ('0.004', '0.008')
    assert health.values['control tick jitter p99 [ms]'] == '0.00'
    cell.play()
    assert 'jerk' in cell.guard.health().values['rules that acted']
    disconnect(cell)
    cell.run(0.2)
    health = cell.guard.health()
    assert health.level is Level.ERROR
    assert health.summary.startswith('no joint states for 0.1')
    assert health.values['fault'] == 'joints_stale'
    assert all(type(value) is str for value in health.values.values())


def test_messages_from_another_time_never_reach_the_controller() -> None:
    cell = GuardedCell().armed()
    cell.alter_ball = lambda seen: seen._replace(stamp=seen.stamp - 10 * NANOSECONDS)
    cell.throw()
    cell.run(0.1)
    assert cell.guard._controller.state is ControllerState.READY
    assert cell.guard.fault is not None
    assert cell.guard.fault.kind is FaultKind.BALL_IMPOSSIBLE
    assert cell.guard.fault.stamp <= cell.now.stamp - 4 * MS


def also_commanded(cell: GuardedCell, monkeypatch: pytest.MonkeyPatch, velocity: Any) -> None:
    """Somebody else publishes on the drives' topics, too: every other command is theirs."""
    ours, theirs = cell.simulator.step, itertools.cycle([False, True])
    monkeypatch.setattr(cell.simulator, 'step', lambda sent: ours(velocity if next(theirs) else sent))


def test_armed_arm_stops_where_somebody_else_commands_its_drives(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = GuardedCell().armed()
    also_commanded(cell, monkeypatch, np.array([0.0, 0.0, 1.34, 0.0, 0.0, 0.0, 0.0, 0.0]))
    assert cell.until(lambda: cell.guard.fault is not None) < 0.3
    assert cell.guard.fault is not None
    assert cell.guard.fault.kind is FaultKind.JOINTS_STRAY
    assert cell.guard.fault.sentence.startswith('axis_1 is +0.1')
    assert np.abs(cell.position - HOME).max() < 0.2


def test_arm_that_somebody_else_moves_cannot_be_armed(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = GuardedCell()
    cell.run(1.2)
    # As slow as what still counts as standing.
    also_commanded(cell, monkeypatch, np.array([0.0, 0.09, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    cell.run(1.0)
    for _ in range(500):
        cell.step()
        refused = cell.guard.arm()
        assert 'slide_x is +0.03' in refused
        assert 'somebody else commands it' in refused


def test_encoder_that_drifts_stops_the_arm_within_centimetres() -> None:
    cell = GuardedCell().armed()
    cell.run(0.7)
    begin = cell.now.steady

    def drifting(seen: Any) -> Any:
        position = seen.position.copy()
        position[0] += 0.015 * (cell.now.steady - begin) / NANOSECONDS
        return replace(seen, position=position)

    cell.alter_joints = drifting
    assert cell.until(lambda: cell.guard.fault is not None, 8.0) < 5.0
    assert cell.guard.fault is not None
    assert cell.guard.fault.kind is FaultKind.JOINTS_STRAY
    cell.until(lambda: cell.guard.standing, 1.0)
    assert abs(cell.position[0] - HOME[0]) < 0.08
