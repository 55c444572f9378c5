"""A run from the page, in a real browser: an objective in words; proposals let through, edited, rejected; a stop."""

from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, good
from console_process import PATIENCE, Console, console, needs_browser, tab_to

pytest.importorskip('nicegui', reason='the console needs the extra "console"')
pytest.importorskip('playwright', reason='a browser is driven by Playwright, of the extra "dev"')
pytestmark = needs_browser

from llm_policy_improver.core.audit import Decision
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.summary import INTERRUPTED, summary

REASON = 'the wrist turns too fast'


def say(page: Any, opened: Console, words: str, trials: int, first: int, *, approved: bool = True) -> None:
    """State an objective, and have it read."""
    page.goto(opened.page('/'))
    page.get_by_role('link', name='New run').click()
    page.get_by_label('In plain words').fill(words)
    page.get_by_label('Trials', exact=True).fill(str(trials))
    page.get_by_label('Of these first ones').fill(str(first))
    page.get_by_label('I let each proposal play').set_checked(approved)
    page.get_by_role('button', name='What is understood?').click()


def begin(page: Any) -> None:
    page.get_by_role('button', name='Begin').click()
    page.get_by_role('region', name='This run').wait_for()


def waits(page: Any, version: int) -> None:
    # Before its first proposal a run computes what it knows of the arm, which takes long on a busy machine.
    page.get_by_role('region', name='This run').get_by_text(f'{version}, by ').wait_for(timeout=3 * PATIENCE)


