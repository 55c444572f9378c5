"""The safety stage under attack: nothing leaves the limits, and every limit is missed when it is taken away.

The judge here is the test's own arithmetic: differences and sums of what was sent, and the blade's rim point by point.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import mujoco
import numpy as np
import pytest
from numpy.typing import NDArray

from llm_policy_improver.table_tennis.arm.facts import ARM, BLADE_RADIUS, BLADE_THICKNESS, HOME
from llm_policy_improver.table_tennis.arm.joint_model import LAG
from llm_policy_improver.table_tennis.arm.kinematics import ArmKinematics
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.control.controller import LowLevelController
from llm_policy_improver.table_tennis.guard.safety import Rule, SafetyStage
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.simulator import Simulator

Array = NDArray[np.float64]

DT = 0.004
LIMITS = SafetyLimits()
JOINTS = range(8)
NAMES = [joint.name for joint in ARM]
# Where only the joints' limits are asked about.
WIDE = replace(
    LIMITS, blade_low=(-3.0, -4.0, -0.76), blade_high=(3.0, 0.0, 2.0), forearm_low=(-3.0, -4.0, -0.76),
    forearm_high=(3.0, 0.0, 2.0), table_clearance=0.0, workspace_margin=0.005,
)  # fmt: skip
ROUNDING = 1e-6


def array(name: str, limits: SafetyLimits = LIMITS) -> Array:
    return np.array(getattr(limits, name))


@dataclass
class Run:
    """What was sent every DT, and where that leads if the drives follow at once."""

    velocity: Array
    position: Array

    @property
    def acceleration(self) -> Array:
        return np.diff(self.velocity, axis=0, prepend=np.zeros((1, 8))) / DT

    @property
    def jerk(self) -> Array:
        return np.diff(self.acceleration, axis=0, prepend=np.zeros((1, 8))) / DT


Wanted = Callable[[int, SafetyStage], Any]


def send(stage: SafetyStage, wanted: Wanted, ticks: int, measured: Array | None = None) -> Run:
    """Ticks of an arm that follows at once, or of one whose encoders always show ``measured``."""
    velocities, positions, here = [], [], stage.position + DT * stage.velocity
    for tick in range(ticks):
        shown = here if measured is None else measured
        velocity = stage.filter(wanted(tick, stage), shown, DT).velocity
        here = here + DT * velocity
        velocities.append(velocity)
        positions.append(here)
    return Run(np.array(velocities), np.array(positions))


KINEMATICS = ArmKinematics()
_angle = np.linspace(0.0, 2.0 * math.pi, 72)
CIRCLE = BLADE_RADIUS * np.stack([np.cos(_angle), np.sin(_angle)], axis=1)
POLES = LIMITS.forearm_radius * np.vstack([np.eye(3), -np.eye(3)])


def bodies(q: Array) -> tuple[Array, Array]:
    """Points of the blade's rim, and of the spheres around elbow, wrist and handle: (n, 3), (m, 3), m."""
    pose = KINEMATICS.blade(q)
    normal = np.array(pose.normal)
    first = np.cross(normal, [1.0, 0.0, 0.0] if abs(normal[0]) < 0.9 else [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    second = np.cross(normal, first)
    ring = np.array(pose.centre) + CIRCLE @ (first, second)
    half = 0.5 * BLADE_THICKNESS * normal
    forearm = np.array(KINEMATICS.forearm(q))
    return np.vstack([ring + half, ring - half]), (forearm[:, None] + POLES).reshape(-1, 3)


def depth_in_table(points: Array, clearance: float) -> float:
    """m by which one body is in, under or too low above the table; points (n, 3) of its surface."""
    x = table.HALF_WIDTH - np.abs(points[:, 0]).min()
    y = points[:, 1].max() + table.HALF_LENGTH
    return float(min(x, y, clearance - points[:, 2].min()))


def beyond(run: Run, limits: SafetyLimits = LIMITS, *, inner: bool = False) -> dict[str, float]:
    """By how much each limit was missed, at most; the limits themselves, or those less their margins."""
    margin = limits.workspace_margin if inner else 0.0
    joint = array('position_margin', limits) if inner else 0.0
    worst = {
        'velocity': float((np.abs(run.velocity) / array('velocity', limits)).max() - 1.0),
        'acceleration': float((np.abs(run.acceleration) / array('acceleration', limits)).max() - 1.0),
        'jerk': float((np.abs(run.jerk) / array('jerk', limits)).max() - 1.0),
        'position_low': float((array('position_low', limits) + joint - run.position).max()),
        'position_high': float((run.position - array('position_high', limits) + joint).max()),
    }
    for q in run.position:
        rim, forearm = bodies(q)
        depths = {
            part: max(
                (array(f'{part}_low', limits) + margin - points).max(),
                (points - array(f'{part}_high', limits) + margin).max(),
            )
            for part, points in (('blade', rim), ('forearm', forearm))
        }
        depths['table'] = max(
            depth_in_table(body, limits.table_clearance + margin) for body in (rim, *np.split(forearm, 3))
        )
        for name, depth in depths.items():
            worst[name] = max(worst.get(name, -math.inf), float(depth))
    return worst


def assert_within(run: Run, limits: SafetyLimits = LIMITS, *, inner: bool = False) -> None:
    missed = {
        name: value for name, value in beyond(run, limits, inner=inner).items() if not value <= ROUNDING
    }
    assert not missed


def full(number: int, sign: float) -> Wanted:
    """Full speed of one joint, and more than that."""
    velocity = np.zeros(8)
    velocity[number] = sign * 1e9
    return lambda tick, stage: velocity


def longer_side(number: int) -> float:
    return (
        1.0
        if LIMITS.position_high[number] - HOME[number] > HOME[number] - LIMITS.position_low[number]
        else -1.0
    )


def at_end(number: int, sign: float, gap: float = 0.03) -> Array:
    """The ready pose, but for one joint near its low (-1) or high (+1) end."""
    q = np.array(HOME)
    name = 'position_low' if sign < 0.0 else 'position_high'
    q[number] = getattr(LIMITS, name)[number] - sign * gap
    return q


def towards(extent: Callable[[Array], float]) -> Wanted:
    """All joints at full speed to where ``extent`` (m) grows."""

    velocity = np.zeros(8)

    def wanted(tick: int, stage: SafetyStage) -> Array:
        if tick % 4 == 0:  # the direction hardly changes in between
            gradient = np.array(
                [extent(stage.position + step) - extent(stage.position - step) for step in 1e-4 * np.eye(8)]
            )
            velocity[:] = 1e9 * gradient / np.abs(gradient).max()
        return velocity

    return wanted


# --- what must always hold ---------------------------------------------------------------------------------------


def drawn(kind: str, rng: np.random.Generator) -> Wanted:
    speed = array('velocity')
    steady = rng.choice([-1.0, 1.0], 8) * speed
    state = {'velocity': steady}

    def wanted(tick: int, stage: SafetyStage) -> Any:
        if kind == 'constant':
            return steady
        if kind == 'flips':
            return steady * (-1.0) ** tick
        if kind == 'huge':
            return rng.choice([-1e9, 1e9], 8)
        if rng.random() < 0.04:
            state['velocity'] = rng.normal(0.0, 2.0, 8) * speed
        if kind == 'nan' and tick % 30 < 6:
            return np.full(8, rng.choice([math.nan, math.inf, -math.inf]))
        return state['velocity']

    return wanted


@pytest.mark.parametrize('kind', ['constant', 'flips', 'huge', 'steps', 'nan'])
@pytest.mark.parametrize('seed', range(4))
def test_nothing_leaves_the_inner_limits_whatever_is_asked_for(kind: str, seed: int) -> None:
    rng = np.random.default_rng([seed, len(kind)])
    stage = SafetyStage()
    send(stage, drawn('steps', rng), int(rng.integers(1, 200)))  # from a random state that it has reached
    begin, before = stage.velocity.copy(), stage.acceleration.copy()
    run = send(stage, drawn(kind, rng), 250)
    # The first differences are those to the state before.
    velocity = np.vstack([begin, run.velocity])
    acceleration = np.vstack([before, np.diff(velocity, axis=0) / DT])
    jerk = np.diff(acceleration, axis=0) / DT
    assert np.all(np.abs(acceleration) <= array('acceleration') * (1 + ROUNDING))
    assert np.all(np.abs(jerk) <= array('jerk') * (1 + ROUNDING))
    kept = beyond(run, inner=True)
    assert max(value for name, value in kept.items() if name not in ('acceleration', 'jerk')) <= ROUNDING


@pytest.mark.parametrize('seed', range(6))
def test_from_every_state_it_has_reached_it_stands_still_in_time_without_leaving_the_inner_limits(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    stage = SafetyStage()
    wanted = drawn('steps', rng)
    for _ in range(12):
        send(stage, wanted, int(rng.integers(1, 25)))
        braking, here, ticks = copy.deepcopy(stage), stage.position + DT * stage.velocity, 0
        positions = [here]
        while not braking.standing:
            here = here + DT * braking.brake(DT).velocity
            positions.append(here)
            ticks += 1
        assert ticks * DT <= 0.25
        kept = beyond(Run(np.zeros((1, 8)), np.array(positions)), inner=True)
        assert max(kept.values()) <= ROUNDING
        assert not np.any(braking.brake(DT).velocity)


@pytest.mark.parametrize('dt', [0.001, 0.002, 0.01, 0.02])
def test_other_rates_keep_the_limits_too(dt: float) -> None:
    rng = np.random.default_rng(0)
    stage, wanted, here = SafetyStage(), drawn('steps', rng), np.array(HOME)
    before, previous = np.zeros(8), np.zeros(8)
    positions = []
    for tick in range(300):
        velocity = stage.filter(wanted(tick, stage), here, dt).velocity
        acceleration = (velocity - before) / dt
        assert np.all(np.abs(velocity) <= array('velocity') * (1 + ROUNDING))
        assert np.all(np.abs(acceleration) <= array('acceleration') * (1 + ROUNDING))
        assert np.all(np.abs(acceleration - previous) <= array('jerk') * dt * (1 + ROUNDING))
        before, previous, here = velocity, acceleration, here + dt * velocity
        positions.append(here)
    assert max(beyond(Run(np.zeros((1, 8)), np.array(positions)), inner=True).values()) <= ROUNDING


@pytest.mark.parametrize('seed', range(4))
def test_ticks_that_come_at_any_time_keep_the_limits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stage, wanted, here, sent = SafetyStage(), drawn('steps', rng), np.array(HOME), np.zeros(8)
    positions = []
    for tick in range(400):
        dt = float(rng.uniform(0.001, 0.02)) if rng.random() < 0.3 else DT
        here = here + dt * sent
        positions.append(here)
        sent = stage.filter(wanted(tick, stage), here, dt).velocity
        assert np.all(np.abs(sent) <= array('velocity') * (1 + ROUNDING))
    assert max(beyond(Run(np.zeros((1, 8)), np.array(positions))).values()) <= ROUNDING


@pytest.mark.parametrize('seed', range(6))
def test_the_arm_in_mujoco_with_its_lag_keeps_range_and_box_and_touches_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    kind = ('constant', 'flips', 'huge', 'steps', 'nan', 'steps')[seed]
    simulator, stage, wanted = Simulator(SimulationConfig(control_period=DT)), SafetyStage(), drawn(kind, rng)
    simulator.launch(seed)
    simulator.data.qpos[8:11] = (0.0, 8.0, -0.7)  # the ball is elsewhere
    velocities, positions = [], []
    for tick in range(350):
        position = simulator.observe()[0].position
        velocities.append(stage.filter(wanted(tick, stage), position, DT).velocity)
        simulator.step(velocities[-1])
        positions.append(simulator.observe()[0].position)
    assert np.ptp(np.array(positions), axis=0).max() > 0.1
    assert_within(Run(np.array(velocities), np.array(positions)))
    assert simulator.arm_contact == ''


# --- every limit is missed when it is taken away -----------------------------------------------------------------


def without(limits: SafetyLimits, name: str, number: int | None, value: float) -> SafetyLimits:
    """The same limits but for one, which nobody could set like this."""
    loose = copy.copy(limits)
    values: Any = value
    if number is not None:
        values = (*getattr(limits, name)[:number], value, *getattr(limits, name)[number + 1 :])
    object.__setattr__(loose, name, values)
    return loose


def both(
    limits: SafetyLimits,
    name: str,
    number: int | None,
    loose: float,
    attack: Callable[[SafetyLimits], float],
) -> None:
    """The attack comes to at most nothing with the limit, and beyond it without."""
    assert attack(limits) <= ROUNDING
    assert attack(without(limits, name, number, loose)) > 1e-4


@pytest.mark.parametrize('number', JOINTS, ids=NAMES)
@pytest.mark.parametrize('name', ['velocity', 'acceleration', 'jerk'])
def test_velocity_acceleration_and_jerk_are_each_kept_by_their_limit(name: str, number: int) -> None:
    def attack(limits: SafetyLimits) -> float:
        start = at_end(number, -longer_side(number), 0.02)
        run = send(SafetyStage(limits, start), full(number, longer_side(number)), 200)
        return beyond(run, WIDE)[name]

    both(WIDE, name, number, 1e5 if name == 'velocity' else 1e9, attack)


@pytest.mark.parametrize('number', JOINTS, ids=NAMES)
@pytest.mark.parametrize(('name', 'sign'), [('position_low', -1.0), ('position_high', 1.0)])
def test_each_end_of_each_range_is_kept_by_its_limit(name: str, sign: float, number: int) -> None:
    def attack(limits: SafetyLimits) -> float:
        run = send(SafetyStage(limits, at_end(number, sign, 0.2)), full(number, sign), 150)
        return beyond(run, WIDE)[name]

    both(WIDE, name, number, sign * 100.0, attack)
    # A soft zone alone would often do: the range is kept without one, too.
    both(without(WIDE, 'soft_zone', number, 1e-9), name, number, sign * 100.0, attack)


@pytest.mark.parametrize('number', JOINTS, ids=NAMES)
def test_each_position_margin_is_kept_by_its_limit(number: int) -> None:
    def attack(limits: SafetyLimits) -> float:
        run = send(SafetyStage(limits, at_end(number, 1.0, 0.1)), full(number, 1.0), 200)
        return beyond(run, WIDE, inner=True)['position_high']

    both(WIDE, 'position_margin', number, 0.0, attack)


@pytest.mark.parametrize('number', JOINTS, ids=NAMES)
def test_each_soft_zone_slows_a_joint_down_before_its_end(number: int) -> None:
    zone, most = LIMITS.soft_zone[number], LIMITS.velocity[number]
    velocity = np.zeros(8)
    velocity[number] = 0.4 * LIMITS.acceleration[number] * zone / most  # so slow that the zone is wide enough
    end = LIMITS.position_high[number] - LIMITS.position_margin[number]

    def attack(limits: SafetyLimits) -> float:
        start = at_end(number, 1.0, zone + 0.05)
        run = send(SafetyStage(limits, start), lambda tick, stage: velocity, 500)
        room = end - np.concatenate([[start[number]], run.position[:-1, number]])
        allowed = most * np.maximum(room, 0.0) / zone
        # Once it is slowed down: the first tick in the zone is one of braking at most.
        return float((run.velocity[:, number] - 1.1 * allowed - 0.02 * velocity[number]).max())

    # With drives that are quick to brake by themselves: room for those that are not would slow it down, too.
    both(replace(WIDE, drive_timeout=0.02), 'soft_zone', number, 1e-9, attack)


@pytest.mark.parametrize('number', JOINTS, ids=NAMES)
def test_each_following_error_stops_a_joint_that_does_not_follow(number: int) -> None:
    start = at_end(number, -1.0, 0.02)
    braking = LIMITS.velocity[number] ** 2 / LIMITS.acceleration[number] / 2
    braking += LIMITS.velocity[number] * (LIMITS.acceleration[number] / LIMITS.jerk[number] + 2 * DT)
    assert LIMITS.following_error[number] + braking < LIMITS.position_high[number] - start[number] - 0.02

    def attack(limits: SafetyLimits) -> float:
        run = send(SafetyStage(limits, start), full(number, 1.0), 400, measured=start)
        return float(run.position[-1, number] - start[number] - LIMITS.following_error[number] - braking)

    both(WIDE, 'following_error', number, 1e9, attack)


def extent(part: str, axis: int, sign: float) -> Callable[[Array], float]:
    """m, how far blade or forearm reach along an axis."""

    def reach(q: Array) -> float:
        points = bodies(q)[0 if part == 'blade' else 1][:, axis]
        return float((sign * points).max())

    return reach


@pytest.mark.parametrize('axis', range(3), ids='xyz')
@pytest.mark.parametrize('end', ['low', 'high'])
@pytest.mark.parametrize('part', ['blade', 'forearm'])
def test_each_side_of_each_box_is_kept_by_its_limit(part: str, end: str, axis: int) -> None:
    sign = -1.0 if end == 'low' else 1.0
    name = f'{part}_{end}'
    own = {f'{part}_low': getattr(LIMITS, f'{part}_low'), f'{part}_high': getattr(LIMITS, f'{part}_high')}
    limits = replace(WIDE, **own, workspace_margin=LIMITS.workspace_margin)
    if name == 'forearm_high' and axis == 2:  # out of this arm's reach where it is set
        limits = replace(limits, forearm_high=(1.6, -0.93, 0.63))
    if name == 'forearm_low' and axis == 2:
        limits = replace(limits, forearm_low=(-1.6, -2.5, 0.02))
    reach = extent(part, axis, sign)
    bound = sign * getattr(limits, name)[axis]

    def attack(kept: SafetyLimits) -> float:
        run = send(SafetyStage(kept), towards(reach), 500)
        return max(reach(q) for q in run.position) - bound

    both(limits, name, axis, sign * 100.0, attack)


def over_the_table() -> Array:
    q = np.array(HOME)
    q[0] = 0.12
    return q


def pressed_down(limits: SafetyLimits, start: Array) -> Run:
    return send(SafetyStage(limits, start), towards(extent('blade', 2, -1.0)), 200)


def test_table_clearance_is_kept_by_its_limit() -> None:
    limits = replace(LIMITS, forearm_low=WIDE.forearm_low, blade_low=WIDE.blade_low)

    def attack(kept: SafetyLimits) -> float:
        return max(
            depth_in_table(bodies(q)[0], LIMITS.table_clearance)
            for q in pressed_down(kept, over_the_table()).position
        )

    both(limits, 'table_clearance', None, -10.0, attack)


def test_blade_behind_the_table_and_below_its_surface_does_not_go_into_its_edge() -> None:
    stage = SafetyStage()
    # Down behind the table, then at full speed forward.
    send(stage, towards(extent('blade', 2, -1.0)), 200)
    low = bodies(stage.position)[0][:, 2].min()
    assert low < -0.05
    forward = np.zeros(8)
    forward[0] = 1e9
    run = send(stage, lambda tick, s: forward, 300)
    assert np.ptp(run.position[:, 0]) > 0.05
    assert bodies(run.position[-1])[0][:, 2].min() < 0.0
    assert_within(Run(np.zeros((1, 8)), run.position), inner=True)
    loose = SafetyStage(without(replace(LIMITS, blade_high=WIDE.blade_high), 'table_clearance', None, -10.0))
    send(loose, towards(extent('blade', 2, -1.0)), 200)
    gone = send(loose, lambda tick, s: forward, 300)
    assert max(depth_in_table(bodies(q)[0], 0.0) for q in gone.position) > 0.02


def test_blade_that_lags_behind_its_set_points_does_not_touch_the_table_they_have_left() -> None:
    """Back from over the table at full speed, and down as soon as the set points are behind its edge."""

    def deepest(shown: Callable[[Array, Array], Array]) -> float:
        real, worst = over_the_table(), -math.inf
        real[0] = 0.16
        stage = SafetyStage(LIMITS, real)
        send(stage, towards(extent('blade', 2, -1.0)), 100)
        real = stage.position.copy()
        lower = towards(extent('blade', 2, -1.0))
        for tick in range(150):
            behind = bodies(stage.position)[0][:, 1].max() < -table.HALF_LENGTH - 0.03
            velocity = lower(tick, stage) if behind else np.zeros(8)
            velocity[0], velocity[1] = -1e9, 0.0
            told = stage.position + DT * stage.velocity
            real = real + (1.0 - np.exp(-DT / LAG)) * (told - real)
            stage.filter(velocity, shown(real, told), DT)
            inner = LIMITS.table_clearance + LIMITS.workspace_margin
            worst = max(worst, depth_in_table(bodies(real)[0], inner))
        assert bodies(real)[0][:, 2].min() < 0.0  # it went down behind the table
        return worst

    assert deepest(lambda real, told: real) <= ROUNDING
    assert deepest(lambda real, told: told) > 0.01  # a stage that does not see the lag


def test_workspace_margin_is_kept_by_its_limit() -> None:
    def attack(limits: SafetyLimits) -> float:
        run = send(SafetyStage(limits), towards(extent('blade', 0, 1.0)), 400)
        return max(extent('blade', 0, 1.0)(q) for q in run.position) - 1.6 + LIMITS.workspace_margin

    limits = replace(WIDE, blade_high=LIMITS.blade_high, workspace_margin=LIMITS.workspace_margin)
    both(limits, 'workspace_margin', None, 0.0, attack)


def test_forearm_radius_is_kept_by_its_limit() -> None:
    def attack(limits: SafetyLimits) -> float:
        run = send(SafetyStage(limits), towards(extent('forearm', 0, -1.0)), 400)
        return max(extent('forearm', 0, -1.0)(q) for q in run.position) - 1.6

    limits = replace(WIDE, forearm_low=LIMITS.forearm_low)
    both(limits, 'forearm_radius', None, 0.0, attack)


def test_longest_tick_is_kept_by_its_limit() -> None:
    """Each tick on the way to the end of a range might be the one that comes late."""

    def attack(limits: SafetyLimits) -> float:
        stage, here, worst = SafetyStage(limits), np.array(HOME), -math.inf
        velocity = np.array([1e9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        for _ in range(150):
            sent = stage.filter(velocity, here, DT).velocity
            late, there = copy.deepcopy(stage), here + 0.02 * sent
            late.filter(velocity, there, 0.02)
            while not late.standing:
                there = there + DT * late.velocity
                late.brake(DT)
            worst = max(worst, there[0])
            here = here + DT * sent
        return worst - LIMITS.position_high[0] + LIMITS.position_margin[0]

    # No soft zone, which would leave room for it.
    both(without(WIDE, 'soft_zone', 0, 1e-9), 'longest_tick', None, DT, attack)


# --- what is sent otherwise --------------------------------------------------------------------------------------


def test_commands_within_all_limits_come_back_bit_for_bit() -> None:
    """Attenuation 1, residual 0: the stroke of the standard ball, along the straight lines of the inner loop."""
    simulator, controller, stage = (
        Simulator(SimulationConfig(control_period=DT)), LowLevelController(), SafetyStage(WIDE),
    )  # fmt: skip
    controller.offer(Modulation())
    simulator.launch(0)
    before = goal = np.zeros(8)
    equal = changed = 0
    cycle = 0
    while not simulator.finished:
        observed, sightings = simulator.observe()
        for sighting in sightings:
            controller.observe_ball(sighting)
        if cycle % 5 == 0:
            before, goal = goal, controller.command(observed).applied
        share = (cycle % 5 + 1) / 5
        wanted = (1.0 - share) * before + share * goal
        command = stage.filter(wanted, observed.position, DT)
        assert (command.velocity.tobytes() == wanted.tobytes()) is (command.rules == ())
        equal, changed = equal + (command.rules == ()), changed + (command.rules != ())
        simulator.step(command.velocity)
        cycle += 1
    assert equal > 200
    assert changed <= 0.1 * equal


def test_one_factor_scales_the_whole_vector() -> None:
    stage = SafetyStage(WIDE)
    slow = 0.05 * np.array([1.0, -1.0, 1.0, 0.5, 0.2, -1.0, 0.3, 1.0])
    factor = (array('velocity') / np.abs(slow)).min()
    wanted = 3.0 * factor * slow
    for _ in range(40):
        command = stage.filter(wanted, stage.position + DT * stage.velocity, DT)
    assert Rule.SPEED in command.rules
    assert command.velocity == pytest.approx(factor * slow)


def test_a_joint_at_the_end_of_its_range_is_stopped_alone() -> None:
    stage = SafetyStage(WIDE, at_end(5, 1.0, 0.3))
    wanted = np.array([0.0, -0.5, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0])
    rules: set[str] = set()
    here = stage.position
    for _ in range(200):
        command = stage.filter(wanted, here, DT)
        here = here + DT * command.velocity
        rules |= set(command.rules)
    assert Rule.POSITION in rules
    assert Rule.WORKSPACE not in rules
    assert command.velocity[5] == pytest.approx(0.0, abs=0.01)
    assert command.velocity[1] == -0.5


@pytest.mark.parametrize(
    'wrong',
    [
        np.full(8, math.nan), np.full(8, math.inf), np.zeros(7), np.zeros(9), np.zeros((2, 4)), [], None, 'fast', 1.0,
        [math.nan] + [0.0] * 7, [[1.0, 2.0], [3.0]], pytest.param(object(), id="object"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_command_or_position_brakes_within_the_limits(wrong: Any) -> None:
    for as_position in (False, True):
        stage = SafetyStage()
        moving = send(stage, lambda tick, s: 0.3 * array('velocity'), 30)
        assert np.all(np.abs(moving.velocity[-1]) > 0.05)
        here, velocities, times = stage.position + DT * stage.velocity, [moving.velocity], 0
        while not stage.standing:
            wanted, shown = (np.ones(8), wrong) if as_position else (wrong, here)
            command = stage.filter(wanted, shown, DT)
            assert command.rules == (Rule.INVALID,)
            velocities.append(command.velocity[None])
            here = here + DT * command.velocity
            times += 1
        assert 3 < times < 50
        assert_within(Run(np.vstack(velocities), here[None]))


@pytest.mark.parametrize('dt', [math.nan, math.inf, 0.0, -0.004])
def test_a_time_that_is_none_brakes(dt: float) -> None:
    stage = SafetyStage()
    send(stage, lambda tick, s: 0.3 * array('velocity'), 30)
    speed = np.abs(stage.velocity)
    for brake in (False, True):
        command = stage.brake(dt) if brake else stage.filter(np.ones(8), stage.position, dt)
        assert command.rules == (Rule.INVALID,)
        assert np.all(np.abs(command.velocity) <= speed + array('acceleration') * 0.001)
    for _ in range(400):
        stage.brake(dt)
    assert stage.standing


def test_a_joint_found_outside_of_its_inner_range_may_come_back_but_not_go_further() -> None:
    outside = at_end(1, 1.0, 0.002)
    away = send(SafetyStage(WIDE, outside), full(1, 1.0), 100)
    assert np.all(away.velocity[:, 1] == 0.0)
    back = send(SafetyStage(WIDE, outside), full(1, -1.0), 100)
    assert back.position[-1, 1] < outside[1] - 0.1


def test_an_arm_that_is_pushed_out_of_its_box_may_come_back_but_not_go_further() -> None:
    pushed = np.array(HOME)
    pushed[1] = 1.3
    assert extent('blade', 0, 1.0)(pushed) > 1.6
    away = send(SafetyStage(LIMITS, pushed), full(1, 1.0), 100)
    assert np.all(away.position[:, 1] <= pushed[1] + 1e-9)
    back = send(SafetyStage(LIMITS, pushed), full(1, -1.0), 200)
    assert extent('blade', 0, 1.0)(back.position[-1]) < 1.6


def test_drift_of_the_drives_is_taken_out_at_rest_and_slowly() -> None:
    stage, shown = SafetyStage(), np.array(HOME) + 0.02
    send(stage, lambda tick, s: np.zeros(8), 200, measured=shown)
    assert np.array_equal(stage.position, HOME)
    before = stage.position
    for _ in range(3000):
        stage.filter(np.zeros(8), shown, DT)
        assert np.all(np.abs(stage.position - before) <= 0.01 * array('velocity') * DT + 1e-12)
        before = stage.position
    assert stage.position == pytest.approx(shown, abs=1e-9)


def test_reset_takes_the_position_of_an_arm_that_stands_and_nothing_else() -> None:
    stage = SafetyStage()
    send(stage, lambda tick, s: np.ones(8), 20)
    stage.reset(HOME)
    assert stage.standing
    assert np.array_equal(stage.position, HOME)
    for wrong in (np.full(8, math.nan), np.zeros(3), None):
        with pytest.raises(ValueError, match='8 finite numbers'):
            stage.reset(wrong)  # type: ignore[arg-type]


def taken_over(velocity: Array, position: Array, wanted: Wanted | None, ticks: int) -> Run:
    """Of a stage that begins with a moving arm, which follows at once; from its first state on."""
    stage = SafetyStage(LIMITS)
    stage.reset(position - LAG * velocity, velocity)  # encoders are behind the set points by so much
    here, velocities, positions = position, [stage.velocity.copy()], [position]
    for tick in range(ticks):
        here = here + DT * stage.velocity
        command = stage.brake(DT) if wanted is None else stage.filter(wanted(tick, stage), here, DT)
        velocities.append(command.velocity)
        positions.append(here)
    return Run(np.array(velocities), np.array(positions))


def assert_smooth(run: Run) -> None:
    """From an acceleration of nothing, and whatever velocity."""
    acceleration = np.diff(run.velocity, axis=0) / DT
    jerk = np.diff(acceleration, axis=0, prepend=np.zeros((1, 8))) / DT
    assert np.all(np.abs(run.velocity) <= array('velocity') * (1 + ROUNDING))
    assert np.all(np.abs(acceleration) <= array('acceleration') * (1 + ROUNDING))
    assert np.all(np.abs(jerk) <= array('jerk') * (1 + ROUNDING))


@pytest.mark.parametrize('seed', range(4))
def test_arm_taken_over_in_motion_is_braked_as_fast_as_the_limits_allow(seed: int) -> None:
    rng = np.random.default_rng(seed)
    velocity = rng.uniform(-1.0, 1.0, 8) * array('velocity')
    position = rng.uniform([joint.low for joint in ARM], [joint.high for joint in ARM])
    run = taken_over(velocity, position, None, 60)
    assert_smooth(run)
    speed, most, jerk = np.abs(velocity), array('acceleration'), array('jerk')
    assert not np.any(run.velocity[round(0.12 / DT) :])
    peak = np.minimum(most, np.sqrt(speed * jerk))
    way = 0.5 * speed * (speed / peak + peak / jerk)
    assert np.all(np.abs(run.position[-1] - position) <= way + 1.5 * DT * speed)


@pytest.mark.parametrize('kind', ['constant', 'flips', 'huge', 'steps', 'nan'])
def test_limits_are_kept_by_an_arm_that_was_taken_over_in_time(kind: str) -> None:
    met = 0
    for seed in range(12):
        rng = np.random.default_rng([seed, len(kind)])
        velocity = rng.uniform(-0.5, 0.5, 8) * array('velocity')
        position = HOME + rng.uniform(-0.1, 0.1, 8)
        braked = taken_over(velocity, position, None, 60)
        if max(beyond(Run(np.zeros((1, 8)), braked.position), inner=True).values()) > 0.0:
            continue
        met += 1
        run = taken_over(velocity, position, drawn(kind, rng), 120)
        assert_smooth(run)
        assert_within(Run(np.zeros((1, 8)), run.position), inner=True)
    assert met >= 6


@pytest.mark.parametrize('number', JOINTS, ids=NAMES)
def test_arm_taken_over_too_late_is_braked_whatever_is_asked_for_and_may_come_back(number: int) -> None:
    velocity = np.zeros(8)
    velocity[number] = LIMITS.velocity[number]
    start = at_end(number, 1.0, 0.01)
    asked = taken_over(velocity, start, full(number, 1.0), 80)
    braked = taken_over(velocity, start, None, 80)
    assert braked.position[-1, number] > LIMITS.position_high[number]  # nobody could have stopped it
    fast = braked.velocity[:, number] > 3.0 * array('jerk')[number] * DT**2
    assert fast.sum() >= 3
    assert np.array_equal(asked.velocity[fast], braked.velocity[fast])
    # The last steps may be left out.
    assert np.all(asked.velocity <= np.maximum(braked.velocity, 0.0) + ROUNDING)
    assert np.all(asked.position[:, number] <= braked.position[:, number].max() + 1e-9)
    back = taken_over(velocity, start, full(number, -1.0), 200)
    assert np.all(back.position[:, number] <= braked.position[:, number].max() + 1e-9)
    assert back.position[-1, number] < start[number] - 0.1
    assert_smooth(back)


def test_stage_begins_with_no_more_than_the_speed_limit_and_with_nothing_that_is_no_velocity() -> None:
    stage = SafetyStage()
    stage.reset(HOME, 2.0 * array('velocity'))
    assert np.array_equal(stage.velocity, array('velocity'))
    for wrong in (np.full(8, math.nan), np.zeros(3), None):
        with pytest.raises(ValueError, match='the velocity must be 8 finite numbers'):
            stage.reset(HOME, wrong)  # type: ignore[arg-type]


def test_boxes_without_the_ready_pose_stop_the_start() -> None:
    with pytest.raises(ValueError, match=r'in its ready pose is 0\.\d+ m outside of the workspace'):
        SafetyStage(replace(LIMITS, blade_low=(0.3, -2.7, -0.14)))


def test_forearm_is_where_mujoco_has_it() -> None:
    simulator = Simulator()
    model, data = simulator.model, simulator.data
    rng = np.random.default_rng(0)
    for _ in range(20):
        q = rng.uniform([joint.low for joint in ARM], [joint.high for joint in ARM])
        data.qpos[:8] = q
        mujoco.mj_kinematics(model, data)
        elbow, wrist, handle = ArmKinematics().forearm(q)
        assert elbow == pytest.approx(data.body('axis_3').xpos, abs=1e-12)
        assert wrist == pytest.approx(data.body('axis_5').xpos, abs=1e-12)
        assert handle == pytest.approx(data.geom('handle').xpos, abs=0.01)
