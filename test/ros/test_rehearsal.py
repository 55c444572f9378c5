"""The rehearsal: what does badly in simulation, with physics that vary, does not reach the arm."""

import json
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest
import yaml

from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.policy import Parameters, Program
from llm_policy_improver.core.proposal import KeptBack, Proposal
from llm_policy_improver.core.settings import SettingsError, from_mapping, read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.sas.sections.afterwards import kept_back_text
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.ball.expected import Expected
from llm_policy_improver.table_tennis.ball.restitution import Restitution
from llm_policy_improver.table_tennis.ball.spin import Spin
from llm_policy_improver.table_tennis.guard.guarded import GuardSettings
from llm_policy_improver.table_tennis.guard.inner_loop import InnerLoopSettings
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.guard.watchdog_settings import WatchdogSettings
from llm_policy_improver.table_tennis.guarded_arm import in_cycles
from llm_policy_improver.table_tennis.guarded_table_tennis import GuardedTableTennis
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.rehearsal import Rehearsal, arm_cell
from llm_policy_improver.table_tennis.rehearsal_config import RALLY_MARGIN, BallRanges, RehearsalConfig
from llm_policy_improver.table_tennis.rehearsal_result import RehearsalResult
from llm_policy_improver.table_tennis.settings import ControllerSettings
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.delayed import make_simulator
from llm_policy_improver.table_tennis.simulation.latency import Latency
from llm_policy_improver.table_tennis.simulation.watched import FARTHEST, WatchedSimulator
from llm_policy_improver.table_tennis.space import NEUTRAL, parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.incoming import to_expect
from llm_policy_improver.table_tennis.tracing.observed import Outcome, TraceSamples, landing_of

SPACE = parameter_space()
WEAK = SPACE.at((0.6,) * 8)
"""Too slow for any ball."""
FAST = SPACE.at((1.0, 1.0, 1.4, 1.0, 1.0, 1.4, 1.0, 1.4))
"""Reaches velocity limits."""
POOR = SPACE.at((1.0, 1.0, 0.7, 0.7, 0.7, 1.3, 0.7, 1.0))
"""Returns some balls."""
CONFIG = share_folder() / 'config'


def case_of(policy: Parameters) -> GateCase:
    return GateCase(Proposal(policy, 'test'), 1, (), (), parse_objective('far right'))


def landed_with(policy: Parameters, number: int) -> Trial:
    played = TableTennis(SimulationConfig()).run(NEUTRAL, 0)
    return replace(played, policy=policy, number=number, version=number)


@pytest.fixture(scope='module')
def rehearsal() -> Rehearsal:
    return Rehearsal()


@pytest.fixture(scope='module')
def neutral(rehearsal: Rehearsal) -> RehearsalResult:
    return rehearsal.play(NEUTRAL)


def refusal(policy: Parameters = NEUTRAL, **config: Any) -> str:
    return Rehearsal(replace(RehearsalConfig(trials=2, most_misses=1), **config)).play(policy).refused


# What passes, and what it is told by.


def test_unchanged_controller_passes_with_the_figures_of_every_ball(
    rehearsal: Rehearsal, neutral: RehearsalResult
) -> None:
    assert neutral.refused == ''
    assert [trial.number for trial in neutral.trials] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert neutral.landed >= 7
    for trial in neutral.trials:
        assert trial.clearance > rehearsal.config.clearance
        assert rehearsal.config.joint_margin < trial.joint_clearance < 0.5
        assert trial.nearest_joint in {joint.name for joint in arm.ARM}
        assert not trial.collision
    verdict = rehearsal.judge(case_of(NEUTRAL))
    assert (verdict.passed, verdict.gate, verdict.by) == (True, 'rehearsal', '')
    assert verdict.reason == neutral.sentence
    assert f'{neutral.landed} of 8 balls landed in simulation' in verdict.reason
    assert json.loads(json.dumps(verdict.figures))['clearance_m'] == min(t.clearance for t in neutral.trials)


