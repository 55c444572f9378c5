"""Every fault, every transition, and that nothing moves again by itself."""

import math
import re
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.guard.sensor_checks import Instant
from llm_policy_improver.table_tennis.guard.watchdog import FaultKind, Watchdog, WatchdogState
from llm_policy_improver.table_tennis.guard.watchdog_settings import WatchdogSettings
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, BallObservation

HOME = np.array(arm.HOME)
EPOCH = 1_700_000_000 * NANOSECONDS
STATES = WatchdogState


class Bench:
    """A watchdog to which everything that is in order is reported; a test leaves out or alters one thing.

    Attributes:
        joints, ball, tick, peer: whether they come; the functions alter what does.
        sent: (8,) what the arm is sent.
    """

    def __init__(self, settings: WatchdogSettings | None = None) -> None:
        self.dog = Watchdog(settings or WatchdogSettings(), 0.02)
        self.steady = 0
        self.clock = EPOCH
        self.joints = self.tick = self.peer = True
        self.ball = False
        self.alter: Callable[[ArmObservation], ArmObservation] = lambda seen: seen
        self.alter_ball: Callable[[BallObservation], BallObservation] = lambda seen: seen
        self.sent = np.zeros(8)
        self.used = 0
        self.balls_used = 0

    @property
    def now(self) -> Instant:
        return Instant(self.steady, self.steady + self.clock)

    def state(self) -> WatchdogState:
        return self.dog.state

    def run(self, seconds: float) -> None:
        """In cycles of 4 ms: a joint state and a sighting every 8 ms, a control tick every 20 ms."""
        for number in range(round(seconds / 0.004)):
            self.steady += 4_000_000
            if self.joints and number % 2 == 0:
                seen = ArmObservation(self.now.stamp, HOME.copy(), np.zeros(8))
                self.used += self.dog.see_joints(self.alter(seen), self.now)
            if self.ball and number % 2 == 0:
                sighting = BallObservation(self.now.stamp - 40_000_000, (0.1, 1.0, 0.3))
                self.balls_used += self.dog.see_ball(self.alter_ball(sighting), self.now)
            if self.tick and number % 5 == 0:
                self.dog.see_tick(self.now)
            if self.peer and number % 50 == 0:
                self.dog.see_peer('trace_logger', self.now)
            self.dog.check(self.sent, self.now)

    def armed(self) -> 'Bench':
        self.run(0.2)
        assert self.dog.arm(self.now) == ''
        assert self.state() is STATES.ARMED
        return self


def shifted(joint: int, by: float) -> Callable[[ArmObservation], ArmObservation]:
    def alter(seen: ArmObservation) -> ArmObservation:
        position = seen.position.copy()
        position[joint] += by
        return replace(seen, position=position)

    return alter


def stop_joints(bench: Bench) -> None:
    bench.joints = False


def old_stamps(bench: Bench) -> None:
    bench.alter = lambda seen: replace(seen, stamp=seen.stamp - NANOSECONDS)


def stamps_of_tomorrow(bench: Bench) -> None:
    bench.alter = lambda seen: replace(seen, stamp=seen.stamp + 86_400 * NANOSECONDS)


def replay(bench: Bench) -> None:
    stamp = bench.now.stamp
    bench.alter = lambda seen: replace(seen, stamp=stamp)


def not_a_number(bench: Bench) -> None:
    bench.alter = shifted(3, math.nan)


def endless_speed(bench: Bench) -> None:
    bench.alter = lambda seen: replace(seen, velocity=np.full(8, -math.inf))


def jump(bench: Bench) -> None:
    bench.alter = shifted(2, 0.2)


def swapped_joints(bench: Bench) -> None:
    bench.alter = lambda seen: replace(seen, position=seen.position[[0, 1, 2, 3, 4, 6, 5, 7]])


def mad_speed(bench: Bench) -> None:
    bench.alter = lambda seen: replace(seen, velocity=np.array([0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 0.0]))


def frozen(bench: Bench) -> None:
    bench.sent = np.array([0.0, 0.0, 0.0, 0.0, 0.0, -0.5, 0.0, 0.0])


def pushed(bench: Bench) -> None:
    bench.run(0.7)  # where an arm was sent is known after a rest
    begin = bench.steady
    bench.alter = lambda seen: shifted(1, 0.2 * (bench.steady - begin) / NANOSECONDS)(seen)


def ball_nan(bench: Bench) -> None:
    bench.ball = True
    bench.alter_ball = lambda seen: seen._replace(position=(0.0, math.nan, 0.3))


def ball_far(bench: Bench) -> None:
    bench.ball = True
    bench.alter_ball = lambda seen: seen._replace(position=(0.0, 1e9, 0.3))


