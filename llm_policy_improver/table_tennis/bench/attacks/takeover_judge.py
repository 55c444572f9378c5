"""Whether a controller that was just started takes over a moving arm as well as physics lets it.

The arm may be beyond every limit already, or too fast to be stopped before one. So the measure is an arm that is
braked at once, and as hard as the limits allow, from the state in which MuJoCo really has it (`Braking`): no joint may
go further than there, in either direction, and blade and forearm no further out, but for the inner margin. Where that
arm stays inside, this is the rule for every other case: nothing beyond range or box, no touch. Where an arm has
touched the table that nobody could have stopped before it, only what is sent is judged from then on.
"""

import math
from typing import Final

import numpy as np

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.bench.attacks.braking import Braking
from llm_policy_improver.table_tennis.bench.attacks.case import CYCLE, Array
from llm_policy_improver.table_tennis.bench.attacks.cell import Cell
from llm_policy_improver.table_tennis.bench.attacks.judge import BY_ROUNDING, MOVING
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.guard.watchdog import WatchdogState
from llm_policy_improver.table_tennis.guard.workspace import inner_limits, outside

_FINDING: Final = 0.028
"""s that a controller needs from the first joint state to its first command: the next one, a little later."""
_MEASURED: Final = 0.03
"""m/s and rad/s by which the first command may be off how the joints moved just now, beside one step of jerk."""
_SHAKEN: Final = 0.02
"""m and rad by which joints in motion shake each other."""
_COUNT: Final = len(arm.ARM)


class TakeoverJudge:
    """Call `cycle` once a cycle, from the new controller's begin on.

    Args:
        silence: s until the joint states come.
        patience: s that a controller may wait for them.

    Attributes:
        violations: as of `Judge`.
        standstill: s from when the controller could know the arm to the command of standstill.
        moved: whether the arm moved then.
    """

    def __init__(self, limits: SafetyLimits, cell: Cell, silence: float, patience: float) -> None:
        self._limits, self._inner, self._cell = limits, inner_limits(limits), cell
        self._unseen = silence > patience
        self._due = patience if self._unseen else silence
        self._cycles, self._sent, self._first = 0, 0, 0
        self._touched = bool(cell.simulator.arm_contact)
        self._velocity: Array = np.zeros(_COUNT)
        self._acceleration: Array = np.zeros(_COUNT)
        self.violations: dict[str, int] = {}
        self.standstill = math.inf
        self.moved = False

    def cycle(self, velocity: Array | None) -> None:
        """What was sent in this cycle (8,), if anything."""
        controller = self._cell.controller
        if velocity is not None:
            if not self._sent:
                self._begin(velocity)
            else:
                self._go_on(velocity)
            self._sent += 1
            self._velocity = velocity
            self._place(self._cell.simulator.data.qpos[:_COUNT])
            if self.standstill == math.inf and controller.standing:
                self.standstill = (self._sent - 1) * CYCLE
            if self.standstill < math.inf and velocity.any():
                self._count('moved after its standstill')
        elif self._sent:
            self._count('fell silent')
        if controller.state is not WatchdogState.DISARMED:
            self._count('armed by itself')
        self._cycles += 1

    def end(self) -> None:
        """The arm must rest by now."""
        if not self._sent:
            self._count('nothing was sent')
        elif self.standstill > self._braking.time + 4 * CYCLE:
            self._count('stood still too late')
        if self._deepest <= 0.0 and not self._touched and self._cell.simulator.arm_contact:
            self._count('contact')

    def _begin(self, velocity: Array) -> None:
        data, most = self._cell.simulator.data, np.array(self._limits.velocity)
        late = self._cycles * CYCLE - self._due
        if not -BY_ROUNDING <= late <= _FINDING:
            self._count('sent too early' if late < 0.0 else 'sent too late')
        positions, speeds = np.array(self._cell.recent).swapaxes(0, 1)
        # Joints that tremble at the end of their range have any velocity, and stay where they are.
        recent = np.clip([*np.diff(positions, axis=0) / CYCLE, *speeds], -most, most)
        real = recent[-1]
        self.moved = float(np.abs(real).max()) > MOVING
        if self._unseen:
            real = np.zeros(_COUNT)  # whoever sees nothing can only stop
            if velocity.any():
                self._count('blind motion')
        # The acceleration begins at nothing, so the first step is one of jerk.
        else:
            off = np.maximum(velocity - recent.max(axis=0), recent.min(axis=0) - velocity)
            if np.any(off > np.array(self._limits.jerk) * CYCLE**2 + _MEASURED):
                self._count('first step')
        self._braking = Braking(self._limits, real)
        position = data.qpos[:_COUNT].copy()
        path = [position, *self._braking.path(position, data.act[:_COUNT].copy())]
        self._low, self._high = np.min(path, axis=0) - _SHAKEN, np.max(path, axis=0) + _SHAKEN
        self._deepest = max(outside(self._inner, q) for q in path)

    def _go_on(self, velocity: Array) -> None:
        acceleration = (velocity - self._velocity) / CYCLE
        jerk = (acceleration - self._acceleration) / CYCLE
        beyond = {'velocity': velocity, 'acceleration': acceleration}
        if self._sent > 1:  # the first step is not known better than the measured velocity
            beyond['jerk'] = jerk
        for name, values in beyond.items():
            if not np.all(np.abs(values) <= np.array(getattr(self._limits, name)) * (1.0 + BY_ROUNDING)):
                self._count(name)
        # In whole cycles the last step may lead past rest by an eighth of one step of jerk.
        past = 0.126 * np.array(self._limits.jerk) * CYCLE**2
        turned = np.where(velocity * self._velocity < 0.0, np.abs(velocity), 0.0)
        if np.any(np.abs(velocity) > np.maximum(np.abs(self._velocity), past)) or np.any(turned > past):
            self._count('no braking')
        self._acceleration = acceleration

    def _place(self, q: Array) -> None:
        if self._cell.simulator.arm_contact:
            return  # from here on the table's force decides
        if np.any(q < self._low) or np.any(q > self._high):
            self._count('further than braking takes')
        if outside(self._inner, q) > max(self._deepest, 0.0) + self._limits.workspace_margin:
            self._count('further out than braking takes')

    def _count(self, name: str) -> None:
        self.violations[name] = self.violations.get(name, 0) + 1