def test_same_seed_gives_the_same_figures_and_another_seed_others(neutral: RehearsalResult) -> None:
    assert Rehearsal().play(NEUTRAL) == neutral
    other = Rehearsal(seed=1).play(NEUTRAL)
    assert {trial.landing for trial in other.trials}.isdisjoint(trial.landing for trial in neutral.trials)


def test_what_was_rehearsed_before_changes_nothing(rehearsal: Rehearsal, neutral: RehearsalResult) -> None:
    rehearsal.play(WEAK)
    assert rehearsal.play(NEUTRAL) == neutral


def test_physics_ball_and_delays_differ_from_ball_to_ball_within_their_ranges(rehearsal: Rehearsal) -> None:
    drawn = [rehearsal.physics(number) for number in range(1, 31)]
    for name, (low, high) in asdict(BallRanges()).items():
        if low == high:
            continue
        values = [getattr(simulation.ball, name) for simulation in drawn]
        assert low <= min(values) < max(values) <= high
        assert max(values) - min(values) > 0.6 * (high - low)
        assert len(set(values)) == 30
    assert len({simulation.draw_ball(number) for number, simulation in enumerate(drawn)}) == 30
    for simulation in drawn:
        assert astuple(simulation.latency) == pytest.approx(astuple(Latency.published()))


def test_balls_spin_and_bounce_as_the_arm_has_learnt_and_its_controller_knows(rehearsal: Rehearsal) -> None:
    learnt = Expected(Spin((40.0, -10.0, 5.0), (4.0, 2.0, 2.0)), Restitution(0.8, 0.005))
    drawn = [rehearsal.physics(number, learnt) for number in range(1, 201)]
    spins = np.array([simulation.draw_ball(number).spin for number, simulation in enumerate(drawn)])
    assert np.abs(spins.mean(axis=0) - learnt.spin.mean).max() < 1.0  # type: ignore[union-attr]
    assert spins.std(axis=0) == pytest.approx(learnt.spin.deviation, rel=0.15)  # type: ignore[union-attr]
    bounces = [simulation.ball.table_restitution for simulation in drawn]
    assert np.mean(bounces) == pytest.approx(0.8, abs=0.001)
    assert np.std(bounces) == pytest.approx(0.005, rel=0.15)
    told, untold = rehearsal.play(NEUTRAL, learnt), rehearsal.play(NEUTRAL)
    assert told.landed >= 7
    assert told.trials != untold.trials


def test_a_proposal_is_rehearsed_with_what_the_trials_before_it_taught(rehearsal: Rehearsal) -> None:
    arm_itself = TableTennis(*arm_cell(rehearsal.config))
    before = [arm_itself.run(NEUTRAL, seed) for seed in range(6)]
    case = replace(case_of(NEUTRAL), version=7, history=before)
    learnt = to_expect(before, 7)
    assert learnt.spin is not None
    assert rehearsal.judge(case).figures == rehearsal.play(NEUTRAL, learnt).as_json()


# What is refused.


def test_parameters_that_return_nothing_are_refused(rehearsal: Rehearsal) -> None:
    case = case_of(WEAK)
    verdict = rehearsal.judge(case)
    assert not verdict.passed
    assert verdict.reason == "8 of 8 simulated balls did not land on the opponent's half, and 2 may"
    told = kept_back_text(KeptBack(case.proposal, verdict.gate, bool(verdict.by), verdict.reason))
    assert '0.600 0.600' in told
    assert 'The rehearsal refused' in told