def run_in(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def test_person_lets_play_rejects_edits_and_the_next_prompt_holds_the_reason(
    page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    tried = iter(range(1, 100))
    with (
        ChatServer(default=lambda request: good([1.0 + 0.01 * next(tried)] * 8)) as server,
        console(tmp_path, '--model', 'm', '--base-url', server.url) as opened,
    ):
        say(page, opened, 'far left corner', trials=5, first=2)
        page.get_by_text('in the far left corner').wait_for()
        assert list(tmp_path.iterdir()) == [], 'nothing plays before it is confirmed'
        begin(page)
        for version in (1, 2):
            waits(page, version)
            page.get_by_role('button', name='Let it play').click()
        waits(page, 3)
        page.get_by_role('button', name='Reject it').click()
        page.get_by_text('Reason is empty').wait_for()
        page.get_by_label('Why (a rejection').fill(REASON)
        page.get_by_role('button', name='Reject it').click()
        waits(page, 4)
        page.get_by_text('Put other numbers in its place').click()
        page.get_by_label('g (axis_5)').fill('1.111')
        page.get_by_role('button', name='Let it play').click()
        while page.get_by_role('region', name='This run').get_by_text('The run has ended').count() == 0:
            ready = page.get_by_role('button', name='Let it play')
            if ready.count() and ready.is_visible():
                ready.click()
            page.wait_for_timeout(200)
        prompts = [str(request['messages']) for request in server.requests]
        assert all(url.startswith(opened.page('')) or url.startswith(('data:', 'blob:')) for url in page.requested)
    assert any(REASON in prompt for prompt in prompts)
    with RunRecords.look(run_in(tmp_path)) as store:
        decisions = [each.audit.decision for each in store.audits() if each.audit.decided_by]
        played = [trial.plain['g'] for trial in store.trials()]
    assert Decision.REJECTED in decisions
    assert 1.111 in played


def test_the_keyboard_alone_begins_a_run_and_lets_a_proposal_play(page: Any, tmp_path: Path) -> None:
    with console(tmp_path) as opened:
        page.goto(opened.page('/new'))
        field = page.get_by_label('In plain words')
        field.wait_for()
        field.focus()
        page.keyboard.type('far right')

        tab_to(page, 'I let each proposal play')
        page.keyboard.press('Space')
        tab_to(page, 'What is understood?')
        page.keyboard.press('Enter')
        page.get_by_role('button', name='Begin').wait_for()
        tab_to(page, 'Begin')
        page.keyboard.press('Enter')
        waits(page, 1)
        tab_to(page, 'Let it play')
        page.keyboard.press('Enter')
        waits(page, 2)
        page.locator('.landing-map circle[data-trial="1"]').wait_for()


def test_stopped_run_withdraws_what_waits_and_says_how_it_goes_on(page: Any, tmp_path: Path) -> None:
    with console(tmp_path) as opened:
        say(page, opened, 'far left', trials=6, first=3)
        begin(page)
        waits(page, 1)
        page.get_by_role('button', name='Stop the run').click()
        page.get_by_text('"resume" goes on with it').wait_for()
        assert page.get_by_role('button', name='Let it play').count() == 0
    assert summary(run_in(tmp_path)).state == INTERRUPTED


def test_console_that_ends_stops_its_runs_and_loses_nothing(page: Any, tmp_path: Path) -> None:
    with console(tmp_path) as opened:
        say(page, opened, 'far left', trials=400, first=24, approved=False)
        begin(page)
        page.locator('.landing-map circle[data-trial]').first.wait_for()
    with RunRecords.look(run_in(tmp_path)) as store:
        assert store.damage == ()
        trials = len(store.trials())
    assert 0 < trials < 400
    assert summary(run_in(tmp_path)).state == INTERRUPTED


@pytest.mark.parametrize(
    ('words', 'trials', 'first', 'sentence'),
    [
        ('like a swan', 6, 3, 'swan'),
        ('', 6, 3, 'the objective is empty'),
        ('far left', 3, 3, 'the first ones fewer than that'),
        ('far left', 2000, 3, 'a whole number up to 1,000'),
    ],
)
def test_what_cannot_be_begun_is_a_sentence(
    page: Any, tmp_path: Path, words: str, trials: int, first: int, sentence: str
) -> None:
    with console(tmp_path) as opened:
        say(page, opened, words, trials, first)
        alert = page.get_by_role('alert')
        alert.get_by_text(sentence).wait_for()
        assert page.get_by_role('button', name='Begin').count() == 0
    assert list(tmp_path.iterdir()) == []


def foretold(page: Any, which: str) -> tuple[float, float]:
    """Where the map shows that a ball was expected: the middle of its sign, m."""
    corners = page.locator(f'[data-foretold="{which}"]').get_attribute('d').removeprefix('M').split('l')
    x, top = map(float, corners[0].split())
    return x / 100, -(top + float(corners[1].split()[1])) / 100


def test_map_shows_where_the_next_ball_is_expected_and_where_that_of_a_trial_was(page: Any, tmp_path: Path) -> None:
    with console(tmp_path) as opened:
        say(page, opened, 'far left corner', trials=12, first=8)
        begin(page)
        for version in range(1, 9):
            waits(page, version)
            assert page.locator('[data-foretold]').count() == 0, 'first trials expect nothing'
            page.get_by_role('button', name='Let it play').click()
        waits(page, 9)
        page.locator('[data-foretold="coming"]').wait_for()
        before = foretold(page, 'coming')
        page.locator('.landing-map text', has_text='next').wait_for()
        page.get_by_role('button', name='Let it play').click()
        waits(page, 10)
        page.goto(opened.page(f'/run?name={run_in(tmp_path).name}&trial=9'))
        page.locator('[data-foretold="chosen"]').wait_for()
        assert foretold(page, 'chosen') == pytest.approx(before, abs=1e-3)
    with RunRecords.look(run_in(tmp_path)) as store:
        expected = store.steps()[8].step.proposal.expected
    assert before == pytest.approx((expected['landing_x'], expected['landing_y']), abs=1e-3)


def test_enter_twice_reads_once_and_each_begin_is_of_the_words_above_it(page: Any, tmp_path: Path) -> None:
    with console(tmp_path) as opened:
        page.goto(opened.page('/new'))
        words = page.get_by_label('In plain words')
        words.fill('far right')
        words.press('Enter')
        words.press('Enter')
        page.get_by_role('region', name='What was understood').wait_for()
        page.wait_for_timeout(1000)
        assert page.get_by_role('button', name='Begin').count() == 1


def test_run_that_was_refused_begins_once_there_is_room(page: Any, tmp_path: Path) -> None:
    with console(tmp_path) as opened:
        for _ in range(4):
            say(page, opened, 'far left', trials=6, first=3)
            begin(page)
            waits(page, 1)
            page.wait_for_timeout(1100)  # folders are named by the second
        stopping = page.url
        say(page, opened, 'far left', trials=6, first=3)
        page.get_by_role('button', name='Begin').click()
        page.get_by_text('4 runs play already').wait_for()
        other = page.context.new_page()
        other.goto(stopping)
        other.get_by_role('button', name='Stop the run').click()
        other.get_by_text('The run has ended').wait_for()
        begin(page)
        waits(page, 1)
