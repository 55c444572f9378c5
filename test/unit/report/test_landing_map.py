"""The picture of a run."""

import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.term import Extreme, Term, Want
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.report.labels import LabelPlacer, group, ranges
from llm_policy_improver.report.landing_map import RESOLUTION, SIZE, draw_landing_map, landing_figure
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.measures.landing import LANDING_X
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.tracing.observed import Outcome, trial_of


def landed(number: int, x: float, y: float) -> Trial:
    measures = {'landing_x': x, 'landing_y': y, 'net_clearance': 0.2, 'peak_height': 0.5}
    return trial_of(Modulation(version=number), Outcome.LANDED, measures, number=number)


def failed(number: int, outcome: Outcome) -> Trial:
    return trial_of(Modulation(version=number), outcome, {}, number=number)


# Three first trials, then four improvements; the sixth comes nearest to the right edge.
RUN = [
    landed(1, -0.1, 0.7),
    landed(2, -0.5, 0.3),
    failed(3, Outcome.NET),
    landed(4, 0.2, 0.9),
    failed(5, Outcome.MISSED),
    landed(6, 0.7, 0.5),
    landed(7, 0.5, 1.1),
]


def figure_of(words: str, trials: Sequence[Trial] = RUN, first_trials: int = 3) -> Figure:
    return landing_figure(trials, parse_objective(words), first_trials, 'least_squares')


def axes_named(figure: Figure, label: str) -> Axes:
    return next(axes for axes in figure.axes if axes.get_label() == label)


def artists(axes: Axes, gid: str) -> list[Any]:
    return [artist for artist in axes.get_children() if artist.get_gid() == gid]


def points(axes: Axes, gid: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in artists(axes, gid)[0].get_offsets()]


def random_run(count: int) -> list[Trial]:
    generator = np.random.default_rng(1)
    places = generator.normal((0.0, 0.72), 0.2, (count, 2))
    return [landed(number + 1, *place) for number, place in enumerate(places)]


def test_png_has_the_announced_size(tmp_path: Path) -> None:
    path = tmp_path / 'map.png'
    draw_landing_map(path, RUN, parse_objective('far right'), 3, 'least_squares')
    content = path.read_bytes()
    assert content.startswith(b'\x89PNG')
    assert struct.unpack('>II', content[16:24]) == (SIZE[0] * RESOLUTION, SIZE[1] * RESOLUTION)