def test_where_a_near_policy_landed_on_the_arm_as_many_may_miss_as_with_it_and_one_more() -> None:
    config = RehearsalConfig(most_misses=0, clearance=0.0)
    gate, poor, poorer = Rehearsal(config), POOR, SPACE.at((1.0, 1.0, 0.66, 0.7, 0.7, 1.34, 0.7, 1.0))
    misses, more = (8 - gate.play(each).landed for each in (poor, poorer))
    assert 1 <= misses < misses + 1 < more <= 7, (
        'choose parameters that return some balls, and others that do not'
    )
    own = landed_with(poor, number=3)
    assert not gate.judge(case_of(poor)).passed
    passed = gate.judge(replace(case_of(poor), history=[landed_with(NEUTRAL, number=2), own]))
    assert passed.passed
    assert (
        f'{8 - misses} of 8 balls landed in simulation, {8 - misses} of trial 3, which landed'
        in passed.reason
    )
    verdict = gate.judge(replace(case_of(poorer), history=[own]))
    assert not verdict.passed
    assert f'{misses + 1} may; with trial 3, which landed on the arm, {misses} did not' in verdict.reason
    failed = replace(own, outcome=Outcome.OUT, succeeded=False)
    assert not gate.judge(replace(case_of(poor), history=[failed])).passed


def test_a_policy_that_landed_excuses_nothing_but_misses() -> None:
    gate = Rehearsal(RehearsalConfig(most_misses=0, clearance=0.25))
    verdict = gate.judge(replace(case_of(NEUTRAL), history=[landed_with(NEUTRAL, number=1)]))
    assert not verdict.passed
    assert 'the arm came within' in verdict.reason


def test_so_many_misses_are_allowed_and_not_one_more() -> None:
    poor = POOR
    config = RehearsalConfig(most_misses=7, clearance=0.0)
    misses = 8 - Rehearsal(config).play(poor).landed
    assert 1 <= misses <= 7, 'choose parameters that return some balls'
    for allowed, refused in ((misses, False), (misses - 1, True)):
        result = Rehearsal(replace(config, most_misses=allowed)).play(poor)
        assert bool(result.refused) is refused


def test_each_margin_refuses_what_comes_nearer(neutral: RehearsalResult) -> None:
    two = neutral.trials[:2]
    near, joint = min(t.clearance for t in two), min(t.joint_clearance for t in two)
    assert refusal(clearance=near - 1e-6, joint_margin=joint - 1e-9) == ''
    assert f'the arm came within {near:.3f} m' in refusal(clearance=near + 1e-6)
    assert 'blade to the table' in refusal(clearance=near + 1e-6)
    assert f'came within {joint:.2%} of its range' in refusal(joint_margin=joint + 1e-9)


PROGRAMS = {
    'in order': ('return [1.0] * 8 + [0.0] * 8', ''),
    'far beyond its envelope': ('return [0.0] * 8 + [-9.0] * 8', 'did not land'),
    'failing': (
        'return obs[99]',
        'ball 1 of 2 the constants held: the program failed (act raised IndexError',
    ),
    'of another kind': ('return "fast"', 'the constants held: the program gave no sixteen numbers'),
}


@pytest.mark.parametrize('name', PROGRAMS)
def test_a_program_is_rehearsed_in_the_sandbox_with_balls_that_vary(name: str) -> None:
    act, refused = PROGRAMS[name]
    program = Program(f'class Policy:\n    def act(self, obs):\n        {act}\n', 'Policy')
    config = RehearsalConfig(trials=2, most_misses=1, balls='rally', joint_margin=RALLY_MARGIN)
    rehearsal = Rehearsal(config)
    assert rehearsal.physics(1).draw_ball(1) != rehearsal.physics(2).draw_ball(2)
    result = rehearsal.play(program)
    assert refused in result.refused
    assert (name == 'in order') is (not result.refused), result.refused


def test_long_saturation_is_refused() -> None:
    seconds = Rehearsal(RehearsalConfig(trials=2, most_misses=1)).play(FAST).saturation
    assert seconds >= 0.04, 'choose parameters that reach a velocity limit'
    assert 'velocity limit' not in refusal(FAST, longest_saturation=seconds)
    assert f'at a velocity limit for {seconds:.2f} s' in refusal(FAST, longest_saturation=seconds - 0.004)


