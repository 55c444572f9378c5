"""The console beside nodes that run, in a real browser: objective, decisions, arming, stopping; simulation and arm."""

import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')
pytest.importorskip('nicegui', reason='the console needs the extra "console"')
pytest.importorskip('playwright', reason='a browser is driven by Playwright, of the extra "dev"')

from chat_server import ChatServer, good
from console_cell import console_cell
from console_process import browser, console, fresh_page, needs_browser, tab_to

from llm_policy_improver.core.audit import Decision
from llm_policy_improver.runs.run_records import RunRecords

pytestmark = needs_browser

PATIENCE = 60_000
"""ms, for what appears sooner or later on a machine that is busy."""
REASON = 'the wrist turns too fast'


@pytest.fixture(scope='module')
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    with fresh_page(chromium, 1200, PATIENCE) as page:
        yield page


def card(page: Any) -> Any:
    return page.get_by_role('region', name='The arm')


def bar(page: Any) -> Any:
    return page.get_by_role('region', name='The robot')


def press(page: Any, name: str) -> None:
    page.get_by_role('button', name=name).click()


def begin(page: Any, words: str) -> None:
    card(page).get_by_label('In plain words').fill(words)
    press(page, 'What is understood?')
    page.get_by_role('button', name='Begin').wait_for()


def waits(page: Any, version: int) -> None:
    card(page).get_by_text(f'{version}, by ').wait_for()


def decided(folder: Path) -> dict[int, Decision]:
    with RunRecords.look(folder) as records:
        return {each.audit.version: each.audit.decision for each in records.audits() if each.audit.decided_by}


