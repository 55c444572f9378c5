"""What a rehearsal comes to: the figures of its balls, and why a proposal must not reach the arm."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from llm_policy_improver.table_tennis.rehearsal_config import RehearsalConfig


@dataclass(frozen=True, slots=True)
class RehearsedTrial:
    """Figures of one simulated ball.

    Attributes:
        number: of the ball, from 1.
        outcome: as the cameras saw it.
        landing: m, x and y; None where there was none.
        clearance: m, the smallest distance of the arm to table, net or floor; negative inside.
        nearest: which part came so near to what.
        joint_clearance: the smallest share of its range that a joint was away from an end of it.
        nearest_joint: which joint that was.
        saturation: s, the longest time in a row that what was sent was at a joint's velocity limit.
        limited: share of the inner loop's cycles in which the safety stage changed the command.
        rules: cycles in which each of its rules did.
        fault: why the watchdog stopped the arm; empty where it did not.
        collision: what the arm touched; empty where nothing.
        fallback: why a program chose nothing for it, where it was one, as a clause; empty where all went well.
    """

    number: int
    outcome: str
    landing: tuple[float, float] | None
    clearance: float
    nearest: str
    joint_clearance: float
    nearest_joint: str
    saturation: float
    limited: float
    rules: Mapping[str, int]
    fault: str
    collision: str
    fallback: str = ''


@dataclass(frozen=True, slots=True)
class RehearsalResult:
    """What a rehearsal came to.

    Attributes:
        trials: one a ball.
        refused: why the proposal must not reach the arm, in one clause; empty where it may.
        proven: what it was compared with; None where it needed no comparison, or there was nothing.
    """

    trials: tuple[RehearsedTrial, ...]
    refused: str
    proven: 'Proven | None' = None

    @property
    def landed(self) -> int:
        """Balls that landed on the opponent's half."""
        return sum(trial.outcome == 'landed' for trial in self.trials)

    @property
    def saturation(self) -> float:
        """Longest time in a row at a velocity limit, s."""
        return max(trial.saturation for trial in self.trials)

    @property
    def limited(self) -> float:
        """Share of the commands that the safety stage changed, the mean of all balls."""
        return sum(trial.limited for trial in self.trials) / len(self.trials)

    @property
    def rules(self) -> dict[str, int]:
        """Cycles in which each rule of the safety stage changed the command, the most frequent first."""
        counted: Counter[str] = Counter()
        for trial in self.trials:
            counted.update(trial.rules)
        return dict(counted.most_common())

    @property
    def sentence(self) -> str:
        """The worst figures, in one clause."""
        near, joint = self._nearest, self._nearest_joint
        rules = ' and '.join(list(self.rules)[:2])
        beside = (
            ''
            if self.proven is None
            else f', {self.proven.landed} of trial {self.proven.trial}, which landed'
        )
        return (
            f'{self.landed} of {len(self.trials)} balls landed in simulation{beside}; the arm came as near as '
            f'{near.clearance:.2f} m ({near.nearest or "to anything"}), {joint.nearest_joint} within '
            f'{joint.joint_clearance:.1%} of its range of its end; it was at a velocity limit for up to '
            f'{self.saturation:.2f} s, and the safety stage changed {self.limited:.0%} of the commands'
            f'{f" (most: {rules})" if rules else ""}'
        )

    @property
    def _nearest(self) -> RehearsedTrial:
        return min(self.trials, key=lambda trial: trial.clearance)

    @property
    def _nearest_joint(self) -> RehearsedTrial:
        return min(self.trials, key=lambda trial: trial.joint_clearance)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'landed': self.landed,
            'balls': len(self.trials),
            'clearance_m': self._nearest.clearance,
            'joint_clearance': self._nearest_joint.joint_clearance,
            'saturation_s': self.saturation,
            'limited': self.limited,
            'rules': self.rules,
            'trials': [asdict(trial) for trial in self.trials],
        }


@dataclass(frozen=True, slots=True)
class Proven:
    """How a policy fares in the same rehearsal whose ball landed on the arm itself.

    Attributes:
        trial: its number.
        landed: of its balls in simulation.
    """

    trial: int
    landed: int

    def most_misses(self, config: RehearsalConfig) -> int:
        """That a proposal may have: one more than what the arm has shown to do well, whatever simulation says."""
        return min(max(config.most_misses, config.trials - self.landed + 1), config.trials - 1)


def refusal(config: RehearsalConfig, trials: Sequence[RehearsedTrial], proven: Proven | None = None) -> str:
    """The gravest fault of a rehearsal, in one clause; empty where there is none."""
    count = len(trials)
    most = config.most_misses if proven is None else proven.most_misses(config)
    beside = (
        ''
        if proven is None
        else f'; with trial {proven.trial}, which landed on the arm, {count - proven.landed} did not'
    )

    def first(fault: Callable[[RehearsedTrial], str]) -> str:
        return next(
            (f'in simulated ball {one.number} of {count} {fault(one)}' for one in trials if fault(one)), ''
        )

    def worst(
        key: Callable[[RehearsedTrial], float], limit: float, words: Callable[[RehearsedTrial], str]
    ) -> str:
        found = min(trials, key=key)
        return f'in simulated ball {found.number} of {count} {words(found)}' if key(found) < limit else ''

    misses = count - sum(trial.outcome == 'landed' for trial in trials)
    found = (
        first(lambda trial: trial.collision),
        first(lambda trial: trial.fallback),
        first(lambda trial: trial.fault and f'the watchdog stopped the arm: {trial.fault}'),
        worst(
            lambda trial: trial.clearance,
            config.clearance,
            lambda trial: (
                f'the arm came within {trial.clearance:.3f} m ({trial.nearest}), and {config.clearance:g} m are to '
                'be kept'
            ),
        ),
        worst(
            lambda trial: trial.joint_clearance,
            config.joint_margin,
            lambda trial: (
                f'{trial.nearest_joint} came within {trial.joint_clearance:.2%} of its range to its end, and '
                f'{config.joint_margin:.2%} are to be kept'
            ),
        ),
        worst(
            lambda trial: -trial.saturation,
            -config.longest_saturation - 1e-9,
            lambda trial: (
                f'the commands were at a velocity limit for {trial.saturation:.2f} s, and '
                f'{config.longest_saturation:g} s are allowed'
            ),
        ),
        f"{misses} of {count} simulated balls did not land on the opponent's half, and {most} may{beside}"
        if misses > most
        else '',
    )
    return next(filter(None, found), '')
