"""Joint states from one driver or from several, each with its own rate: one observation of all joints."""

import itertools
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from real_time import EmptyTimer

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from sensor_msgs.msg import JointState

from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.nodes.demo import RunFailedError
from llm_policy_improver.nodes.joint_states import JointStates
from llm_policy_improver.nodes.messages import doubles, header_of, trial_in
from llm_policy_improver.nodes.rehearsal_cell import RehearsalCell, RehearsalSettings
from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.control.controller import ControllerConfig
from llm_policy_improver.table_tennis.guard.guarded import GuardSettings
from llm_policy_improver.table_tennis.guard.inner_loop import InnerLoopSettings
from llm_policy_improver.table_tennis.guard.sensor_checks import FrozenCheck
from llm_policy_improver.table_tennis.guard.watchdog import FaultKind
from llm_policy_improver.table_tennis.guard.watchdog_settings import WatchdogSettings
from llm_policy_improver.table_tennis.guarded_arm import GuardedArm, in_cycles
from llm_policy_improver.table_tennis.observation import ArmObservation
from llm_policy_improver.table_tennis.settings import ControllerSettings, TraceLoggerSettings
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.delayed import make_simulator
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings

MS = 1_000_000
START = 1_700_000_000_000_000_000
NAMES = tuple(f'vendor_{name}' for name in ('y', 'x', 'j1', 'j2', 'j3', 'j4', 'j5', 'j6'))
SLIDES, AXES, ALL = range(2), range(2, 8), range(8)
SPEED = np.array([1.5, -1.0, 0.5, -0.5, 1.0, 2.0, -2.0, 3.0])
"""(8,) of an arm in motion."""


def position(milliseconds: float) -> np.ndarray:
    """(8,) of that arm then."""
    return np.array(HOME) + SPEED * milliseconds / 1e3


def message(joints: range, milliseconds: float, order: int = 1) -> JointState:
    """What a driver of some of the joints says then; ``order`` -1: backwards."""
    shown = list(joints)[::order]
    return JointState(
        header=header_of(START + round(milliseconds * MS)),
        name=[NAMES[joint] for joint in shown],
        position=doubles(position(milliseconds)[shown]),
        velocity=doubles(SPEED[shown]),
    )


def merged(states: JointStates, *messages: JointState) -> list[ArmObservation]:
    return [one for one in map(states.add, messages) if one is not None]


def two_drivers(axes: float, slides: float, duration: float = 200.0, late: float = 0.3) -> list[JointState]:
    """Messages in the order of their stamps; periods and ``late``, the shift of the slides, in ms."""
    stamped = [(time, message(AXES, time)) for time in np.arange(0.0, duration, axes).tolist()]
    stamped += [
        (time + late, message(SLIDES, time + late)) for time in np.arange(0.0, duration, slides).tolist()
    ]
    return [each for _, each in sorted(stamped, key=lambda pair: pair[0])]


# A message with all joints.


@pytest.mark.parametrize('order', [1, -1])
def test_message_with_all_joints_comes_out_bit_for_bit(order: int) -> None:
    states = JointStates(NAMES)
    values = np.array([-0.0, 5e-324, 0.1 + 0.2, -1.5, math.pi, 1e-17, -0.0, 3.3])
    for stamp in (START, START + 4 * MS):
        sent = JointState(
            header=header_of(stamp), name=list(NAMES[::order]), position=doubles(values[::order]),
            velocity=doubles(-values[::order]),
        )  # fmt: skip
        seen = states.add(sent)
        assert seen is not None
        assert seen.stamp == stamp
        assert seen.position.tobytes() == values.tobytes()
        assert seen.velocity.tobytes() == (-values).tobytes()


def test_old_and_repeated_messages_with_all_joints_come_out_for_the_watchdog_to_judge() -> None:
    states = JointStates(NAMES)
    times = [0.0, 4.0, 4.0, 1.0, 8.0, -500.0]
    seen = merged(states, *(message(ALL, time) for time in times))
    assert [one.stamp for one in seen] == [START + round(time * MS) for time in times]


def test_joints_of_something_else_in_the_message_or_beside_it_do_not_matter() -> None:
    states = JointStates(NAMES)
    sent = message(ALL, 0.0)
    sent.name = ['gripper', *sent.name]
    sent.position = doubles([7.0, *sent.position])
    sent.velocity = doubles([7.0, *sent.velocity])
    gripper = JointState(header=header_of(START + 999 * MS), name=['gripper'], position=doubles([0.1]))
    (seen,) = merged(states, gripper, sent, gripper)
    assert seen.position.tobytes() == position(0.0).tobytes()
    assert not states.lacking


# Messages with some of the joints.


