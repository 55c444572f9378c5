"""The controller is killed in mid-swing and started again, while the arm goes on with the last command.

Nobody steers for 0.2 to 3 s, so the arm may be anywhere by then, also where no controller could have stopped it in
time. What the new one must answer for is in `TakeoverJudge`.
"""

import math
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.bench.attacks.attack import Attack, Clock
from llm_policy_improver.table_tennis.bench.attacks.case import (
    CYCLE,
    CYCLES_PER_TICK,
    Array,
    Case,
    CaseResult,
)
from llm_policy_improver.table_tennis.bench.attacks.cell import Cell
from llm_policy_improver.table_tennis.bench.attacks.judge import Judge
from llm_policy_improver.table_tennis.bench.attacks.takeover_judge import TakeoverJudge
from llm_policy_improver.table_tennis.guard.guarded import GuardedController
from llm_policy_improver.table_tennis.guard.homing import NO_WAY_HOME
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, BallObservation
from llm_policy_improver.table_tennis.simulation.simulator import Simulator

_PAUSE: Final = (0.2, 3.0)
"""s between the end of one controller and the begin of the next."""
_WATCHED: Final = 0.9
"""s of a controller's life in which its takeover is judged: the slowest drive has caught up by then."""
_ASKING: Final = 2.0
"""s that a person goes on asking for an armed arm."""
_TO_HOME: Final = 8.0
"""s from the arming to the ready pose."""
_AT_HOME: Final = 0.02
"""m and rad."""


class Restart(Attack):
    """Killed once; the sensors are in order.

    Attributes:
        pauses: s between the end of one controller and the begin of the next, one for each kill.
        lives: s that each of the new controllers lives.
        silence: s of its life until joint states come that can be used; infinite: never.
        age: s since the begin of the controller; negative while there is none.
        armed: whether a person arms the arm afterwards.
    """

    armed = False

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.pauses, self.lives = [self._pause()], [_WATCHED]
        self.silence = 0.0
        self.age = -1.0

    def _pause(self) -> float:
        """Short ones are drawn more often: then the arm still moves."""
        low, high = np.log(_PAUSE)
        return float(np.exp(self._rng.uniform(low, high)))


class _KilledTwice(Restart):
    """The second one is killed while it brakes."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.pauses, self.lives = [*self.pauses, self._pause()], [float(rng.uniform(0.03, 0.1)), _WATCHED]


class _SensorsKilled(Restart):
    """The sensors' node dies, too, and is back in time for the new controller, or late, or too late."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        in_time = bool(rng.integers(2))
        patience = self.watchdog.joints_stale
        self.silence = float(
            rng.uniform(0.0, 0.7) * patience if in_time else rng.uniform(1.2, 5.0) * patience
        )

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        return arms if self.age >= self.silence else []

    def balls(self, balls: list[BallObservation]) -> list[BallObservation]:
        return balls if self.age >= self.silence else []


class _EncodersSilent(Restart):
    """No joint state comes any more, or none that can be used."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self.silence = math.inf
        self._how = int(rng.integers(3))

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        if self._how == 0:
            return []
        if self._how == 1:
            return [ArmObservation(one.stamp, one.position * math.nan, one.velocity) for one in arms]
        return [ArmObservation(one.stamp - NANOSECONDS, one.position, one.velocity) for one in arms]


class _Replayed(Restart):
    """The new one is given parameters of any version, and joint states of before its begin with those of now."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(rng)
        self._past: list[ArmObservation] = []

    def step(self, cycle: int, controller: GuardedController, clock: Clock) -> None:
        attenuation, residual = self._rng.normal(0.0, 3.0, (2, len(arm.ARM)))
        version = int(self._rng.integers(0, 5))
        controller.handover.offer(Modulation(tuple(attenuation), tuple(residual), version))

    def joints(self, arms: list[ArmObservation]) -> list[ArmObservation]:
        self._past = [*self._past, *arms][-50:]
        old = [self._past[int(i)] for i in self._rng.integers(0, len(self._past), 3)]
        return [*old, *arms, *old]


class _ThenArmed(Restart):
    """A person arms the arm afterwards, wherever it stands: it must find its way home, or say why it does not."""

    armed = True