def ball_jumps(bench: Bench) -> None:
    bench.ball = True
    places = iter([0.3, 0.3, 1.3] * 1000)
    bench.alter_ball = lambda seen: seen._replace(position=(0.1, 1.0, next(places)))


def ball_old(bench: Bench) -> None:
    bench.ball = True
    bench.alter_ball = lambda seen: seen._replace(stamp=seen.stamp - NANOSECONDS)


def ball_of_tomorrow(bench: Bench) -> None:
    bench.ball = True
    bench.alter_ball = lambda seen: seen._replace(stamp=seen.stamp + NANOSECONDS)


def no_ticks(bench: Bench) -> None:
    bench.tick = False


def stall(bench: Bench) -> None:
    bench.steady += round(0.3 * NANOSECONDS)


def clock_back(bench: Bench) -> None:
    bench.clock -= NANOSECONDS


def clock_forward(bench: Bench) -> None:
    bench.clock += NANOSECONDS // 10


def silent_peer(bench: Bench) -> None:
    bench.peer = False


def second_node(bench: Bench) -> None:
    bench.dog.see_others('there are two controllers')


FAULTS: dict[str, tuple[Callable[[Bench], None], FaultKind, str, float]] = {
    'no joint states': (stop_joints, FaultKind.JOINTS_STALE, r'no joint states for 0\.1\d s', 0.12),
    'old stamps': (old_stamps, FaultKind.JOINTS_STALE, r'not used: its stamp is 1\.00 s old', 0.12),
    'stamps ahead': (stamps_of_tomorrow, FaultKind.JOINTS_STALE, r'its stamp is 86400\.00 s in the future', 0.12),
    'replay': (replay, FaultKind.JOINTS_STALE, r'no joint states for 0\.1\d s \(those that came were not used: ', 0.12),
    'NaN': (not_a_number, FaultKind.JOINTS_IMPOSSIBLE, 'the position of axis_2 is nan', 0.02),
    'infinite speed': (endless_speed, FaultKind.JOINTS_IMPOSSIBLE, 'the velocity of slide_y is -inf', 0.02),
    'jump': (jump, FaultKind.JOINTS_IMPOSSIBLE, r'axis_1 jumped by 0\.200 within 0\.008 s', 0.02),
    'swapped joints': (swapped_joints, FaultKind.JOINTS_IMPOSSIBLE, 'axis_5 reads 0.800, outside of its', 0.02),
    'impossible speed': (mad_speed, FaultKind.JOINTS_IMPOSSIBLE, 'axis_1 reads a speed of 9.0', 0.02),
    'frozen encoder': (frozen, FaultKind.JOINTS_FROZEN, r'axis_4 was commanded -0\.\d+ in 0\.3\d s', 0.35),
    'pushed slide': (pushed, FaultKind.JOINTS_STRAY, r'slide_x is \+0\.03\d from where it was sent: somebody', 0.2),
    'NaN of the ball': (ball_nan, FaultKind.BALL_IMPOSSIBLE, r'the ball was reported at \(0, nan, 0.3\) m', 0.02),
    'ball elsewhere': (ball_far, FaultKind.BALL_IMPOSSIBLE, r'the ball was reported at \(0, 1e\+09, 0.3\)', 0.02),
    'ball jumps': (ball_jumps, FaultKind.BALL_IMPOSSIBLE, r'the ball jumped by 1\.00 m within 0\.008 s', 0.03),
    'old ball': (ball_old, FaultKind.BALL_IMPOSSIBLE, r'sighting of the ball: its stamp is 1\.04 s old', 0.02),
    'ball ahead': (ball_of_tomorrow, FaultKind.BALL_IMPOSSIBLE, r'its stamp is 0\.96 s in the future', 0.02),
    'no control ticks': (no_ticks, FaultKind.TICKS_MISSED, r'no control tick for 0\.1\d s', 0.13),
    'stalled': (stall, FaultKind.STALLED, r'this process stood still for 0\.30 s', 0.02),
    'clock set back': (clock_back, FaultKind.CLOCK_JUMP, r'the clock was set by -1\.000 s', 0.02),
    'clock set ahead': (clock_forward, FaultKind.CLOCK_JUMP, r'the clock was set by \+0\.100 s', 0.02),
    'second node': (second_node, FaultKind.ANOTHER_NODE, 'there are two controllers', 0.02),
    'silent node': (silent_peer, FaultKind.NODE_SILENT, 'no sign of life of trace_logger for 3', 3.25),
}  # fmt: skip


def mended(bench: Bench) -> None:
    """Everything is in order again."""
    bench.joints = bench.tick = bench.peer = True
    bench.ball = False
    bench.dog.see_others('')
    bench.alter, bench.sent = (lambda seen: seen), np.zeros(8)


