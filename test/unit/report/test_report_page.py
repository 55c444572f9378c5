"""The report: one page that needs nothing else, holds every reason, and says what is luck."""

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType

import pytest
from chat_server import reply_text, say
from matplotlib.figure import Figure
from recorded_run import ROUGH_WEATHER, improve, improve_with_model

from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.sas.effects import judged
from llm_policy_improver.report.learned import learned_effects
from llm_policy_improver.report.map_view import Shown
from llm_policy_improver.report.page import Prices, report_page
from llm_policy_improver.report.run_view import RunView, views_of
from llm_policy_improver.report.spread import Spread
from llm_policy_improver.report.stages import best_curve, best_so_far, stages_of, verdict
from llm_policy_improver.report.svg import inline_svg
from llm_policy_improver.report.told_steps import told_steps
from llm_policy_improver.runs.run_records import RunRecords

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)>'
CLAIMS = {'a': {'x': 'right', 'y': 'none'}, 'c': {'x': 'left'}}


def viewed(folder: Path) -> tuple[RunView, ...]:
    with closing(RunRecords.look(folder)) as store:
        views = views_of(store)
        assert all(view.result is not None for view in views)
        return views


@pytest.fixture(scope='module')
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a model whose requests end in every way, and that writes what would run in a browser."""
    folder = tmp_path_factory.mktemp('report') / 'run'
    told = say(reply_text([1.02] * 8, reason=HOSTILE, summary=HOSTILE, effects=CLAIMS))
    with pytest.MonkeyPatch.context() as patch:
        improve_with_model(patch, folder, told, *ROUGH_WEATHER, first=8, steps=9)
    return folder


class Elements(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ''
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_holds_every_improvement_with_its_reason_and_loads_nothing(run: Path) -> None:
    (view,) = viewed(run)
    page = report_page([view], Prices(1000.0, 2000.0))
    found = Elements(page)
    assert not {'script', 'link', 'iframe', 'object', 'img'} & {tag for tag, _ in found.tags}
    links = [value for _, given in found.tags for name, value in given.items() if name in ('src', 'href', 'xlink:href')]
    assert all(value is not None and value.startswith(('#', 'data:')) for value in links), links
    assert 'url(http' not in page
    assert '@import' not in page
    assert HOSTILE in found.text, 'what a model wrote is shown as it wrote it, as text'
    steps = told_steps(view)
    assert len(steps) == 9
    for step in steps:
        assert f'Trial {step.number}: {step.outcome}' in found.text
        assert step.reason.split()[0] in found.text
    assert 'stands in' in found.text
    tokens = view.result.prompt_tokens + view.result.completion_tokens
    assert f'{tokens:,}' in found.text
    cost = (1000.0 * view.result.prompt_tokens + 2000.0 * view.result.completion_tokens) / 1e6
    assert f'{cost:.2f} USD' in found.text
    assert len(page.encode()) < 1_000_000


def test_parts_of_pictures_have_names_of_their_own(run: Path) -> None:
    (view,) = viewed(run)
    page = report_page([view, view])
    names = [given['id'] for _, given in Elements(page).tags if given.get('id')]
    assert len(names) == len(set(names))
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', page))
    assert used <= set(names)


def test_numbers_in_a_picture_keep_their_digits_while_its_lines_are_shortened() -> None:
    figure = Figure(figsize=(3.0, 2.0))
    figure.text(0.123456, 0.5, '0.075')
    drawn = inline_svg(figure, 'numbers', '')
    assert '>0.075</text>' in drawn
    assert not [tag for tag in re.findall(r'<[^>]*>', drawn) if re.search(r'\d\.\d{3}', tag)]


def test_claims_of_the_model_stand_beside_what_the_trials_show(run: Path) -> None:
    (view,) = viewed(run)
    text = Elements(report_page([view])).text
    assert 'the model said' in text
    assert re.search(r'▶ right: (agrees|contradicted|not known)', text)
    for measure, rows in learned_effects(view):
        for one in rows:
            if one.claim is not None:
                assert one.claim == judged(one.parameter.name, measure.name, one.claim.sign, one.effect)


def test_reason_and_claims_that_do_not_fit_are_told_beside_the_proposal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = say(reply_text([1.0] * 6 + [1.38, 1.0], reason='Joint g is lowered.', effects={'f': {'x': 'left'}}))
    fits = say(reply_text([1.0] * 6 + [1.4, 1.0], reason='Joint g is raised.', effects={'f': {'x': 'right'}}))
    improve_with_model(monkeypatch, tmp_path / 'run', told, fits, first=24, steps=2)
    (view,) = viewed(tmp_path / 'run')
    first, second = told_steps(view)
    (changed,) = (each for each in first.changes if each.label == 'g (axis_5)')
    said, claimed = first.contradictions
    assert said == (
        f'The reason says g (axis_5) is lowered; it was raised, {changed.before:.3f} → {changed.after:.3f}.'
    )
    assert claimed.startswith('It claims that raising f (axis_4) moves x left; the trials before it say right, +0.')
    assert second.contradictions == ()
    text = Elements(report_page([view])).text
    assert all(each in text for each in first.contradictions)


def test_same_run_gives_the_same_page(run: Path) -> None:
    assert report_page(viewed(run)) == report_page(viewed(run))


def test_improvement_is_compared_with_the_best_trial_before_it(run: Path) -> None:
    (view,) = viewed(run)
    first = told_steps(view)[0]
    before = view.objective.best(view.trials[: view.first])
    assert before is not None
    assert first.changed_from == before.number
    assert {each.label: each.before for each in first.changes} == {
        view.brief.space.labels[name]: value
        for name, value in before.plain.items()
        if abs(value - 1.02) > 0.0005
    }
    shares = [abs(each.share) for each in first.changes]
    assert shares == sorted(shares, reverse=True)


def test_run_that_was_interrupted_is_shown_as_far_as_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    improve(monkeypatch, tmp_path / 'run', '--first-trials', '2', '--trials', '3')
    with closing(RunRecords.look(tmp_path / 'run')) as store:
        (view,) = views_of(store)
    text = Elements(report_page([view])).text
    assert 'Finished:' in text
    unfinished = replace(view, end=None)
    assert 'Not at its end: it was interrupted, or goes on.' in Elements(report_page([unfinished])).text


def shown(number: int, distance: float | None, first: bool, place: tuple[float, float] = (0.0, 1.0)) -> Shown:
    measures = MappingProxyType({'landing_x': place[0], 'landing_y': place[1], 'landing_time': 1.0})
    policy = Parameters(('a',), (float(first),))
    succeeded = distance is not None
    trial = Trial(policy, 'landed' if succeeded else 'out', measures, succeeded=succeeded, number=number)
    return Shown(number, trial, first, distance)


def test_progress_is_told_from_luck() -> None:
    far = [shown(number, 0.8 + 0.1 * (number % 2), True) for number in range(1, 7)]
    near = [shown(number, 0.2 + 0.1 * (number % 2), False) for number in range(7, 15)]
    assert verdict(stages_of([*far, *near])).startswith(
        'Better, and not by luck: 0.85 m from the goal on average in the first trials, 0.25 m in the second half of '
    )
    same = [shown(number, 0.8 + 0.1 * (number % 2), False) for number in range(7, 15)]
    little = [shown(number, 0.801 + 0.1 * (number % 2), False) for number in range(7, 15)]
    assert '0.850 m from the goal on average in the first trials, 0.851 m in' in verdict(stages_of([*far, *little]))
    assert verdict(stages_of([*far, *same])).startswith('Not to be told from luck')
    missed = [shown(number, None, False) for number in range(7, 15)]
    assert verdict(stages_of([*far, *missed])).startswith('Worse, and not by luck: 0.85 m from the goal')
    assert verdict(stages_of([*far, near[0]])).startswith('Too few trials')
    assert verdict(stages_of(far)) == ''


def test_best_so_far_never_grows_and_begins_with_the_first_good_return() -> None:
    trials = [shown(number, left, True) for number, left in enumerate((None, 0.5, None, 0.7, 0.3), 1)]
    assert best_so_far(trials) == [None, 0.5, 0.5, 0.5, 0.3]
    assert best_curve(trials) == ([2, 3, 4, 5], [0.5, 0.5, 0.5, 0.3])
    assert best_curve(trials, 4) == ([4, 5], [0.5, 0.3])
    assert best_curve(trials[:1]) == ([], [])


def test_spread_is_that_of_landings_of_the_same_parameters(run: Path) -> None:
    (view,) = viewed(run)
    again = [shown(n, 0.1, True, (0.01 * (-1) ** n, 1.0 + 0.03 * (-1) ** n)) for n in range(1, 9)]

    def spread_of(some: Sequence[Shown]) -> Spread | None:
        return Spread.of(replace(view, trials=tuple(one.trial for one in some)))

    spread = spread_of(again)
    assert spread is not None
    assert (spread.x, spread.y) == pytest.approx((0.01 * (8 / 7) ** 0.5, 0.03 * (8 / 7) ** 0.5))
    assert (spread.landings, spread.sets) == (8, 1)
    assert spread_of(again[:3]) is None
    assert spread_of([shown(n, None, True) for n in range(9)]) is None