def test_touch_of_the_table_is_the_gravest_fault() -> None:
    """No parameters within the bounds do so: the blade is put where it must not be."""
    rehearsal = Rehearsal(RehearsalConfig(trials=1, most_misses=0))
    task, simulator = rehearsal._task(1)
    rehearsal._tasks.append((task, simulator))
    launch = simulator.launch

    def launch_inside(seed: int) -> None:
        launch(seed)
        simulator.data.qpos[:8] = simulator.data.act[:8] = (0.1, 0.49, -0.49, 1.03, 0.76, -0.8, -0.76, 1.29)

    simulator.launch = launch_inside  # type: ignore[method-assign]
    refused = rehearsal.play(NEUTRAL).refused
    assert refused.startswith('in simulated ball 1 of 1 ')
    assert 'touched' in refused


# How it is measured.


def test_watching_changes_no_trial() -> None:
    simulation = SimulationConfig(latency=Latency.published(), camera_noise=0.003)
    plain, watched = TableTennis(simulation), TableTennis(simulation)
    watched.simulator = WatchedSimulator(simulation)
    one = plain.run(NEUTRAL, 3)
    for _ in range(2):  # and neither does having watched
        other = watched.run(NEUTRAL, 3)
        assert watched.simulator.margins().clearance < FARTHEST
        assert landing_of(one) == landing_of(other)
        assert one.samples.joint_position.tobytes() == other.samples.joint_position.tobytes()


def test_clearance_of_the_ready_pose_is_that_of_the_blade_over_the_table() -> None:
    """Measured anew: the distance of points on the blade's rim to the table's box."""
    simulator = WatchedSimulator()
    simulator.launch(0)
    simulator.step(np.zeros(8))
    data = mujoco.MjData(simulator.model)
    data.qpos[:8] = HOME
    mujoco.mj_kinematics(simulator.model, data)
    blade = simulator.model.geom('blade').id
    turn, centre = data.geom_xmat[blade].reshape(3, 3), data.geom_xpos[blade]
    angle = np.linspace(0.0, 2.0 * np.pi, 720)
    rim = [
        centre
        + turn @ (arm.BLADE_RADIUS * np.cos(a), arm.BLADE_RADIUS * np.sin(a), side * arm.BLADE_THICKNESS / 2)
        for a in angle
        for side in (-1, 1)
    ]
    beyond = [np.maximum(np.abs(point - (0.0, 0.0, -0.015)) - (0.7625, 1.37, 0.015), 0.0) for point in rim]
    distance = min(float(np.linalg.norm(gap)) for gap in beyond)
    margins = simulator.margins()
    if distance < FARTHEST:
        assert margins.clearance == pytest.approx(distance, abs=2e-3)
        assert margins.nearest == 'blade to the table'
    else:
        assert margins.clearance == FARTHEST


def test_joint_clearance_is_a_share_of_the_range() -> None:
    simulator = WatchedSimulator()
    simulator.launch(0)
    simulator.step(np.zeros(8))
    shares = [min(q - j.low, j.high - q) / (j.high - j.low) for q, j in zip(HOME, arm.ARM, strict=True)]
    margins = simulator.margins()
    assert margins.joint_clearance == pytest.approx(min(shares), abs=1e-3)
    assert margins.nearest_joint == arm.ARM[int(np.argmin(shares))].name


# What is rehearsed is what runs on the arm.


def guarded(**settings: Any) -> GuardedTableTennis:
    """On the simulated arm without delays and noise."""
    guard = GuardSettings(**settings)
    return GuardedTableTennis(make_simulator(in_cycles(SimulationConfig(), guard.inner_loop)), guard=guard)