@pytest.mark.parametrize('case', FAULTS)
def test_fault_stops_an_armed_arm_in_time_and_says_why(case: str) -> None:
    break_it, kind, sentence, within = FAULTS[case]
    bench = Bench().armed()
    break_it(bench)
    bench.run(within)
    assert bench.state() is STATES.FAULT
    assert not bench.dog.armed
    fault = bench.dog.fault
    assert fault is not None
    assert fault.kind is kind
    assert re.search(sentence, fault.sentence), fault.sentence
    assert bench.dog.faults == 1


@pytest.mark.parametrize('case', FAULTS)
def test_nothing_resumes_by_itself_and_a_person_can_once_all_is_in_order(case: str) -> None:
    bench = Bench().armed()
    FAULTS[case][0](bench)
    bench.run(FAULTS[case][3])
    fault = bench.dog.fault
    assert fault is not None
    assert bench.dog.resume(bench.now) != ''  # still amiss, or was just now
    mended(bench)
    bench.run(30.0)
    assert (bench.dog.state, bench.dog.fault) == (STATES.FAULT, fault)
    assert bench.dog.arm(bench.now) == f'a fault is latched ({fault.sentence}): resume first'
    bench.dog.disarm()
    assert bench.state() is STATES.FAULT
    assert bench.dog.resume(bench.now) == ''
    assert (bench.dog.state, bench.dog.fault) == (STATES.DISARMED, None)
    bench.run(10.0)
    assert bench.state() is STATES.DISARMED
    assert bench.dog.arm(bench.now) == ''
    bench.run(5.0)
    assert bench.dog.armed


# A disarmed arm is sent nothing that an encoder could miss.
@pytest.mark.parametrize('case', sorted(set(FAULTS) - {'frozen encoder'}))
def test_fault_of_a_disarmed_arm_latches_nothing_but_refuses_to_arm_it(case: str) -> None:
    bench = Bench()
    bench.run(0.48)
    FAULTS[case][0](bench)
    bench.run(FAULTS[case][3])
    assert (bench.dog.state, bench.dog.fault) == (STATES.DISARMED, None)
    refused = bench.dog.arm(bench.now)
    assert re.search(FAULTS[case][2].replace('0\\.1\\d', '[\\d.]+'), refused), refused
    assert bench.state() is STATES.DISARMED
    mended(bench)
    bench.run(2.0)
    assert bench.dog.arm(bench.now) == ''


def test_first_fault_stays_the_cause() -> None:
    bench = Bench().armed()
    jump(bench)
    bench.run(0.02)
    first = bench.dog.fault
    stop_joints(bench)
    clock_back(bench)
    bench.run(5.0)
    assert bench.dog.fault is first


def test_arm_in_order_is_left_alone_for_a_long_time() -> None:
    bench = Bench().armed()
    bench.ball = True
    bench.run(60.0)
    assert bench.dog.armed
    assert bench.used == bench.dog.joints.dropped + 7525
    assert bench.balls_used == 7500


def test_joints_that_move_as_fast_as_they_can_are_no_fault() -> None:
    bench = Bench().armed()
    start = bench.steady
    rate = 3.0

    def swinging(seen: ArmObservation) -> ArmObservation:
        time = (bench.steady - start) / NANOSECONDS
        amplitude = np.array([joint.speed for joint in arm.ARM]) / rate * 0.3
        return replace(
            seen,
            position=HOME + amplitude * math.sin(rate * time) * [1, 1, 1, 0.3, 0.3, 0.3, 0.3, 0.3],
            velocity=amplitude * rate * math.cos(rate * time),
        )

    bench.alter = swinging
    bench.sent = np.array([joint.speed for joint in arm.ARM])
    bench.run(5.0)
    assert bench.dog.armed, bench.dog.fault


def test_ball_that_is_lost_and_comes_back_elsewhere_is_no_fault() -> None:
    bench = Bench().armed()
    bench.ball = True
    bench.run(0.4)
    bench.ball = False
    bench.run(1.0)
    bench.ball = True
    bench.alter_ball = lambda seen: seen._replace(position=(-0.5, -1.5, 0.1))
    bench.run(0.4)
    assert bench.dog.armed, bench.dog.fault
    assert bench.balls_used == 100


def test_single_outliers_are_only_dropped_where_the_settings_say_so() -> None:
    bench = Bench(WatchdogSettings(ball_outliers=1)).armed()
    ball_jumps(bench)
    bench.run(1.0)
    assert bench.dog.armed
    assert bench.dog.ball.dropped == 41
    ball_nan(bench)
    bench.run(0.02)
    assert bench.state() is STATES.FAULT


