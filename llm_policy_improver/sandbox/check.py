"""Checking a machine: every attack played in its sandbox, and how fast programs answer there."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llm_policy_improver.sandbox.attacks.attack import Attack
from llm_policy_improver.sandbox.attacks.every import ATTACKS
from llm_policy_improver.sandbox.attacks.play import Arena
from llm_policy_improver.sandbox.inside.protection import Protection
from llm_policy_improver.sandbox.sandbox import Sandbox
from llm_policy_improver.sandbox.worker import Worker

_POLICY: Final = """
class Policy:
    def act(self, obs):
        return int(0.3 * obs[0] + 2.0 * obs[1] + obs[2] - obs[3] > 0.0)
"""
_OBSERVATION: Final = (0.1, -0.2, 0.3, 0.4)
_BATCH: Final = 100
_REPEATS: Final = 5
_SECONDS: Final = 0.3
"""Of a repeat."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What the check came to.

    Attributes:
        protections: that are active.
        sentence: what holds programs.
        attacks: that were played.
        got_through: names of those that were not contained.
        calls_per_second: one by one; median of five.
        batched_calls_per_second: in batches of 100; median of five.
    """

    protections: tuple[Protection, ...]
    sentence: str
    attacks: int
    got_through: tuple[str, ...]
    calls_per_second: float
    batched_calls_per_second: float

    @property
    def contained(self) -> int:
        """How many attacks were contained."""
        return self.attacks - len(self.got_through)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'protections': [each.value for each in self.protections],
            'contained': self.contained,
            'attacks': self.attacks,
            'calls_per_second': round(self.calls_per_second),
            'batched_calls_per_second': round(self.batched_calls_per_second),
        }


def check(
    attacks: Sequence[Attack] = ATTACKS, progress: Callable[[int, int], None] = lambda done, total: None
) -> CheckResult:
    """Play attacks and measure.

    Args:
        attacks: to be played.
        progress: called with the attacks played and their number.

    Raises:
        SandboxUnavailableError: this machine cannot confine programs.
    """
    through: list[str] = []
    with Arena() as arena:
        for done, attack in enumerate(attacks):
            progress(done, len(attacks))
            if not arena.play(attack).contained:
                through.append(attack.name)
        progress(len(attacks), len(attacks))
    with Sandbox() as sandbox, sandbox.load(_POLICY) as worker:
        target = worker.new('Policy')
        singles = _per_second(1, lambda: worker.call_method(target, 'act', _OBSERVATION))
        batched = _per_second(_BATCH, _batch(worker, target))
        return CheckResult(
            sandbox.protections, sandbox.sentence, len(attacks), tuple(through), singles, batched
        )


def _batch(worker: Worker, target: int) -> Callable[[], object]:
    calls = [(target, 'act', _OBSERVATION)] * _BATCH
    return lambda: worker.call_methods(calls)


def _per_second(calls: int, call: Callable[[], object]) -> float:
    """How many calls a second there are, where each of `call` makes some."""
    rates = []
    for _ in range(_REPEATS):
        begin, made = time.perf_counter(), 0
        while time.perf_counter() - begin < _SECONDS:
            call()
            made += calls
        rates.append(made / (time.perf_counter() - begin))
    return statistics.median(rates)