def same(one: TraceSamples, other: TraceSamples) -> bool:
    names = ('ball_position', 'joint_position', 'requested_velocity', 'applied_velocity')
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_guarded_task_returns_balls_and_gives_the_same_trace_again() -> None:
    task = guarded()
    first = task.run(NEUTRAL, 0)
    assert first.succeeded
    assert not task.fault
    other = guarded()
    other.run(WEAK, 1)
    assert same(first.samples, other.run(NEUTRAL, 0).samples)


def test_guarded_task_keeps_what_the_safety_stage_keeps_and_tells_what_it_held_back() -> None:
    task, limits = guarded(), SafetyLimits()
    task.run(FAST, 0)
    assert np.all(np.abs(task.sent) <= limits.velocity)
    change = np.abs(np.diff(task.sent, axis=0)) / 0.004
    assert np.all(change <= np.array(limits.acceleration) * (1.0 + 1e-9))
    assert 0 < task.limited <= sum(task.rules.values())
    assert max(task.rules.values()) <= task.limited < len(task.sent)
    wide = SafetyLimits(
        velocity=tuple(joint.speed for joint in arm.ARM), acceleration=(900.0,) * 8, jerk=(9e5,) * 8
    )
    free = guarded(safety=wide)
    free.run(FAST, 0)
    assert free.limited < task.limited


def test_trace_tells_what_was_really_sent() -> None:
    task = guarded()
    applied = task.run(NEUTRAL, 0).samples.applied_velocity
    assert np.abs(applied).max() > 1.0
    for number in range(1, len(applied)):
        # In a control period, five velocities were at work: the last one of the period before, and four of its own.
        at_work = task.sent[5 * number - 1 : 5 * number + 4]
        assert applied[number] == pytest.approx(at_work.mean(axis=0), abs=1e-12)


def test_slow_group_of_drives_holds_its_command() -> None:
    """At 50 Hz the slides get every fifth velocity, and the ball is met a little elsewhere."""
    even, slow = guarded(), guarded(inner_loop=InnerLoopSettings(gantry_rate=50.0))
    one, other = even.run(NEUTRAL, 0), slow.run(NEUTRAL, 0)
    assert other.succeeded
    assert not same(one.samples, other.samples)


def test_arm_that_the_watchdog_stops_is_told_and_refused() -> None:
    impatient = WatchdogSettings(frozen_time=0.05, frozen_way=0.01)  # shorter than the delays of this arm
    settings = replace(
        read_settings(CONFIG / 'hardware.yaml', ControllerSettings, 'controller'), watchdog=impatient
    )
    result = Rehearsal(RehearsalConfig(trials=2, most_misses=1), arm=settings).play(NEUTRAL)
    assert 'its encoder shows no motion' in result.trials[0].fault
    assert result.refused.startswith('in simulated ball 1 of 2 the watchdog stopped the arm: ')


def test_verdict_tells_how_much_the_safety_stage_held_back(neutral: RehearsalResult) -> None:
    assert 0.0 < neutral.limited < 0.1
    assert f'the safety stage changed {neutral.limited:.0%} of the commands (most: ' in neutral.sentence
    figures = neutral.as_json()
    assert figures['limited'] == neutral.limited
    assert figures['rules'] == neutral.rules
    assert set(neutral.rules) <= {'speed', 'soft_zone', 'acceleration', 'jerk', 'position', 'workspace'}
    assert Rehearsal(RehearsalConfig()).play(FAST).limited > 1.5 * neutral.limited


def test_arm_without_a_file_is_that_of_the_package(rehearsal: Rehearsal) -> None:
    limits = CONFIG / 'safety.yaml'
    assert rehearsal.arm == read_settings(CONFIG / 'hardware.yaml', ControllerSettings, 'controller', limits)


