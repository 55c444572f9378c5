"""Whether what was sent, and where the arm is, keeps the limits: by the judge's own differences and sums."""

from dataclasses import dataclass, field

import numpy as np

from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.bench.attacks.case import Array
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.guard.workspace import inner_limits, outside

BY_ROUNDING = 1e-6
"""Of a limit, by which differences of what was sent may be off."""
MOVING = 0.2
"""m/s or rad/s, of a joint that counts as moving."""
_BY_SHAKING = 0.005
"""m and rad by which a joint that is outside may be told to go on, by rounding and by braking."""
_BY_STOPS = 0.05
"""m and rad by which such a joint may really move, whatever is sent: a drive that nobody steered has wound up against
its stop, and springs back when the joints beside it leave theirs."""


@dataclass
class Judge:
    """Counts what is beyond the limits."""

    limits: SafetyLimits
    velocity: Array = field(default_factory=lambda: np.zeros(len(arm.ARM)))
    acceleration: Array = field(default_factory=lambda: np.zeros(len(arm.ARM)))
    told: Array = field(default_factory=lambda: np.array(arm.HOME))
    violations: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._inner = inner_limits(self.limits)
        self._low, self._high = np.array(self.limits.position_low), np.array(self.limits.position_high)
        self._deepest = self.limits.workspace_margin
        self._slack = 0.0

    def begin_at_rest(self, position: Array) -> None:
        """An arm that stands here, maybe outside: it may come back, but must not go further out."""
        self.velocity, self.acceleration, self.told = (
            np.zeros(len(position)),
            np.zeros(len(position)),
            position,
        )
        self._slack = _BY_STOPS
        self._low = np.minimum(self._low, position - _BY_SHAKING)
        self._high = np.maximum(self._high, position + _BY_SHAKING)
        self._deepest = max(self._deepest, outside(self._inner, position) + self.limits.workspace_margin)

    def sent(self, velocity: Array, dt: float) -> None:
        """This velocity was sent ``dt`` after the last one."""
        self.told = self.told + self.velocity * dt
        self.compare(velocity, dt)

    def compare(self, velocity: Array, dt: float) -> None:
        """This velocity was sent, and counts against the one of ``dt`` before."""
        acceleration = (velocity - self.velocity) / dt
        jerk = (acceleration - self.acceleration) / dt
        for name, values in (('velocity', velocity), ('acceleration', acceleration), ('jerk', jerk)):
            limit = np.array(getattr(self.limits, name))
            if not np.all(np.abs(values) <= limit * (1.0 + BY_ROUNDING)):  # NaN is beyond, too
                self.count(name)
        self.velocity, self.acceleration = velocity, acceleration
        self._place(self.told, '', 0.0)

    def seen(self, position: Array) -> None:
        """The arm is really there."""
        self._place(position, ' of the arm', self._slack)

    def touched(self, what: str) -> None:
        """The arm has touched something."""
        if what:
            self.count('contact')

    def count(self, name: str) -> None:
        """This must not have been."""
        self.violations[name] = self.violations.get(name, 0) + 1

    def _place(self, q: Array, whose: str, slack: float) -> None:
        if np.any(q < self._low - slack) or np.any(q > self._high + slack):
            self.count(f'position{whose}')
        if outside(self._inner, q) > self._deepest + slack:
            self.count(f'box{whose}')