RESTARTS: Final[dict[str, type[Restart]]] = {
    'controller killed': Restart,
    'controller killed twice': _KilledTwice,
    'controller and sensors killed': _SensorsKilled,
    'controller killed, no encoders': _EncodersSilent,
    'controller killed, all replayed': _Replayed,
    'controller killed, then armed': _ThenArmed,
}
"""Attacks on the controller's own life."""


class Resurrection:
    """One case, from the armed arm on."""

    def __init__(self, simulator: Simulator, limits: SafetyLimits, case: Case, attack: Restart) -> None:
        self._limits, self._case, self._attack = limits, case, attack
        self._cell = Cell(simulator, limits, attack, case.seed)
        self._violations: dict[str, int] = {}

    def run(self) -> CaseResult:
        """All of it."""
        self._play()
        moved, standstill = False, math.nan
        for pause, life in zip(self._attack.pauses, self._attack.lives, strict=True):
            self._leave_alone(pause)
            judge = self._take_over(life)
            moved, standstill = moved or judge.moved, judge.standstill
            self._add(judge.violations)
        if self._attack.armed:
            self._arm()
        cell, fault = self._cell, self._cell.controller.fault
        return CaseResult(
            self._case, self._violations, fault is not None, standstill, moved, cell.cycles, cell.rules
        )

    def _play(self) -> None:
        """The swing, until the controller is killed."""
        judge = Judge(self._limits)
        for cycle in range(self._attack.onset):
            position = self._step(cycle, judge)
            judge.seen(position)
        self._add(judge.violations)

    def _step(self, cycle: int, judge: Judge, in_sight: bool = True) -> Array:
        """One cycle with all sensors in order, with the ball in sight or not; where the arm (8,) was, m and rad."""
        arms, balls = self._cell.look()
        self._cell.deliver(arms, balls if in_sight else [])
        velocity = self._cell.decide(ticking=cycle % CYCLES_PER_TICK == 0)
        assert velocity is not None
        judge.sent(velocity, CYCLE)
        self._cell.go_on()
        return arms[0].position

    def _add(self, violations: dict[str, int]) -> None:
        for name, count in violations.items():
            self._violations[name] = self._violations.get(name, 0) + count

    def _leave_alone(self, pause: float) -> None:
        """No controller; the drives go on with the last command."""
        self._attack.age = -1.0
        for _ in range(round(pause / CYCLE)):
            arms, balls = self._cell.look()
            self._attack.joints(arms)
            self._attack.balls(balls)
            self._cell.go_on()

    def _take_over(self, life: float) -> TakeoverJudge:
        """A new controller, which nobody arms."""
        cell, attack = self._cell, self._attack
        cell.start_controller()
        judge = TakeoverJudge(self._limits, cell, attack.silence, attack.watchdog.joints_stale)
        for cycle in range(round(life / CYCLE)):
            attack.age = cycle * CYCLE
            arms, balls = cell.look()
            attack.step(cycle, cell.controller, cell.clock)
            cell.deliver(attack.joints(arms), attack.balls(balls))
            judge.cycle(cell.decide(ticking=cycle % CYCLES_PER_TICK == 0))
            cell.go_on()
        if life == attack.lives[-1]:
            judge.end()
        return judge

    def _arm(self) -> None:
        """The ball is taken away, and a person asks for the arm until it is armed; it goes home."""
        controller, refused = self._cell.controller, 'never asked'
        judge = Judge(self._limits)
        for cycle in range(round(_ASKING / CYCLE)):
            position = self._step(cycle, judge, in_sight=False)
            judge.begin_at_rest(position)
            refused = controller.arm()
            if not refused:
                break
        if refused:
            # MuJoCo's stiff joints may tremble at the end of their range: then they do move.
            trembles = np.abs(self._cell.recent[-1][1]).max() > self._attack.watchdog.standing
            if not (refused.startswith(NO_WAY_HOME) or (trembles and 'still moves' in refused)):
                judge.count(f'not armed: {refused}')
        elif not self._goes_home(judge):
            judge.count('not at home, and nothing said')
        self._add(judge.violations)

    def _goes_home(self, judge: Judge) -> bool:
        """Whether it gets there, or a fault says why not."""
        for cycle in range(round(_TO_HOME / CYCLE)):
            position = self._step(cycle, judge, in_sight=False)
            judge.seen(position)
            if self._cell.controller.fault is not None or np.abs(position - arm.HOME).max() < _AT_HOME:
                return True
        return False
