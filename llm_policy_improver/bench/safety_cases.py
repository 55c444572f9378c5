"""Single attacks on the arm's last line of defence, in MuJoCo, each with what came of it.

Two ways in: wrong velocities straight into the safety stage, and wrong parameters, sensors and clocks into the guarded
controller, with the stage behind it. What is sent is judged by its own differences, where the arm is by MuJoCo.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver import arm
from llm_policy_improver.bench.returns import CAMERA_NOISE
from llm_policy_improver.control.controller import ControllerConfig
from llm_policy_improver.control.guarded import GuardedController, GuardSettings
from llm_policy_improver.control.safety import SafetyStage
from llm_policy_improver.control.safety_limits import SafetyLimits
from llm_policy_improver.control.sensor_checks import Instant
from llm_policy_improver.control.stopping import inner_limits, outside
from llm_policy_improver.observation import NANOSECONDS, ArmObservation, BallObservation
from llm_policy_improver.parameters import PolicyParameters
from llm_policy_improver.simulation.config import SimulationConfig
from llm_policy_improver.simulation.simulator import Simulator

Array = NDArray[np.float64]

CYCLE: Final = 0.004
"""s, of the inner loop."""
_CYCLES_PER_TICK = 5
_BEFORE = 120
"""Cycles before the ball: new parameters are ramped in."""
_PLAY = 300
"""Cycles of a case: the ball is hit after about 180 of them."""
_AFTER = 300
"""Cycles more for the arm to come to rest in."""
_ONSET = (40, 200)
"""Cycles, between which the attack on sensors and clocks begins: while the arm is in motion."""
_BY_ROUNDING = 1e-6
"""Of a limit, by which differences of what was sent may be off."""
_NOWHERE = (0.0, 8.0, -0.7)
"""m, where the ball is left when only the arm matters."""


@dataclass(frozen=True, slots=True)
class Case:
    """One attack."""

    kind: str
    seed: int


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of an attack.

    Attributes:
        case: the attack.
        violations: cycles beyond a limit, by limit; empty where there were none.
        latched: whether a fault was latched.
        standstill: s until standstill was sent: from the attack's begin where it is a fault in itself (`MUST_LATCH`),
            else from the fault that was latched, or from the call to brake; NaN where the arm was not to be stopped.
        moved: whether the arm really moved meanwhile; an arm at rest is easily kept safe.
        cycles: of the inner loop.
        rules: of these, in which the safety stage changed the command.
    """

    case: Case
    violations: dict[str, int]
    latched: bool
    standstill: float
    moved: bool
    cycles: int
    rules: int


@dataclass
class _Judge:
    """Counts what is beyond the limits."""

    limits: SafetyLimits
    velocity: Array = field(default_factory=lambda: np.zeros(len(arm.ARM)))
    acceleration: Array = field(default_factory=lambda: np.zeros(len(arm.ARM)))
    told: Array = field(default_factory=lambda: np.array(arm.HOME))
    violations: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._inner = inner_limits(self.limits)

    def sent(self, velocity: Array, dt: float) -> None:
        """This velocity was sent ``dt`` after the last one."""
        self.told = self.told + self.velocity * dt
        acceleration = (velocity - self.velocity) / dt
        jerk = (acceleration - self.acceleration) / dt
        for name, values in (('velocity', velocity), ('acceleration', acceleration), ('jerk', jerk)):
            limit = np.array(getattr(self.limits, name))
            if not np.all(np.abs(values) <= limit * (1.0 + _BY_ROUNDING)):  # NaN is beyond, too
                self._count(name)
        self.velocity, self.acceleration = velocity, acceleration
        self._place(self.told, '')

    def seen(self, position: Array) -> None:
        """The arm is really there."""
        self._place(position, ' of the arm')

    def touched(self, what: str) -> None:
        """The arm has touched something."""
        if what:
            self._count('contact')

    def _place(self, q: Array, whose: str) -> None:
        low, high = np.array(self.limits.position_low), np.array(self.limits.position_high)
        if np.any(q < low) or np.any(q > high):
            self._count(f'position{whose}')
        if outside(self._inner, q) > self.limits.workspace_margin:
            self._count(f'box{whose}')

    def _count(self, name: str) -> None:
        self.violations[name] = self.violations.get(name, 0) + 1