def test_drawing_touches_no_global_state(tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    draw_landing_map(tmp_path / 'map.png', RUN, parse_objective('far right'), 3, 'least_squares')
    assert plt.get_fignums() == []


def test_first_trials_and_improvements_are_where_the_balls_landed() -> None:
    axes = axes_named(figure_of('far right'), 'map')
    assert points(axes, 'first trials') == [(-0.1, 0.7), (-0.5, 0.3)]
    assert points(axes, 'improvements') == [(0.2, 0.9), (0.7, 0.5), (0.5, 1.1)]
    path = artists(axes, 'path')[0]
    assert list(zip(path.get_xdata(), path.get_ydata(), strict=True)) == points(axes, 'improvements')


def test_improvements_are_coloured_in_order_from_light_to_dark() -> None:
    figure = figure_of('far right')
    figure.canvas.draw()
    colours = artists(axes_named(figure, 'map'), 'improvements')[0].get_facecolors()
    brightness = colours[:, :3] @ [0.299, 0.587, 0.114]
    assert np.all(np.diff(brightness) < 0)


def test_proportions_are_true_and_the_whole_half_is_in_the_picture() -> None:
    axes = axes_named(figure_of('far right'), 'map')
    assert axes.get_aspect() == 1.0
    assert axes.get_xlim()[0] < -table.HALF_WIDTH - table.NET_OVERHANG
    assert axes.get_xlim()[1] > table.HALF_WIDTH + table.NET_OVERHANG
    assert axes.get_ylim()[0] < 0.0
    assert axes.get_ylim()[1] > table.HALF_LENGTH


def test_best_is_marked_with_number_and_distance() -> None:
    figure = figure_of('far right')
    axes = axes_named(figure, 'map')
    assert points(axes, 'best') == [(0.7, 0.5)]
    assert artists(axes, 'best label')[0].get_text() == 'best: 6 (0.06 m)'
    subtitle = next(text for text in figure.texts if text.get_gid() == 'subtitle')
    assert '0.86 m in trial 1, 0.06 m in trial 6' in subtitle.get_text()
    assert 'least_squares' in subtitle.get_text()


def test_every_landing_is_numbered_in_a_short_run() -> None:
    axes = axes_named(figure_of('far right'), 'map')
    assert {text.get_text() for text in artists(axes, 'numbers')} == {'1', '2', '4', '7'}


@pytest.mark.parametrize(
    ('words', 'xs', 'ys'),
    [
        ('far right', [table.HALF_WIDTH] * 2, [0.0, table.HALF_LENGTH]),
        ('just behind the net', [-table.HALF_WIDTH, table.HALF_WIDTH], [0.0, 0.0]),
        ('far left corner', [-table.HALF_WIDTH], [table.HALF_LENGTH]),
        ('at (0.3, 0.9)', [0.3], [0.9]),
    ],
)
def test_goal_is_shown_as_edge_or_point(words: str, xs: list[float], ys: list[float]) -> None:
    goal = artists(axes_named(figure_of(words), 'map'), 'goal')[0]
    assert list(goal.get_xdata()) == xs
    assert list(goal.get_ydata()) == ys


def test_goal_that_is_no_place_is_named() -> None:
    goal = artists(axes_named(figure_of('as high as possible'), 'map'), 'goal')[0]
    assert 'arc' in goal.get_text()


@pytest.mark.parametrize(
    ('want', 'x'), [((0.2, 0.4), 0.3), ((0.5, math.inf), 0.5), ((-math.inf, -0.5), -0.5), (Extreme.SMALLEST, -0.7625)]
)  # fmt: skip
def test_wanted_range_is_shown_at_its_middle_or_its_known_end(want: Want, x: float) -> None:
    objective = Objective('words', (Term(LANDING_X, want),), 'sentence')
    figure = landing_figure(RUN, objective, 3, 'least_squares')
    goal = artists(axes_named(figure, 'map'), 'goal')[0]
    assert list(goal.get_xdata()) == pytest.approx([x, x])


def test_failed_trials_are_listed_by_outcome() -> None:
    axes = axes_named(figure_of('far right', [*RUN, failed(8, Outcome.NET)]), 'failures')
    assert artists(axes, 'failed trials')[0].get_text() == 'net (2):  3, 8\nmissed (1):  5'
    assert axes.get_title(loc='left') == 'No good return: 3 of 8 trials'


def test_progress_shows_the_best_so_far() -> None:
    axes = axes_named(figure_of('far right'), 'progress')
    line = artists(axes, 'best so far')[0]
    assert list(line.get_xdata()) == [1, 2, 3, 4, 5, 6, 7]
    expected = [0.8625, 0.8625, 0.8625, 0.5625, 0.5625, 0.0625, 0.0625]
    assert list(line.get_ydata()) == pytest.approx(expected)
    assert list(artists(axes, 'failed')[0].get_xdata()) == [3, 5]


def test_crowd_near_the_best_gets_a_close_up_that_holds_it() -> None:
    crowd = [landed(8 + index, 0.70 + 0.003 * index, 0.5 - 0.004 * index) for index in range(8)]
    figure = figure_of('far right', [*RUN, *crowd])
    axes = axes_named(figure, 'close-up')
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    best = points(axes, 'best')[0]
    assert left < best[0] < right
    assert bottom < best[1] < top
    assert right - left < 0.3
    numbers = ' '.join(text.get_text() for text in artists(axes_named(figure, 'map'), 'numbers'))
    assert '8' not in numbers


def test_few_improvements_get_no_close_up() -> None:
    assert 'close-up' not in [axes.get_label() for axes in figure_of('far right').axes]


def test_words_without_a_measure_still_give_a_map() -> None:
    figure = figure_of('surprise me with $x^2$')
    axes = axes_named(figure, 'map')
    assert len(points(axes, 'improvements')) == 3
    assert not artists(axes, 'best')
    assert 'nothing that can be measured' in axes_named(figure, 'progress').texts[0].get_text()
    figure.canvas.draw()


@pytest.mark.parametrize('trials', [[], [failed(1, Outcome.MISSED)], [landed(1, 0.1, 0.5)]])
def test_tiny_runs_are_drawn(tmp_path: Path, trials: list[Trial]) -> None:
    draw_landing_map(tmp_path / 'map.png', trials, parse_objective('far right'), 24, 'least_squares')
    assert (tmp_path / 'map.png').stat().st_size > 0


@pytest.mark.parametrize('count', [40, 100])
def test_numbers_never_cover_each_other(count: int) -> None:
    figure = figure_of('middle of the table', random_run(count), 24)
    figure.canvas.draw()
    axes = axes_named(figure, 'map')
    boxes = [text.get_window_extent() for text in artists(axes, 'numbers')]
    assert len(boxes) > 15
    overlaps = 0
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            width = min(one.x1, other.x1) - max(one.x0, other.x0)
            height = min(one.y1, other.y1) - max(one.y0, other.y0)
            overlaps += width > 1.5 and height > 1.5
    assert overlaps == 0


def test_trials_without_a_stored_number_are_counted() -> None:
    trials = [landed(0, 0.1 * i, 0.5) for i in range(4)]
    axes = axes_named(figure_of('far right', trials, 2), 'map')
    assert artists(axes, 'best label')[0].get_text().startswith('best: 4')


def test_ranges_shorten_runs_of_numbers() -> None:
    assert ranges([3, 5, 6, 7, 8, 11, 12]) == '3, 5–8, 11, 12'
    assert ranges([]) == ''


def test_near_points_share_a_label() -> None:
    groups = group([(1, 0.0, 0.0), (2, 0.5, 0.5), (3, 0.01, 0.0)], 0.02)
    assert [found.numbers for found in groups] == [(1, 3), (2,)]
    assert groups[0].x == pytest.approx(0.005)


def test_label_without_room_is_left_out() -> None:
    placer = LabelPlacer(np.empty((0, 2)), 0.01, (-1.0, 1.0, -1.0, 1.0))
    placer.reserve(0.0, 0.0, 2.0, 2.0)
    assert placer.place(0.0, 0.0, '1', 0.03, 0.02) is None
    assert placer.place(0.0, 0.0, '1', 0.03, 0.02, must=True) is not None