def test_simulation_is_improved_from_the_page(page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    tried = iter(range(1, 100))
    with (
        ChatServer(default=lambda request: good([1.0 + 0.01 * next(tried)] * 8)) as server,
        console_cell(tmp_path, model='m', base_url=server.url, trials='8', first_trials='2') as cell,
    ):
        page.goto(cell.console.page('/'))
        bar(page).get_by_text('Simulation', exact=True).wait_for()
        bar(page).get_by_text('armed, waits for a ball').wait_for()
        begin(page, 'far left corner')
        card(page).get_by_text('in the far left corner').wait_for()
        card(page).get_by_text('8 trials would start').wait_for()
        assert not decided(cell.run), 'nothing begins before it is confirmed'
        press(page, 'Begin')
        waits(page, 1)
        press(page, 'Let it play')
        waits(page, 2)
        page.get_by_role('link', name='Open this run').click()
        press(page, 'Let it play')
        page.locator('.landing-map circle[data-trial="2"]').wait_for()
        waits(page, 3)
        press(page, 'Reject it')
        card(page).get_by_text('Reason is empty').wait_for()
        page.get_by_label('Why (a rejection').fill(REASON)
        press(page, 'Reject it')
        waits(page, 4)
        assert any(REASON in str(request['messages']) for request in server.requests)
        card(page).get_by_text('the best so far').wait_for()  # from the store, beside what the nodes say
        page.get_by_text('Put other numbers in its place').click()
        page.get_by_label('g (axis_5)').fill('1.111')
        press(page, 'Let it play')
        page.locator('.landing-map circle[data-trial="3"]').wait_for()
        press(page, 'End the run')
        card(page).get_by_text('The last run is cancelled').wait_for()
        ours = (cell.console.page(''), 'data:', 'blob:')
        assert all(url.startswith(ours) for url in page.requested)
        assert page.faults == []
    found = decided(cell.run)
    assert [found[version] for version in (1, 2, 3, 4)] == [
        Decision.APPROVED, Decision.APPROVED, Decision.REJECTED, Decision.EDITED,
    ]  # fmt: skip
    with RunRecords.look(cell.run) as records:
        assert records.trials()[2].plain['g'] == 1.111


def test_the_keyboard_alone_stops_resumes_arms_begins_and_decides(page: Any, tmp_path: Path) -> None:
    with console_cell(tmp_path, trials='6', first_trials='3') as cell:
        page.goto(cell.console.page('/'))
        bar(page).get_by_text('armed, waits for a ball').wait_for()
        page.get_by_label('In plain words').wait_for()
        tab_to(page, 'In plain words')
        page.keyboard.type('far ')
        page.keyboard.press('Escape')
        bar(page).get_by_text('stopped by a person', exact=True).wait_for()
        bar(page).get_by_text('emergency stop: the arm is commanded to stand still').wait_for()
        for name, state in (('Resume', 'disarmed: it stands'), ('Arm ...', '')):
            page.get_by_role('button', name=name).wait_for()
            tab_to(page, name)
            page.keyboard.press('Enter')
            if state:
                bar(page).get_by_text(state).wait_for()
        page.get_by_role('button', name='Yes, arm it').wait_for()
        tab_to(page, 'Yes, arm it')
        page.keyboard.press('Enter')
        bar(page).get_by_text('armed, waits for a ball').wait_for()
        tab_to(page, 'In plain words')  # what was typed is still there, whatever changed around it
        page.keyboard.press('End')
        page.keyboard.type('right')
        page.keyboard.press('Enter')
        card(page).get_by_text('as far right as possible').wait_for()
        page.get_by_role('button', name='Begin').wait_for()
        tab_to(page, 'Begin')
        page.keyboard.press('Enter')
        waits(page, 1)
        tab_to(page, 'Let it play')
        page.keyboard.press('Enter')
        waits(page, 2)
        tab_to(page, 'Why (a rejection')
        page.keyboard.type(REASON)
        tab_to(page, 'Reject it')
        page.keyboard.press('Enter')
        waits(page, 3)
        tab_to(page, 'Put other numbers')
        page.keyboard.press('Enter')
        tab_to(page, 'a (slide_y)')
        page.keyboard.press('Control+A')
        page.keyboard.type('1.234')
        tab_to(page, 'Let it play')
        page.keyboard.press('Enter')
        waits(page, 4)
        tab_to(page, 'Emergency stop')
        page.keyboard.press('Enter')
        bar(page).get_by_text('stopped by a person', exact=True).wait_for()
    assert decided(cell.run) == {1: Decision.APPROVED, 2: Decision.REJECTED, 3: Decision.EDITED}


@pytest.mark.real_time
def test_stand_in_arm_is_operated_by_whoever_has_the_link_and_stopped_by_everybody(page: Any, tmp_path: Path) -> None:
    with console_cell(tmp_path, stand_in=True, trials='6', first_trials='3', method='least_squares') as cell:
        page.goto(cell.console.page('/'))
        bar(page).get_by_text('Stand-in arm: nothing physical moves', exact=True).wait_for()
        bar(page).get_by_text('First choice: the button on the cabinet.').wait_for()
        card(page).get_by_text("for people with the operator's link").wait_for()
        # Not hidden but not there: a browser can click on what is hidden.
        for name in ('Arm ...', 'Yes, arm it', 'Resume', 'What is understood?'):
            assert page.get_by_role('button', name=name, include_hidden=True).count() == 0
        assert page.get_by_role('button', name='Disarm', include_hidden=True).count() == 1
        page.goto(cell.operator)
        page.get_by_role('button', name='Arm ...').wait_for()
        assert 'token' not in page.url
        arm(page)
        begin(page, 'far left corner')
        press(page, 'Begin')
        waits(page, 1)
        card(page).get_by_text('Rehearsal', exact=True).wait_for()
        press(page, 'Let it play')
        waits(page, 2)
        assert decided(cell.run) == {1: Decision.APPROVED}
        press(page, 'Emergency stop')
        bar(page).get_by_text('stopped by a person', exact=True).wait_for()
        press(page, 'Let it play')  # an approved proposal waits for an arm that is ready
        page.wait_for_timeout(500)
        page.get_by_role('button', name='Resume').click()
        arm(page)
        stand_in = cell.nodes['stand_in_arm']
        stand_in.signal(signal.SIGSTOP)
        bar(page).get_by_text('stopped by a fault', exact=True).wait_for()
        card(page).get_by_text('Resuming moves nothing').wait_for()
        bar(page).get_by_text('Stopped: ').wait_for()
        stand_in.signal(signal.SIGCONT)
        page.get_by_role('button', name='Resume').wait_for()


def arm(page: Any) -> None:
    """Until it is ready: right after a stop it is refused for a moment, and says why."""
    ready = bar(page).get_by_text('armed, ')
    for _ in range(40):
        if ready.is_visible():
            return
        for name in ('Resume', 'Arm ...', 'Yes, arm it'):
            button = page.get_by_role('button', name=name)
            if button.is_visible():
                button.click()
                page.wait_for_timeout(300)
        page.wait_for_timeout(500)
    raise AssertionError(f'not armed: {card(page).inner_text()}')


def test_without_nodes_the_page_says_so_and_the_stop_fails_aloud(page: Any, tmp_path: Path) -> None:
    with console(tmp_path, '--ros', '--config', 'sim.yaml', '--namespace', '/nobody_is_here') as opened:
        page.goto(opened.page('/'))
        bar(page).get_by_text('No controller', exact=True).wait_for()
        press(page, 'Emergency stop')
        bar(page).get_by_text('nobody serves /nobody_is_here/controller/emergency_stop').wait_for()
        opened.process.send_signal(signal.SIGSTOP)
        bar(page).get_by_text('This page has lost its console').wait_for()
        opened.process.send_signal(signal.SIGCONT)


def test_stop_is_behind_the_door(tmp_path: Path) -> None:
    def stop(opened: Any, **headers: str) -> int:
        request = urllib.request.Request(opened.page('/emergency_stop'), b'', headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    beside = ('--ros', '--config', 'sim.yaml', '--namespace', '/nobody_is_here')
    with console(tmp_path, *beside) as opened:
        assert stop(opened) == 503
        assert stop(opened, Origin='http://evil.example') == 403
        assert stop(opened, Host='evil.example') == 421
    with console(tmp_path, *beside, '--host', '127.0.0.1') as opened:
        assert stop(opened) == 401


@pytest.mark.parametrize(('scheme', 'width'), [('light', 1300), ('dark', 390)])
def test_axe_finds_no_serious_barrier_beside_nodes(chromium: Any, tmp_path: Path, scheme: str, width: int) -> None:
    axe = pytest.importorskip('axe_playwright_python.sync_playwright', reason='axe-core is of the extra "dev"')
    context = chromium.new_context(viewport={'width': width, 'height': 900}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()

    def look(what: str) -> None:
        found = axe.Axe().run(page).response['violations']
        bad = [each['id'] for each in found if each['impact'] in ('serious', 'critical')]
        assert bad == [], what
        assert page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), what

    with console_cell(tmp_path, trials='6', first_trials='3') as cell:
        page.goto(cell.console.page('/'))
        bar(page).get_by_text('armed, waits for a ball').wait_for()
        begin(page, 'far right')
        look('understood')
        press(page, 'Begin')
        waits(page, 1)
        look('a proposal')
        press(page, 'Emergency stop')
        page.get_by_role('button', name='Resume').wait_for()
        look('stopped')
        press(page, 'Resume')
        press(page, 'Arm ...')
        page.get_by_role('button', name='Yes, arm it').wait_for()
        look('before it is armed')
    context.close()
