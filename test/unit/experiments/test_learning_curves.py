"""Learning curves, and the tables' costs: medians with bootstrap intervals, looks that differ, steps or trials."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from llm_policy_improver.experiments import method_plots, plots, statistics
from llm_policy_improver.experiments.method_tables import LeftOut, tables
from llm_policy_improver.experiments.methods import WITH_MODEL, WITHOUT_MODEL, summarize


def row(method: str, curve: list[float], **other: Any) -> dict[str, Any]:
    common = {
        'task': 'cart_pole', 'method': method, 'model': '', 'seed': 0, 'best': curve[-1], 'final': curve[-1],
        'higher_is_better': True, 'unit': '', 'interactions': 100, 'tokens': 0, 'requests': 0, 'seconds': 0.1,
        'curve': curve,
    }  # fmt: skip
    return {**common, **other}


def test_band_is_the_bootstrap_interval_of_the_median() -> None:
    values = np.random.default_rng(3).normal(size=10)
    middle, low, high = statistics.median_curve([[value, 2.0 * value] for value in values])
    known = statistics.median(list(values))
    assert known.value is not None
    assert middle == pytest.approx([known.value, 2.0 * known.value])
    # Other resamples of the same values: the ends fall on values that stand next to each other.
    assert low[0] == pytest.approx(known.low, abs=0.2)
    assert high[0] == pytest.approx(known.high, abs=0.2)
    assert low[1] == pytest.approx(2.0 * low[0])


@pytest.mark.parametrize('higher', [False, True])
def test_run_without_a_result_yet_is_worse_than_all_others(higher: bool) -> None:
    middle, low, high = statistics.median_curve([[math.nan], [1.0], [3.0]], higher)
    assert middle == [1.0] if higher else [3.0]
    assert math.isnan(low[0]) is higher
    assert math.isnan(high[0]) is not higher


def test_no_two_methods_of_a_picture_look_alike() -> None:
    names = (*WITHOUT_MODEL, *(f'{name}:a' for name in WITH_MODEL), *(f'{name}:b' for name in WITH_MODEL))
    looks = plots.Looks(names)
    assert len(names) > 20
    assert len({(looks.colour(name), looks.style(name)) for name in names}) == len(names)
    assert len({(looks.colour(name), looks.mark(name)) for name in names}) == len(names)


def axes_of(rows: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The only panel of what is drawn of returns."""
    figures: list[Figure] = []

    def kept(width: float, height: float) -> Figure:
        figures.append(Figure(figsize=(width, height)))
        return figures[-1]

    monkeypatch.setattr(plots, 'new_figure', kept)
    assert method_plots.draw_methods(rows, tmp_path) == [tmp_path / 'return.png']
    return figures[0].axes[0]


def test_beside_reinforcement_learning_programs_are_drawn_over_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row('random_linear', [1.0, 2.0]), row('ppo', [0.0, 9.0], interactions=50_000)]
    axes = axes_of(rows, tmp_path, monkeypatch)
    drawn = {line.get_label(): list(line.get_xdata()) for line in axes.lines}
    assert drawn == {'random_linear': [50.0, 100.0], 'ppo': [25_000.0, 50_000.0]}
    assert axes.get_xlabel() == 'environment steps'


def test_programs_alone_are_drawn_over_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    axes = axes_of([row('random_linear', [1.0, 2.0])], tmp_path, monkeypatch)
    assert list(axes.lines[0].get_xdata()) == [1, 2]
    assert axes.get_xlabel() == 'trials'


def test_tables_tell_costs_where_methods_differ_in_them() -> None:
    rows = [row('random_linear', [1.0]), row('prompt_po', [3.0], model='m', interactions=400, tokens=12_345)]
    best, last = tables(summarize(rows), LeftOut())
    assert best.headings == last.headings == ('method', 'cart_pole', 'interactions', 'tokens', 'seeds')
    assert {line[0]: line[2:] for line in best.rows} == {
        'prompt_po:m': ('400', '12,345', '1'),
        'random_linear': ('100', '0', '1'),
    }
    alike, _ = tables(summarize([row('random_linear', [1.0]), row('dqn', [3.0])]), LeftOut())
    assert alike.headings == ('method', 'cart_pole', 'seeds')


def test_kinds_of_policies_have_a_table() -> None:
    rows = [
        row('prompt_po', [1.0], seed=seed, kind=kind)
        for seed, kind in enumerate(('rules', 'planner', 'planner'))
    ]
    kinds = tables(summarize(rows), LeftOut())[-1]
    assert kinds.headings == ('method', 'cart_pole')
    assert kinds.rows == (('prompt_po', '2 planner, 1 rules'),)
