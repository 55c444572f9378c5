"""``bench safety``: thousands of attacks on the arm's last line of defence, and what came of them."""

import math
import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from llm_policy_improver.table_tennis.bench.attacks.case import LONGEST_STANDSTILL, Case, CaseResult
from llm_policy_improver.table_tennis.bench.attacks.pauses import KIND as PAUSES
from llm_policy_improver.table_tennis.bench.attacks.range import KINDS, Range
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits

Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much."""


@dataclass(frozen=True, slots=True)
class KindFigures:
    """All cases of one kind.

    Attributes:
        cases: run.
        moved: of these, with an arm in motion.
        violations: cases with something beyond a limit.
        latched: cases that ended with a latched fault.
        worst_standstill_s: s; NaN where no arm was to be stopped.
        limited: share of the inner loop's cycles in which the safety stage changed the command.
    """

    cases: int
    moved: int
    violations: int
    latched: int
    worst_standstill_s: float
    limited: float

    @classmethod
    def of(cls, results: Sequence[CaseResult]) -> 'KindFigures':
        """Sum up cases."""
        times = [result.standstill for result in results if not math.isnan(result.standstill)]
        cycles = sum(result.cycles for result in results)
        return cls(
            cases=len(results),
            moved=sum(result.moved for result in results),
            violations=sum(bool(result.violations) for result in results),
            latched=sum(result.latched for result in results),
            worst_standstill_s=max(times, default=math.nan),
            limited=sum(result.rules for result in results) / cycles,
        )


@dataclass(frozen=True, slots=True)
class SafetyResult:
    """Figures of ``bench safety``.

    Attributes:
        kinds: figures of each kind of attack.
        pauses: cases of a process that pauses in a swing.
        broken: the attacks and pauses with something beyond a limit, to be run again one by one.
    """

    kinds: dict[str, KindFigures]
    pauses: int
    broken: tuple[CaseResult, ...]

    @property
    def pause_violations(self) -> int:
        """Pauses with anything beyond a limit."""
        return sum(one.case.kind == PAUSES for one in self.broken)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'cases': sum(kind.cases for kind in self.kinds.values()),
            'violations': len(self.broken) - self.pause_violations,
            'pauses': self.pauses,
            'pause_violations': self.pause_violations,
            'worst_standstill_s': self._worst(),
            'kinds': {name: asdict(kind) for name, kind in self.kinds.items()},
            'broken': [
                {'kind': one.case.kind, 'seed': one.case.seed, 'violations': one.violations}
                for one in self.broken
            ],
        }

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, figure and bar, for people."""
        cases = sum(kind.cases for kind in self.kinds.values())
        rows = [
            ('cases', f'{cases}', '>= 5000'),
            ('with anything beyond a limit', f'{len(self.broken) - self.pause_violations}', '0'),
            ('pauses of the process', f'{self.pauses}', '>= 2000'),
            ('with anything beyond a limit', f'{self.pause_violations}', '0'),
            ('fault to standstill, at most', f'{self._worst():.3f} s', f'<= {LONGEST_STANDSTILL} s'),
        ]
        for name, kind in self.kinds.items():
            said = f'{kind.cases}, limited {kind.limited:.0%}'
            if not math.isnan(kind.worst_standstill_s):
                said += f', {kind.latched} latched' if kind.latched else ''
                said += f', still in {kind.worst_standstill_s:.2f} s'
            rows.append((name, said, f'{kind.violations} violations' if kind.violations else ''))
        for one in self.broken[:10]:
            what = ', '.join(f'{name} {count}x' for name, count in one.violations.items())
            rows.append((f'{one.case.kind}, seed {one.case.seed}', what, 'nothing'))
        return rows

    def _worst(self) -> float:
        times = [kind.worst_standstill_s for kind in self.kinds.values()]
        return max((time for time in times if not math.isnan(time)), default=math.nan)


def run(
    cases: int,
    seed: int = 0,
    limits: SafetyLimits | None = None,
    progress: Progress = lambda name, done, count: None,
    processes: int | None = None,
    pauses: int = 0,
) -> SafetyResult:
    """Run ``cases`` attacks, all kinds in turn, on ``processes`` cores (by default, as many as pay), and ``pauses``."""
    jobs = [Case(KINDS[number % len(KINDS)], seed + number) for number in range(cases)]
    jobs += [Case(PAUSES, seed + number) for number in range(pauses)]
    limits = limits or SafetyLimits()
    workers = processes or min(os.cpu_count() or 1, math.ceil(len(jobs) / len(KINDS)))

    def counted(results: Iterable[CaseResult]) -> list[CaseResult]:
        done = []
        for result in results:
            done.append(result)
            progress('attacks', len(done), len(jobs))
        return done

    if workers == 1:
        place = Range(limits)
        results = counted(place.run(job) for job in jobs)
    else:
        # Not forked: a forked copy of a process with threads of its own may hang.
        context = multiprocessing.get_context('spawn')
        with ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(limits,)) as pool:
            results = counted(pool.map(_work, jobs, chunksize=len(KINDS)))
    by_kind = {kind: [one for one in results if one.case.kind == kind] for kind in KINDS}
    return SafetyResult(
        {kind: KindFigures.of(found) for kind, found in by_kind.items() if found},
        pauses,
        tuple(one for one in results if one.violations),
    )


_range: Range | None = None


def _start_worker(limits: SafetyLimits) -> None:
    global _range
    _range = Range(limits)


def _work(case: Case) -> CaseResult:
    assert _range is not None
    return _range.run(case)