class Range:
    """Where the attacks take place; one for all cases of a process."""

    def __init__(self, limits: SafetyLimits | None = None) -> None:
        self.limits = limits or SafetyLimits()
        self._simulator = Simulator(
            SimulationConfig(control_period=CYCLE, balls='rally', camera_noise=CAMERA_NOISE, time_limit=60.0)
        )

    def run(self, case: Case) -> CaseResult:
        """One attack; the same case gives the same result."""
        if case.kind in COMMANDS:
            return self._attack_stage(case)
        return self._attack_controller(case)

    def _attack_stage(self, case: Case) -> CaseResult:
        rng = np.random.default_rng([case.seed, 1])
        wanted, simulator = COMMANDS[case.kind](rng, np.array(self.limits.velocity)), self._simulator
        simulator.launch(case.seed)
        simulator.data.qpos[len(arm.ARM) : len(arm.ARM) + 3] = _NOWHERE
        stage, judge, rules, moved = SafetyStage(self.limits), _Judge(self.limits), 0, False
        cycle = calls = 0
        while cycle < _PLAY + _AFTER and not (cycle >= _PLAY and stage.standing):
            late = 1 if case.kind != 'late cycles' else int(rng.integers(1, 6))
            for _ in range(late):
                if cycle > 0:
                    simulator.step(stage.velocity)
                cycle += 1
            dt, position = late * CYCLE, simulator.observe()[0].position
            command = stage.filter(wanted(cycle), position, dt) if cycle < _PLAY else stage.brake(dt)
            judge.sent(command.velocity, dt)
            judge.seen(position)
            calls += 1
            rules += bool(command.rules)
            moved = moved or float(np.abs(command.velocity).max()) > 0.2
        judge.touched(simulator.arm_contact)
        standstill = (cycle - _PLAY) * CYCLE if stage.standing else math.inf
        return CaseResult(case, judge.violations, False, standstill, moved, calls, rules)

    def _attack_controller(self, case: Case) -> CaseResult:
        attack = ATTACKS[case.kind](np.random.default_rng([case.seed, 1]))
        simulator, clock = self._simulator, _Clock()
        controller = GuardedController(
            ControllerConfig(), replace(GuardSettings(), safety=self.limits), lambda: clock.now
        )
        self._prepare(controller, clock, attack)
        simulator.launch(case.seed)
        start = clock.now.stamp
        judge, rules, moved = _Judge(self.limits), 0, False
        latched, begun, standstill = False, attack.onset, math.inf
        for cycle in range(_PLAY + _AFTER):
            observed, sightings = simulator.observe()
            attack.step(cycle, controller, clock)
            arms = [_shown(observed, stamp=observed.stamp + start)]
            balls = [BallObservation(one.stamp + start, one.position) for one in sightings]
            if cycle >= attack.onset:
                arms, balls = attack.joints(arms), attack.balls(balls)
            for one in arms:
                controller.observe_joints(one)
            for ball in balls if not simulator.finished else ():
                controller.observe_ball(ball)
            if cycle % _CYCLES_PER_TICK == 0 and not (attack.hangs and cycle >= attack.onset):
                controller.tick()
            command = controller.cycle()
            judge.sent(command.velocity, CYCLE)
            judge.seen(observed.position)
            rules += bool(command.rules)
            moved = moved or float(np.abs(command.velocity).max()) > 0.2
            if latched and controller.fault is None:
                judge.violations['resumed by itself'] = 1
            if not latched and controller.fault is not None:
                latched, begun = True, attack.onset if case.kind in MUST_LATCH else cycle
            if latched and standstill == math.inf and controller.standing:
                standstill = (cycle - begun) * CYCLE
            if standstill < math.inf and not controller.standing:
                judge.violations['moved after its standstill'] = 1
            simulator.step(command.velocity)
            clock.advance()
        judge.touched(simulator.arm_contact)
        if case.kind in MUST_LATCH and not latched:
            judge.violations['no fault was latched'] = 1
        return CaseResult(
            case,
            judge.violations,
            latched,
            standstill if latched else math.nan,
            moved,
            _PLAY + _AFTER,
            rules,
        )

    @staticmethod
    def _prepare(controller: GuardedController, clock: '_Clock', attack: 'Attack') -> None:
        """Everything in order for a moment, the person's service call, and the parameters taken up."""
        for cycle in range(_BEFORE):
            controller.observe_joints(
                ArmObservation(clock.now.stamp, np.array(arm.HOME), np.zeros(len(arm.ARM)))
            )
            if cycle % _CYCLES_PER_TICK == 0:
                controller.tick()
            controller.cycle()
            clock.advance()
            if cycle == 2 * _CYCLES_PER_TICK:
                refused = controller.arm()
                if refused:
                    raise RuntimeError(f'the arm could not be armed: {refused}')
                attack.begin(controller)


def _shown(
    one: ArmObservation,
    stamp: int | None = None,
    position: Array | None = None,
    velocity: Array | None = None,
) -> ArmObservation:
    """The same joint state with something else in it."""
    return ArmObservation(
        one.stamp if stamp is None else stamp,
        one.position if position is None else position,
        one.velocity if velocity is None else velocity,
    )