@pytest.mark.parametrize(('axes', 'slides'), [(4.0, 10.0), (10.0, 4.0), (8.0, 8.0), (2.0, 20.0), (10.0, 7.0)])
def test_observations_come_at_the_rate_of_the_fastest_group_and_show_one_moment(
    axes: float, slides: float
) -> None:
    seen = merged(JointStates(NAMES), *two_drivers(axes, slides))
    stamps = np.array([one.stamp for one in seen])
    fastest = min(axes, slides) * MS
    assert np.all(np.diff(stamps) >= fastest - 1)
    assert len(seen) >= 0.9 * 200 * MS / fastest
    for one in seen[10:]:
        assert one.position == pytest.approx(position((one.stamp - START) / MS), abs=1e-9)
        assert one.velocity.tobytes() == SPEED.tobytes()


def test_groups_with_the_same_stamps_are_shown_as_one_message_would() -> None:
    """One controller manager, two broadcasters: nothing is calculated, whichever comes first."""
    for first, second in ((SLIDES, AXES), (AXES, SLIDES)):
        states = JointStates(NAMES)
        pairs = ((message(first, time), message(second, time)) for time in (0.0, 4.0, 8.0, 12.0))
        seen = merged(states, *itertools.chain(*pairs))
        assert [one.stamp - START for one in seen] == [0, 4 * MS, 8 * MS, 12 * MS]
        for one in seen:
            assert one.position.tobytes() == position((one.stamp - START) / MS).tobytes()


def test_any_subsets_in_any_order_make_the_same_observations() -> None:
    seen = []
    for order in (1, -1):
        states = JointStates(NAMES)
        groups = (range(0, 1), range(1, 4), range(4, 8))
        sent = [
            message(group, 5.0 * tick + shift, order)
            for tick in range(20)
            for shift, group in enumerate(groups)
        ]
        seen.append(merged(states, *sent))
    assert len(seen[0]) == 20
    for one, other in zip(*seen, strict=True):
        assert one.stamp == other.stamp
        assert one.position.tobytes() == other.position.tobytes()


def test_stamps_grow_when_messages_overtake_each_other_or_come_again() -> None:
    sent = two_drivers(4.0, 10.0)
    generator = np.random.default_rng(0)
    shuffled = [
        sent[place] for place in np.argsort(np.arange(len(sent)) + generator.uniform(0.0, 4.0, len(sent)))
    ]
    repeated = [each for one in shuffled for each in (one, one)]
    stamps = [one.stamp for one in merged(JointStates(NAMES), *repeated)]
    assert len(stamps) > 30
    assert stamps == sorted(set(stamps))


def test_group_that_falls_silent_ends_the_observations_and_is_named() -> None:
    states = JointStates(NAMES)
    assert merged(states, *two_drivers(4.0, 10.0, 100.0))
    assert not states.lacking
    seen = merged(states, *(message(AXES, time) for time in np.arange(100.0, 300.0, 4.0)))
    assert seen[-1].stamp - START <= (90.3 + 50.0) * MS
    assert states.lacking == NAMES[:2]
    again = merged(states, message(SLIDES, 301.0), message(AXES, 304.0))
    assert len(again) >= 1
    assert not states.lacking


def test_joints_that_never_come_are_named_after_a_while_and_nothing_is_made_up() -> None:
    states = JointStates(NAMES)
    assert not merged(states, *(message(AXES, time) for time in np.arange(0.0, 48.0, 4.0)))
    assert not states.lacking  # the other driver may just be starting
    assert not merged(states, *(message(AXES, time) for time in np.arange(48.0, 80.0, 4.0)))
    assert states.lacking == NAMES[:2]


def test_wrong_names_lack_all_joints() -> None:
    states = JointStates(tuple(f'other_{name}' for name in NAMES))
    assert not merged(states, *(message(ALL, time) for time in np.arange(0.0, 80.0, 4.0)))
    assert len(states.lacking) == 8


def test_joint_without_a_velocity_is_not_shown() -> None:
    states = JointStates(NAMES)
    sent = message(ALL, 0.0)
    sent.velocity = doubles(sent.velocity[:7])
    assert states.add(sent) is None
    assert states.add(message(range(7, 8), 1.0)) is not None


def test_clocks_of_two_drivers_that_are_not_synchronised_give_nothing() -> None:
    states = JointStates(NAMES)
    sent = [each for time in range(0, 200, 4) for each in (message(AXES, time), message(SLIDES, time - 80.0))]
    assert not merged(states, *sent)
    assert states.lacking == NAMES[:2]


def test_clock_that_is_set_back_is_followed() -> None:
    states = JointStates(NAMES)
    assert merged(states, *two_drivers(4.0, 10.0, 100.0))
    before = [
        message(group, time - 5000.0) for time in np.arange(0.0, 100.0, 4.0) for group in (AXES, SLIDES)
    ]
    seen = merged(states, *before)
    assert len(seen) > 20
    assert seen[0].stamp < START


