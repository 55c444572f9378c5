"""The campaign of endpoint faults: each ends in time, in little memory and in one sentence, and the run goes on."""

from collections.abc import Callable
from pathlib import Path

from endpoint_campaign import CASES, MOST_MEMORY, Figures, asked, loop_goes_on, memory_of, probed

TIMEOUT_S = 1.0


def test_no_endpoint_holds_up_a_run_or_fills_the_memory(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    wrong: list[str] = []
    slowest, most = 0.0, 0

    def judge(name: str, request: Callable[[], Figures]) -> None:
        nonlocal slowest, most
        made: list[Figures] = []
        more = memory_of(lambda: made.append(request()))
        slowest, most = max(slowest, made[0].seconds), max(most, more)
        said = made[0].wrong(TIMEOUT_S) or (f'{more >> 20} MiB more' if more > MOST_MEMORY else '')
        wrong.extend([f'{name}: {said}'] if said else [])

    for number, case in enumerate(CASES):
        judge(f'{case.name}, asked', lambda case=case: asked(case, TIMEOUT_S))  # type: ignore[misc]
        judge(f'{case.name}, probed', lambda case=case: probed(case, TIMEOUT_S))  # type: ignore[misc]
        said = loop_goes_on(case, TIMEOUT_S, tmp_path / str(number))
        wrong.extend([f'{case.name}, in a run: {said}'] if said else [])
    record_property(
        'endpoint faults',
        f'{len(CASES)} faults, {3 * len(CASES)} cases, {len(wrong)} failures, the slowest request '
        f'{slowest:.2f} s with a time-out of {TIMEOUT_S:g} s, at most {most >> 20} MiB more',
    )
    assert wrong == []
    assert len(CASES) >= 60