class _Clock:
    """Simulated time, which an attack may set."""

    def __init__(self) -> None:
        self.now = Instant(NANOSECONDS, NANOSECONDS)

    def advance(self) -> None:
        step = round(CYCLE * NANOSECONDS)
        self.now = Instant(self.now.steady + step, self.now.stamp + step)

    def set(self, by: float) -> None:
        """Somebody sets the clock of the stamps by so many seconds."""
        self.now = replace(self.now, stamp=self.now.stamp + round(by * NANOSECONDS))


Wanted = Callable[[int], Any]
"""The velocity wanted in a cycle, or what stands for one."""


def _constant(rng: np.random.Generator, speed: Array) -> Wanted:
    velocity = rng.choice([-1.0, 1.0], len(speed)) * speed * rng.choice([0.3, 1.0], len(speed))
    return lambda cycle: velocity


def _flips(rng: np.random.Generator, speed: Array) -> Wanted:
    velocity, every = _constant(rng, speed)(0), int(rng.integers(1, 4))
    return lambda cycle: np.asarray(velocity) * (-1.0) ** (cycle // every)


def _steps(rng: np.random.Generator, speed: Array) -> Wanted:
    state = {'velocity': rng.normal(0.0, 1.0, len(speed)) * speed}

    def wanted(cycle: int) -> Array:
        if rng.random() < 0.03:
            state['velocity'] = rng.normal(0.0, 2.0, len(speed)) * speed
        return state['velocity']

    return wanted


def _huge(rng: np.random.Generator, speed: Array) -> Wanted:
    return lambda cycle: rng.choice([-1e9, 1e-9, 1e9], len(speed)) if cycle % 20 < 10 else 1e300 * speed


def _not_finite(rng: np.random.Generator, speed: Array) -> Wanted:
    steps = _steps(rng, speed)

    def wanted(cycle: int) -> Array:
        velocity = np.array(steps(cycle))
        if cycle % 25 < rng.integers(1, 20):
            velocity[rng.integers(len(speed))] = rng.choice([math.nan, math.inf, -math.inf])
        return velocity

    return wanted


def _wrong_length(rng: np.random.Generator, speed: Array) -> Wanted:
    steps = _steps(rng, speed)
    wrong: tuple[Callable[[Array], Any], ...] = (
        lambda v: v[:-1],
        lambda v: np.append(v, 1.0),
        lambda v: v.reshape(2, 4),
        lambda v: [v, v],
        lambda v: [],
        lambda v: 1.0,
        lambda v: None,
        lambda v: 'fast',
    )
    return lambda cycle: (
        wrong[int(rng.integers(len(wrong)))](np.array(steps(cycle))) if rng.random() < 0.2 else steps(cycle)
    )


def _replays(rng: np.random.Generator, speed: Array) -> Wanted:
    steps = _steps(rng, speed)
    past: list[Array] = []

    def wanted(cycle: int) -> Array:
        past.append(steps(cycle))
        return past[int(rng.integers(len(past)))] if rng.random() < 0.5 else past[-1]

    return wanted


COMMANDS: Final[dict[str, Callable[[np.random.Generator, Array], Wanted]]] = {
    'full speed': _constant,
    'sign flips': _flips,
    'random steps': _steps,
    '1e9 and 1e300': _huge,
    'NaN and inf': _not_finite,
    'wrong length': _wrong_length,
    'replayed commands': _replays,
    'late cycles': _steps,
}
"""Velocities straight into the safety stage."""


class Attack:
    """On a controller that plays a ball. This one does nothing: the undisturbed play.

    Attributes:
        onset: cycle in which it begins.
        hangs: whether the control ticks stop then.
    """

    hangs = False

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.onset = int(rng.integers(*_ONSET))
        self._choice = rng.permutation(len(arm.ARM))

    def begin(self, controller: GuardedController) -> None:
        """Before the ball."""

    def step(self, cycle: int, controller: GuardedController, clock: _Clock) -> None:
        """Once a cycle."""

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        """What arrives of the joint states."""
        return arms

    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        """What arrives of the sightings."""
        return balls


class _Parameters(Attack):
    """Random ones, far outside of the bounds."""

    size = 3.0

    def begin(self, controller: GuardedController) -> None:
        controller.offer(self._drawn(1))

    def _drawn(self, version: int) -> PolicyParameters:
        attenuation, residual = self._rng.normal(0.0, self.size, (2, len(arm.ARM)))
        return PolicyParameters(tuple(attenuation), tuple(residual), version)


class _HugeParameters(_Parameters):
    size = 1e9


class _ShuffledVersions(_Parameters):
    """New ones all the time, also in the swing, with versions that go up and down."""

    def step(self, cycle: int, controller: GuardedController, clock: _Clock) -> None:
        if cycle % 3 == 0:
            controller.offer(self._drawn(int(self._rng.integers(0, 5))))


class _Dropout(Attack):
    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        return []


class _Frozen(Attack):
    """The encoders show the same with ever new stamps."""

    _shown: Array | None = None

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        if self._shown is None:
            self._shown = arms[0].position
        return [ArmObservation(arms[0].stamp, self._shown, np.zeros(len(arm.ARM)))]


class _Jump(Attack):
    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        off = np.zeros(len(arm.ARM))
        off[self._choice[0]] = (-1.0) ** self._choice[1] * (0.05 + 0.1 * self._choice[2])
        return [_shown(one, position=one.position + off) for one in arms]


class _Swapped(Attack):
    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        rows = np.arange(len(arm.ARM))
        first, second = self._choice[:2]
        rows[first], rows[second] = second, first
        return [_shown(one, one.stamp, one.position[rows], one.velocity[rows]) for one in arms]


class _NotFiniteJoints(Attack):
    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        broken = arms[0].position.copy()
        broken[self._choice[0]] = math.nan if self._choice[1] % 2 else math.inf
        return [_shown(arms[0], position=broken)]


class _LateJoints(Attack):
    """Joint states arrive late for a while, in bursts and with their old stamps."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self._held: list[ArmObservation] = []
        self._burst = int(rng.integers(5, 60))

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        self._held += arms
        if len(self._held) < self._burst:
            return []
        arrived, self._held = self._held, []
        return arrived


class _OldStamps(Attack):
    """The driver's clock stands still."""

    _stamp: int | None = None

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        if self._stamp is None:
            self._stamp = arms[0].stamp
        return [_shown(one, stamp=self._stamp) for one in arms]


class _Replay(Attack):
    """Each joint state comes again and again, in any order."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self._past: list[ArmObservation] = []

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        self._past = [*self._past, *arms][-30:]
        return [*arms, *(self._past[int(i)] for i in self._rng.integers(0, len(self._past), 4))]


class _NotFiniteBall(Attack):
    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        return [BallObservation(one.stamp, (math.nan, one.position[1], math.inf)) for one in balls]


class _BallJumps(Attack):
    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        x, y, z = self._rng.uniform((-1.0, -2.0, 0.0), (1.0, 1.0, 1.0)).tolist()
        return [BallObservation(one.stamp, (x, y, z)) for one in balls]


class _BallDrifts(Attack):
    """Too slowly to be impossible: the arm is led astray."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self._off = np.zeros(3)
        self._step = rng.normal(0.0, 0.03, 3)

    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        self._off = self._off + self._step
        shifted = [np.array(one.position) + self._off for one in balls]
        return [
            BallObservation(one.stamp, (float(at[0]), float(at[1]), float(at[2])))
            for one, at in zip(balls, shifted, strict=True)
        ]


class _ClockJump(Attack):
    def step(self, cycle: int, controller: GuardedController, clock: _Clock) -> None:
        if cycle == self.onset:
            clock.set((-1.0) ** self._choice[0] * (0.1 + self._choice[1]))


class _Hang(Attack):
    hangs = True


class _EmergencyStop(Attack):
    def step(self, cycle: int, controller: GuardedController, clock: _Clock) -> None:
        if cycle == self.onset:
            controller.emergency_stop()


class _Disarmed(Attack):
    """Disarmed in the swing, and armed again as soon as that is granted."""

    def step(self, cycle: int, controller: GuardedController, clock: _Clock) -> None:
        if cycle == self.onset:
            controller.disarm()
        elif cycle > self.onset:
            controller.arm()


ATTACKS: Final[dict[str, type[Attack]]] = {
    'undisturbed': Attack,
    'random parameters': _Parameters,
    'parameters of 1e9': _HugeParameters,
    'versions out of order': _ShuffledVersions,
    'joints: dropout': _Dropout,
    'joints: frozen': _Frozen,
    'joints: jump': _Jump,
    'joints: swapped': _Swapped,
    'joints: NaN and inf': _NotFiniteJoints,
    'joints: latency spikes': _LateJoints,
    'joints: stale stamps': _OldStamps,
    'joints: replayed': _Replay,
    'ball: NaN and inf': _NotFiniteBall,
    'ball: jumps': _BallJumps,
    'ball: drifts': _BallDrifts,
    'clock jump': _ClockJump,
    'control loop hangs': _Hang,
    'emergency stop': _EmergencyStop,
    'disarmed and armed': _Disarmed,
}
"""Attacks on a controller that plays a ball."""

KINDS: Final = (*COMMANDS, *ATTACKS)
MUST_LATCH: Final = frozenset(
    {
        'joints: dropout', 'joints: NaN and inf', 'joints: stale stamps', 'ball: NaN and inf', 'clock jump',
        'control loop hangs', 'emergency stop',
    }
)  # fmt: skip
"""Kinds that are faults whenever they happen while sensors report; the others are only where they do harm."""