def test_frozen_encoder_looks_frozen_whatever_velocity_it_reports() -> None:
    states, check = JointStates(NAMES), FrozenCheck(WatchdogSettings())
    said = ''
    for time in np.arange(0.0, 800.0, 2.0).tolist():
        sent = message(AXES, time)
        if time % 10.0 == 0.0:
            sent = message(SLIDES, time)
            sent.position = doubles(
                position(min(time, 100.0))[:2]
            )  # stands still from then on, by its encoders
        seen = states.add(sent)
        if seen is not None:
            said = said or check.see(SPEED, seen.position, 0.002)
    assert 'slide_y was commanded' in said
    assert 'no motion' in said


def test_velocity_that_is_no_number_is_shown_and_not_reckoned_with() -> None:
    states = JointStates(NAMES)
    broken = message(SLIDES, 10.0)
    broken.velocity = doubles([math.nan, 0.0])
    merged(states, message(AXES, 0.0), message(SLIDES, 0.0), message(AXES, 4.0), broken, message(AXES, 8.0))
    seen = states.add(message(AXES, 12.0))
    assert seen is not None
    assert np.isfinite(seen.position).all()
    assert math.isnan(seen.velocity[0])


# End to end.


class TwoDrivers(GuardedArm):
    """Axes at 250 Hz and slides at 125 Hz, in virtual time; ``slides``: whether their driver reports."""

    def __init__(self) -> None:
        simulation = in_cycles(SimulationConfig(), InnerLoopSettings())
        super().__init__(make_simulator(simulation), ControllerConfig(), GuardSettings())
        self._states = JointStates(NAMES)
        self._count = 0
        self.slides = True

    def take_joints(self, observation: ArmObservation) -> None:
        self._count += 1
        for group in (SLIDES, AXES) if self.slides and self._count % 2 else (AXES,):
            rows = list(group)
            sent = JointState(
                header=header_of(observation.stamp), name=[NAMES[row] for row in rows],
                position=doubles(observation.position[rows]), velocity=doubles(observation.velocity[rows]),
            )  # fmt: skip
            seen = self._states.add(sent)
            if seen is not None:
                super().take_joints(seen)
            elif self._states.lacking:
                self.guard.joints_missing(f'none of {", ".join(self._states.lacking)}')


def test_arm_is_stopped_when_one_of_two_drivers_falls_silent_in_mid_swing() -> None:
    arm = TwoDrivers()
    arm.make_ready()
    arm.simulator.launch(0)
    while np.abs(arm.simulator.data.qvel[:8]).max() < 1.5:
        arm.step()
    assert str(arm.guard.state) == 'playing'
    arm.slides = False
    silent, fault = arm.now.steady, None
    while fault is None and arm.now.steady - silent < 1000 * MS:
        arm.step()
        fault = arm.guard.fault
    assert fault is not None
    assert fault.kind is FaultKind.JOINTS_STALE
    assert f'none of {NAMES[0]}, {NAMES[1]}' in fault.sentence
    assert (
        arm.now.steady - silent <= (50 + 100 + 12) * MS
    )  # the oldest part, the watchdog's patience, two periods


@pytest.mark.real_time
def test_arm_with_two_drivers_is_armed_and_returns_balls_and_the_trials_are_whole(
    tmp_path: Path, idle: EmptyTimer
) -> None:
    """In real time, each node in a process of its own: axes at 250 Hz, slides at 100 Hz in their own messages."""
    path = share_folder() / 'config' / 'rehearsal.yaml'
    arm = read_settings(path, StandInSettings, 'stand_in_arm')
    settings = RehearsalSettings(
        replace(arm, arm_state_rate=250.0, gantry_state_rate=100.0),
        read_settings(path, ControllerSettings, 'controller'),
        replace(
            read_settings(path, TraceLoggerSettings, 'trace_logger'), output_folder=str(tmp_path / 'run')
        ),
    )
    thrown: list[tuple[str, str]] = []
    with RehearsalCell(settings, tmp_path / 'logs', f'/drivers_{os.getpid()}') as cell:
        try:
            cell.make_ready()
            while 'landed' not in [outcome for outcome, _ in thrown] and len(thrown) < 5:
                trace = cell.throw(len(thrown) + 1, len(thrown))
                thrown.append(('', '') if trace is None else (str(trace.outcome), str(trace.note)))
        except RunFailedError as error:
            idle.judge((str(error), thrown))
        if 'landed' not in [outcome for outcome, _ in thrown]:
            idle.judge((thrown, cell.faults))
        samples = trial_in(cell.traces[-1]).samples
    # Some 90 where nothing is late.
    assert len(samples.joint_time) > 15
    assert np.abs(samples.joint_velocity[:, :2]).max() > 0.3
    # Control ticks that come late leave gaps; the others are even.
    assert np.quantile(np.diff(samples.joint_time), 0.1) == pytest.approx(0.02, abs=0.006)