def test_sightings_out_of_order_are_dropped_and_no_fault() -> None:
    bench = Bench().armed()
    bench.ball = True
    late = iter([0, 20_000_000] * 1000)
    bench.alter_ball = lambda seen: seen._replace(stamp=seen.stamp - next(late))
    bench.run(0.8)
    assert bench.dog.armed
    assert (bench.balls_used, bench.dog.ball.dropped) == (50, 50)


def test_creeping_commands_that_friction_swallows_are_no_fault() -> None:
    bench = Bench().armed()
    bench.sent = np.full(8, 0.004)
    bench.run(60.0)
    assert bench.dog.armed


def test_drive_that_follows_no_slow_commands_at_all_is_one() -> None:
    bench = Bench().armed()
    bench.run(0.7)
    bench.sent = np.full(8, 0.04)
    bench.run(2.0)
    assert bench.dog.fault is not None
    assert bench.dog.fault.kind is FaultKind.JOINTS_STRAY


def test_nobody_needs_to_have_spoken_who_never_did() -> None:
    bench = Bench()
    bench.peer = False
    bench.armed()
    bench.run(10.0)
    assert bench.dog.armed


@pytest.mark.parametrize('state', STATES)
def test_emergency_stop_latches_from_every_state(state: WatchdogState) -> None:
    bench = Bench()
    bench.run(0.2)
    if state is not STATES.DISARMED:
        bench.dog.arm(bench.now)
    if state is STATES.FAULT:
        bench.dog.note(FaultKind.INTERNAL, 'a bolt is loose', bench.now)
    if state is STATES.ESTOP:
        bench.dog.emergency_stop(bench.now)
    assert bench.state() is state
    bench.dog.emergency_stop(bench.now)
    bench.run(20.0)
    assert bench.state() is STATES.ESTOP
    fault = bench.dog.fault
    assert fault is not None
    assert fault.kind is FaultKind.EMERGENCY_STOP
    assert ('a bolt is loose' in fault.sentence) == (state is STATES.FAULT)
    assert bench.dog.arm(bench.now).endswith('resume first')
    bench.dog.disarm()
    assert bench.state() is STATES.ESTOP
    stop_joints(bench)
    bench.run(0.2)
    assert bench.dog.resume(bench.now).startswith('no joint states for ')
    mended(bench)
    bench.run(0.2)
    assert bench.dog.resume(bench.now) == ''
    assert bench.state() is STATES.DISARMED


def test_resume_waits_until_the_arm_stands() -> None:
    bench = Bench().armed()
    bench.dog.emergency_stop(bench.now)
    bench.alter = lambda seen: replace(seen, velocity=np.array([0.0, -0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    bench.run(3.1)
    assert bench.dog.resume(bench.now) == 'slide_x still moves, at -0.30'
    assert bench.state() is STATES.ESTOP


def test_emergency_stop_is_never_outrun_by_whoever_asks_to_resume_and_arm() -> None:
    bench = Bench().armed()
    bench.dog.emergency_stop(bench.now)
    for _ in range(1000):  # a client that retries
        assert bench.dog.resume(bench.now).startswith('the emergency stop holds for ')
        assert bench.dog.arm(bench.now).endswith('resume first')
    bench.run(2.0)
    bench.dog.emergency_stop(bench.now)  # somebody asks for it once more: it holds for so much longer
    bench.run(2.9)
    assert bench.dog.resume(bench.now) == 'the emergency stop holds for 0.1 s more'
    assert bench.state() is STATES.ESTOP
    bench.run(0.2)
    assert bench.dog.resume(bench.now) == ''
    assert bench.dog.arm(bench.now) == 'it was resumed just now: arm it in 1.0 s'
    bench.run(0.9)
    assert bench.dog.arm(bench.now) == 'it was resumed just now: arm it in 0.1 s'
    assert bench.state() is STATES.DISARMED
    bench.run(0.2)
    assert bench.dog.arm(bench.now) == ''


def test_disarmed_watchdog_has_nothing_to_resume_from() -> None:
    bench = Bench()
    bench.run(0.2)
    assert bench.dog.resume(bench.now) == 'there is nothing to resume from'
    bench.dog.disarm()
    assert bench.state() is STATES.DISARMED


def test_nothing_is_armed_before_drivers_and_control_ticks_run() -> None:
    bench = Bench()
    assert bench.dog.arm(bench.now) == 'no joint states came'
    bench.tick = False
    bench.run(0.2)
    assert bench.dog.arm(bench.now) == 'no control tick yet'


@pytest.mark.parametrize('name', [each.name for each in fields(WatchdogSettings)])
@pytest.mark.parametrize('value', [-1, 1000, math.nan])
def test_threshold_that_would_switch_a_check_off_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f'watchdog: {name} must be between .* and .*; got '):
        WatchdogSettings(**{name: value})  # type: ignore[arg-type]