def own_arm(folder: Path, **changed: Any) -> RehearsalConfig:
    """A lab's own copies of both files; ``changed`` as in ``controller__latency__arm_action``."""
    paths = {}
    for name in ('hardware', 'safety'):
        content = yaml.safe_load((CONFIG / f'{name}.yaml').read_text())
        for key, value in changed.items():
            tree = content['/**/controller']['ros__parameters']
            *way, last = key.split('__')
            if way[0] in tree:
                for part in way:
                    tree = tree[part]
                tree[last] = value
        paths[name] = folder / f'{name}.yaml'
        paths[name].write_text(yaml.safe_dump(content))
    return RehearsalConfig(
        config=str(paths['hardware']), safety=str(paths['safety']), trials=2, most_misses=1
    )


def test_own_files_of_the_arm_are_what_is_rehearsed(tmp_path: Path) -> None:
    limits = [0.6 * value for value in SafetyLimits().velocity]
    config = own_arm(
        tmp_path, controller__latency__arm_action=0.1, controller__period=0.01, inner_loop__rate=500.0,
        inner_loop__gantry_rate=250.0, inner_loop__arm_rate=500.0, safety__velocity=limits,
    )  # fmt: skip
    rehearsal = Rehearsal(config)
    assert rehearsal.arm.safety.velocity == tuple(limits)
    assert rehearsal.physics(1).latency.arm_action == 0.1
    assert rehearsal.physics(1).latency.arm_action_spread == pytest.approx(0.0057 / 0.071 * 0.1)
    task, simulator = rehearsal._task(1)
    assert simulator.config.control_period == 0.002
    trace = task.run(NEUTRAL, 1)
    assert np.all(np.abs(task.sent) <= limits)
    assert np.median(np.diff(trace.samples.joint_time)) == pytest.approx(0.01)


def test_limits_too_low_for_a_stroke_refuse_what_passes_without_them(
    tmp_path: Path, neutral: RehearsalResult
) -> None:
    result = Rehearsal(own_arm(tmp_path, safety__acceleration=[5.0] * 8)).play(NEUTRAL)
    assert not neutral.refused
    assert result.refused
    assert result.limited > 0.3


@pytest.mark.parametrize(
    ('changed', 'said'),
    [
        ({'safety__velocity': [1.0] * 7}, 'velocity must have 8 numbers'),
        ({'safety__blade_high': [1.6, -1.7, 0.8]}, 'ready pose'),
        ({'controller__latency__arm_action': 3.0}, 'every delay must be between 0 and 0.3 s'),
        ({'controller__perid': 0.02}, 'did you mean controller.period'),
    ],
)
def test_files_that_the_controller_would_refuse_are_refused_at_the_start(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    config = own_arm(tmp_path, **changed)
    with pytest.raises(SettingsError, match=said) as error:
        Rehearsal(config)
    assert str(error.value).startswith('rehearsal')
    assert '\n' not in str(error.value)


def test_file_that_is_missing_or_for_one_namespace_only_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r'cannot be read .*name an existing YAML file'):
        Rehearsal(RehearsalConfig(config=str(tmp_path / 'none.yaml')))
    text = (CONFIG / 'hardware.yaml').read_text().replace('/**/controller:', '/lab/controller:')
    (tmp_path / 'lab.yaml').write_text(text)
    with pytest.raises(
        SettingsError, match='"/lab/controller" is for one namespace only; write "/\\*\\*/controller"'
    ):
        Rehearsal(RehearsalConfig(config=str(tmp_path / 'lab.yaml')))


# Settings.


@pytest.mark.parametrize(
    ('name', 'value', 'said'),
    [
        ('trials', 0, 'trials must be from 1 to 1000'),
        ('most_misses', 8, 'most_misses from 0 to one less than trials'),
        ('clearance', 0.3, 'clearance must be between 0 and 0.25 m'),
        ('joint_margin', -0.1, 'joint_margin must be between 0 and 0.2'),
        ('longest_saturation', -1.0, 'longest_saturation must be between 0 and 3 s'),
        ('position_spread', -0.1, 'must not be negative'),
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(name: str, value: float, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        from_mapping(OptimizerSettings, {f'rehearsal.{name}': value}, 'optimizer')
