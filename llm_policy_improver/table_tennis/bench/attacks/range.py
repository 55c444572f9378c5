"""Runs attacks: on the safety stage, on a controller that plays a ball, and on one that is killed or made to pause."""

import math
from dataclasses import replace
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.bench.attacks.attack import Attack
from llm_policy_improver.table_tennis.bench.attacks.balls import BALLS
from llm_policy_improver.table_tennis.bench.attacks.case import (
    AFTER,
    CYCLE,
    CYCLES_PER_TICK,
    LONGEST_STANDSTILL,
    PLAY,
    Case,
    CaseResult,
)
from llm_policy_improver.table_tennis.bench.attacks.cell import Cell
from llm_policy_improver.table_tennis.bench.attacks.commands import COMMANDS
from llm_policy_improver.table_tennis.bench.attacks.interruptions import INTERRUPTIONS
from llm_policy_improver.table_tennis.bench.attacks.joints import JOINTS
from llm_policy_improver.table_tennis.bench.attacks.judge import Judge
from llm_policy_improver.table_tennis.bench.attacks.parameters import PARAMETERS
from llm_policy_improver.table_tennis.bench.attacks.pauses import KIND as PAUSES
from llm_policy_improver.table_tennis.bench.attacks.pauses import PausedPlay
from llm_policy_improver.table_tennis.bench.attacks.restarts import RESTARTS, Resurrection
from llm_policy_improver.table_tennis.cells import CAMERA_NOISE, noisy_cell
from llm_policy_improver.table_tennis.guard.safety import SafetyStage
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.delayed import DelayedSimulator
from llm_policy_improver.table_tennis.simulation.simulator import Simulator

_NOWHERE: Final = (0.0, 8.0, -0.7)
"""m, where the ball is left when only the arm matters."""

ATTACKS: Final[dict[str, type[Attack]]] = {
    'undisturbed': Attack, **PARAMETERS, **JOINTS, **BALLS, **INTERRUPTIONS
}  # fmt: skip
"""Attacks on a controller that plays a ball."""

KINDS: Final = (*COMMANDS, *ATTACKS, *RESTARTS)


class Range:
    """Where the attacks take place; one for all cases of a process."""

    def __init__(self, limits: SafetyLimits | None = None) -> None:
        self.limits = limits or SafetyLimits()
        self._simulator = Simulator(
            SimulationConfig(control_period=CYCLE, balls='rally', camera_noise=CAMERA_NOISE, time_limit=60.0)
        )
        self._delayed: Simulator | None = None

    def run(self, case: Case) -> CaseResult:
        """One attack; the same case gives the same result."""
        if case.kind in COMMANDS:
            return self._attack_stage(case)
        if case.kind == PAUSES:
            return self._pause(case)
        rng = np.random.default_rng([case.seed, 1])
        if case.kind in RESTARTS:
            return Resurrection(self._simulator, self.limits, case, RESTARTS[case.kind](rng)).run()
        return self._attack_controller(case, ATTACKS[case.kind](rng))

    def _pause(self, case: Case) -> CaseResult:
        """Every second arm has the published delays: its joints stop hearing of anything at different moments."""
        if case.seed % 2 == 0:
            return PausedPlay(self._simulator, self.limits, case).run()
        noisy, controller = noisy_cell('rally')
        if self._delayed is None:
            self._delayed = DelayedSimulator(replace(noisy, control_period=CYCLE, time_limit=60.0))
        return PausedPlay(self._delayed, self.limits, case, controller).run()

    def _attack_stage(self, case: Case) -> CaseResult:
        rng = np.random.default_rng([case.seed, 1])
        wanted, simulator = COMMANDS[case.kind](rng, np.array(self.limits.velocity)), self._simulator
        simulator.launch(case.seed)
        simulator.data.qpos[len(arm.ARM) : len(arm.ARM) + 3] = _NOWHERE
        stage, judge, rules, moved = SafetyStage(self.limits), Judge(self.limits), 0, False
        cycle = calls = 0
        while cycle < PLAY + AFTER and not (cycle >= PLAY and stage.standing):
            late = 1 if case.kind != 'late cycles' else int(rng.integers(1, 6))
            for _ in range(late):
                if cycle > 0:
                    simulator.step(stage.velocity)
                cycle += 1
            dt, position = late * CYCLE, simulator.observe()[0].position
            command = stage.filter(wanted(cycle), position, dt) if cycle < PLAY else stage.brake(dt)
            judge.sent(command.velocity, dt)
            judge.seen(position)
            calls += 1
            rules += bool(command.rules)
            moved = moved or float(np.abs(command.velocity).max()) > 0.2
        judge.touched(simulator.arm_contact)
        standstill = (cycle - PLAY) * CYCLE if stage.standing else math.inf
        if standstill > LONGEST_STANDSTILL:
            judge.count('stood still too late')
        return CaseResult(case, judge.violations, False, standstill, moved, calls, rules)

    def _attack_controller(self, case: Case, attack: Attack) -> CaseResult:
        cell, judge = Cell(self._simulator, self.limits, attack, case.seed), Judge(self.limits)
        controller, simulator = cell.controller, self._simulator
        latched, standstill = False, math.inf
        begun = attack.onset + round(attack.patience / CYCLE)
        for cycle in range(PLAY + AFTER):
            arms, balls = cell.look()
            position = arms[0].position
            attack.step(cycle, controller, cell.clock)
            if cycle >= attack.onset:
                arms, balls = attack.joints(arms), attack.balls(balls)
            cell.deliver(arms, balls)
            hangs = attack.hangs and cycle >= attack.onset
            velocity = cell.decide(ticking=cycle % CYCLES_PER_TICK == 0 and not hangs)
            assert velocity is not None
            judge.sent(velocity, CYCLE)
            judge.seen(position)
            if latched and controller.fault is None:
                judge.violations['resumed by itself'] = 1
            if not latched and controller.fault is not None:
                latched, begun = True, begun if attack.must_latch else cycle
            if latched and standstill == math.inf and controller.standing:
                standstill = (cycle - begun) * CYCLE
            if standstill < math.inf and not controller.standing:
                judge.violations['moved after its standstill'] = 1
            cell.go_on(attack.drives(cycle, velocity, simulator))
        judge.touched(simulator.arm_contact)
        if attack.must_latch and not latched:
            judge.violations['no fault was latched'] = 1
        if latched and standstill > LONGEST_STANDSTILL:
            judge.count('stood still too late')
        if not latched:
            standstill = math.nan
        return CaseResult(case, judge.violations, latched, standstill, cell.moved, cell.cycles, cell.rules)
