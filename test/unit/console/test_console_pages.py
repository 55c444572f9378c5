"""The console's pages in a real browser: what a person sees, with the mouse, the keyboard and while a run goes on."""

import math
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import made_up_runs
import pytest
from console_process import PATIENCE, Console, console, needs_browser
from made_up_runs import FIRST, WORDS, landed, make_run

pytest.importorskip('nicegui', reason='the console needs the extra "console"')
pytest.importorskip('playwright', reason='a browser is driven by Playwright, of the extra "dev"')
pytestmark = needs_browser

from llm_policy_improver.console.arm_scene import replay_data
from llm_policy_improver.core.chat import Ending, Exchange
from llm_policy_improver.core.policy import Program
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import Step
from llm_policy_improver.report.page import report_page
from llm_policy_improver.report.run_view import views_of
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import RunSettings
from llm_policy_improver.runs.writer_lock import Part
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.tracing.motion import Motion
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples
from llm_policy_improver.tasks.ball_rounds import rounds_objective

TRIALS = 20
HOSTILE = (
    '</script><script>window.hit=1</script><img src=x onerror="window.hit=2">${window.hit=3}`{{constructor}}&lt;b&gt;'
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('runs')
    make_run(root / 'one', TRIALS)
    make_run(root / 'other', 9)
    return root


@pytest.fixture(scope='module')
def opened(folder: Path) -> Iterator[Console]:
    with console(folder) as running:
        yield running


def open_run(page: Any, opened: Console, **query: object) -> None:
    page.goto(opened.page(f'/run?{urlencode({"name": "one", **query})}'))
    page.wait_for_selector('.landing-map circle[data-trial]')
    page.wait_for_function('!document.querySelector(".replay button").disabled')


def chosen(page: Any) -> str:
    return str(page.locator('h2', has_text='Trial ').first.inner_text())


def wait_for_trial(page: Any, number: int, of: int = TRIALS) -> None:
    page.get_by_role('heading', name=f'Trial {number} of {of}').wait_for()


def axis_1(page: Any) -> float:
    """rad, of the first hinge of the arm as the browser draws it; infinite while there is none."""
    scene = page.locator('.nicegui-scene').get_attribute('id').removeprefix('c')
    found = page.evaluate(
        '(scene) => { let turned = null; getElement(Number(scene)).objects.get("scene").mesh.traverseVisible((each) => '
        '{ if (each.name === "axis_1") turned = each.rotation.z; }); return turned; }',
        scene,
    )
    return math.inf if found is None else float(found)


def wait_for_axis_1(page: Any, wanted: float) -> None:
    """The browser draws the hinge there, sooner or later."""
    end = time.monotonic() + PATIENCE / 1000
    while abs(axis_1(page) - wanted) > 0.01:
        assert time.monotonic() < end, f'{axis_1(page)} rad, expected {wanted}'
        page.wait_for_timeout(50)


def test_folder_lists_its_runs_newest_first_and_opens_one(page: Any, opened: Console) -> None:
    page.goto(opened.page('/'))
    page.wait_for_selector('table.runs tbody tr')
    rows = page.locator('table.runs tbody tr')
    assert rows.count() == 2
    assert rows.nth(0).locator('a').inner_text() == 'other'
    cells = rows.nth(1).inner_text()
    for told in ('one', 'ended', WORDS, 'least_squares', str(TRIALS)):
        assert told in cells
    page.get_by_role('link', name='one').click()
    page.wait_for_selector('.landing-map circle[data-trial]')


def test_run_shows_the_landings_that_were_stored(page: Any, opened: Console) -> None:
    open_run(page, opened)
    trials = [landed(number) for number in range(1, TRIALS + 1)]
    expected = {str(n): each for n, each in enumerate(trials, 1) if each.succeeded}
    circles = page.locator('.landing-map circle[data-trial]')
    shown = {each.get_attribute('data-trial'): each for each in circles.all()}
    assert shown.keys() == expected.keys()
    for number, trial in expected.items():
        assert float(shown[number].get_attribute('cx')) == pytest.approx(100 * trial.measures['landing_x'], abs=0.02)
        assert float(shown[number].get_attribute('cy')) == pytest.approx(-100 * trial.measures['landing_y'], abs=0.02)
    failed = page.locator('p.failed button')
    assert failed.all_inner_texts() == ['7', '14']


def test_banner_tells_where_it_was_played_and_whether_it_gets_better(page: Any, opened: Console) -> None:
    open_run(page, opened)
    banner = page.locator('.banner').inner_text()
    assert 'Played in simulation' in banner
    assert 'Ended, or interrupted' in banner
    assert WORDS in banner
    assert 'in the far left corner' in banner
    assert 'Better, and not by luck' in banner


def part_shown(page: Any) -> str:
    pressed = page.get_by_role('group', name='Part of the table').locator('[aria-pressed="true"]')
    return str(pressed.inner_text())


def width_shown(page: Any) -> float:
    """cm, of the part of the table in the picture."""
    return float(page.locator('.landing-map > svg').get_attribute('viewBox').split()[2])


def test_landings_that_crowd_are_shown_enlarged_and_the_whole_half_by_one_click(page: Any, opened: Console) -> None:
    open_run(page, opened)
    assert part_shown(page) == 'Around the best'
    assert width_shown(page) < 60.0
    assert 'lie outside' in page.locator('.landing-map .tools').inner_text()
    page.get_by_role('button', name='Whole half').click()
    assert width_shown(page) > 150.0
    page.get_by_role('button', name='Around the best').click()
    assert width_shown(page) < 60.0


def test_enlarged_part_gives_way_to_a_chosen_trial_outside_unless_somebody_picked_it(
    page: Any, opened: Console
) -> None:
    open_run(page, opened, trial=1)
    assert part_shown(page) == 'Whole half'
    page.get_by_role('button', name='Best', exact=True).click()
    wait_for_trial(page, TRIALS)
    assert part_shown(page) == 'Around the best'
    page.get_by_role('button', name='Around the best').click()
    page.locator('.trial-table summary').click()
    page.get_by_role('button', name='Choose trial 1', exact=True).click()
    wait_for_trial(page, 1)
    assert part_shown(page) == 'Around the best'


def test_few_landings_are_enlarged_once_the_run_is_at_its_end(page: Any, tmp_path: Path) -> None:
    for name in ('goes_on', 'ended'):
        with RunStore.create(tmp_path / name, {'objective': WORDS, 'simulator': {}}) as store:
            settings = OptimizerSettings(objective=WORDS, trials=9, first_trials=FIRST)
            RunSettings(settings, history=0, objective=parse_objective(WORDS)).store(store)
            for number in range(1, 10):
                made_up_runs.add_trial(store, number)
            if name == 'ended':
                store.add_end('finished', 'all trials were played')
    with console(tmp_path) as opened:
        for name, part in (('goes_on', 'Whole half'), ('ended', 'Around the best')):
            page.goto(opened.page(f'/run?name={name}'))
            page.wait_for_selector('.landing-map circle[data-trial]')
            wait_for_trial(page, 9, of=9)
            assert part_shown(page) == part, name


def test_distant_aim_does_not_keep_landings_from_being_enlarged(page: Any, tmp_path: Path) -> None:
    with RunStore.create(tmp_path / 'astray', {'objective': WORDS, 'simulator': {}}) as store:
        for number in range(1, TRIALS + 1):
            trial = landed(number)
            near_the_middle = {
                name: 0.2 * value + 0.4 * (name == 'landing_y') for name, value in trial.measures.items()
            }
            proposal = Proposal(trial.policy, trial.proposed_by)
            store.add_step(WORDS, Step(number, trial.policy, trial.version, proposal, number))
            store.add_trial(replace(trial, measures=near_the_middle))
    with console(tmp_path) as opened:
        page.goto(opened.page('/run?name=astray'))
        page.wait_for_selector('.landing-map circle[data-trial]')
        assert part_shown(page) == 'Around the best'
        assert width_shown(page) < 30.0
        assert 'the aim as well' in page.locator('.landing-map .tools').inner_text()


def test_aim_has_the_same_sign_in_the_key_as_on_the_table(page: Any, opened: Console) -> None:
    open_run(page, opened)
    assert page.locator('.landing-map > svg polygon.star').count() == 1
    assert page.locator('.landing-map .key polygon.star').count() == 1


def test_a_landing_that_is_clicked_tells_what_was_changed_and_why(page: Any, opened: Console) -> None:
    open_run(page, opened)
    page.get_by_role('button', name='Whole half').click()
    page.locator('.landing-map circle[data-trial="10"]').click(force=True)
    wait_for_trial(page, 10)
    panel = page.locator('.panel')
    panel.get_by_text('Reason of trial 10.').wait_for()
    assert panel.locator('.changes li').count() == 8
    assert 'Changed from trial 9, the best before it' in panel.inner_text()


def test_failed_trial_and_first_trial_say_so(page: Any, opened: Console) -> None:
    open_run(page, opened)
    page.get_by_role('button', name='Trial 14, net').click()
    wait_for_trial(page, 14)
    page.get_by_text('No good return: net. the ball touched the net').wait_for()
    open_run(page, opened, trial=2)
    wait_for_trial(page, 2)
    assert 'One of the first trials' in page.locator('.panel').inner_text()


def test_replay_begins_where_the_clip_has_the_hit_and_of_no_sighting_at_the_beginning() -> None:
    samples = made_up_runs.swing(1)
    assert replay_data(1, samples)['hit'] == pytest.approx(Motion.of(samples).meeting, abs=1e-4)
    assert replay_data(1, TraceSamples())['hit'] == 0.0


def test_replay_moves_the_arm_as_it_was_stored(page: Any, opened: Console) -> None:
    open_run(page, opened, trial=3)
    samples = made_up_runs.swing(3)
    slider = page.get_by_role('slider', name='Time')
    for share in (0.0, 0.5, 1.0):
        moment = round(1.5 * share, 3)
        slider.evaluate(
            '(each, time) => { each.value = time; each.dispatchEvent(new Event("input", {bubbles: true})); }', moment
        )
        wait_for_axis_1(page, samples.joint_position[round(share * (len(samples.joint_time) - 1)), 2])


def test_replay_plays_to_the_end_by_itself(page: Any, opened: Console) -> None:
    open_run(page, opened, trial=3)
    page.get_by_label('Speed').select_option(label='real time')
    page.get_by_role('button', name='From the start').click()
    page.wait_for_function('document.querySelector(".replay output").textContent.startsWith("1.50")')
    page.get_by_role('button', name='Play').wait_for()
    wait_for_axis_1(page, made_up_runs.swing(3).joint_position[-1, 2])


def drawn(page: Any) -> int:
    """Pictures that the scene has drawn so far."""
    scene = page.locator('.nicegui-scene').get_attribute('id').removeprefix('c')
    return int(page.evaluate('(scene) => getElement(Number(scene)).renderer.info.render.frame', scene))


def test_scene_is_drawn_while_something_moves_in_it_and_hardly_otherwise(page: Any, opened: Console) -> None:
    open_run(page, opened, trial=3)
    page.wait_for_function('!document.querySelector(".replay button").disabled')
    at_rest, end = 100, time.monotonic() + PATIENCE / 1000
    while at_rest > 3:  # anew now and then, for what nobody told it of
        assert time.monotonic() < end, f'{at_rest} pictures in 3 s at rest'
        before = drawn(page)
        page.wait_for_timeout(3000)
        at_rest = drawn(page) - before
    assert at_rest >= 1
    page.get_by_label('Speed').select_option(label='0.05 ×')
    page.get_by_role('button', name='From the start').click()
    before = drawn(page)
    page.wait_for_timeout(3000)
    assert drawn(page) - before > 5 * at_rest
    page.get_by_role('button', name='Pause').click()
    before = drawn(page)
    page.get_by_label('Seen from').select_option(label='above')
    page.wait_for_timeout(1000)
    assert drawn(page) > before, 'it is seen from elsewhere'


def test_two_trials_are_replayed_beside_each_other(page: Any, opened: Console) -> None:
    open_run(page, opened, trial=3)
    page.get_by_label('Beside it').select_option(label='trial 20')
    page.wait_for_function(
        '() => { let seen = 0; const id = document.querySelector(".nicegui-scene").id.slice(1); '
        'getElement(Number(id)).objects.get("scene").mesh.traverse((each) => '
        '{ if (each.name === "arm" && each.visible) seen++; }); return seen === 2; }'
    )


def test_the_keyboard_alone_opens_a_run_steps_through_trials_and_plays_one(page: Any, opened: Console) -> None:
    page.goto(opened.page('/'))
    page.wait_for_selector('table.runs tbody tr')

    def tab_to(words: str) -> None:
        for _ in range(60):
            page.keyboard.press('Tab')
            name = page.evaluate('(({ariaLabel, innerText}) => ariaLabel || innerText)(document.activeElement)')
            if name == words:
                assert page.evaluate('getComputedStyle(document.activeElement).outlineStyle') != 'none'
                return
        raise AssertionError(f'{words} is not reached')

    tab_to('one')
    page.keyboard.press('Enter')
    page.wait_for_selector('.landing-map circle[data-trial]')
    page.wait_for_function('!document.querySelector(".replay button").disabled')
    tab_to('Newest')
    page.keyboard.press('Enter')
    wait_for_trial(page, TRIALS)
    page.keyboard.press('ArrowLeft')
    wait_for_trial(page, TRIALS - 1)
    page.keyboard.press('ArrowRight')
    wait_for_trial(page, TRIALS)
    tab_to('Play')
    page.keyboard.press('Space')
    page.get_by_role('button', name='Pause').wait_for()


def test_a_table_tells_the_same_as_the_pictures(page: Any, opened: Console) -> None:
    open_run(page, opened)
    page.get_by_text('All trials as a table').click()
    rows = page.locator('.trial-table tbody tr')
    rows.nth(TRIALS - 1).wait_for()
    assert rows.count() == TRIALS
    assert 'net' in rows.nth(6).inner_text()
    first = landed(1).measures
    assert f'({first["landing_x"]:.2f}, {first["landing_y"]:.2f}) m' in rows.nth(0).inner_text()
    page.get_by_role('button', name='Choose trial 2', exact=True).click()
    wait_for_trial(page, 2)


def test_trial_that_another_process_stores_appears_without_a_reload(page: Any, chromium: Any, tmp_path: Path) -> None:
    make_run(tmp_path / 'one', FIRST)
    script = Path(made_up_runs.__file__)
    with console(tmp_path) as opened:
        open_run(page, opened)
        page.evaluate('window.loaded = "once"')
        writer = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / 'one')],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdin is not None
        assert writer.stdout is not None
        try:
            assert writer.stdout.readline() == 'holds\n'
            page.get_by_text('In progress').wait_for()
            page.get_by_label('follow the newest').check()
            for number in range(FIRST + 1, FIRST + 6):
                writer.stdin.write('\n')
                writer.stdin.flush()
                assert int(writer.stdout.readline()) == number
                wait_for_trial(page, number, of=number)
        finally:
            writer.stdin.close()
            writer.wait(timeout=30)
        page.get_by_text('Ended, or interrupted').wait_for()
        assert page.locator('.landing-map circle[data-trial="11"]').count() == 1
        assert page.evaluate('window.loaded') == 'once'
    log = tmp_path / 'one' / 'run.sqlite-wal'
    assert not log.exists() or log.stat().st_size == 0  # who only looks keeps nothing outside the database


def test_run_that_begins_appears_in_the_folder_and_on_its_own_page(page: Any, tmp_path: Path) -> None:
    RunStore.create(tmp_path / 'new', {'objective': WORDS, 'simulator': {}}).close()
    with console(tmp_path) as opened:
        page.goto(opened.page('/run?name=new'))
        page.get_by_text('No trial has been played yet').wait_for()
        with RunStore.open(tmp_path / 'new') as store:
            made_up_runs.add_trial(store, 1)
        wait_for_trial(page, 1, of=1)


def test_runs_are_compared_side_by_side(page: Any, opened: Console) -> None:
    page.goto(opened.page('/'))
    page.get_by_label('Select one').check()
    page.get_by_label('Select other').check()
    page.get_by_role('button', name='Compare').click()
    page.wait_for_selector('.distance-chart path.run')
    figures = page.get_by_role('region', name='Figures of the runs').inner_text()
    assert 'best seen (m)' in figures
    assert '1: other' in figures
    assert '2: one' in figures


def test_nothing_is_asked_of_another_machine(page: Any, opened: Console) -> None:
    for path in ('/', '/run?name=one', '/compare?name=one&name=other'):
        page.goto(opened.page(path))
        page.wait_for_selector('main section')
        page.wait_for_timeout(500)
    own = (f'http://127.0.0.1:{opened.port}/', f'ws://127.0.0.1:{opened.port}/', 'data:', 'blob:')
    assert len(page.requested) > 20
    assert [url for url in page.requested if not url.startswith(own)] == []


@pytest.mark.parametrize('path', ['/', '/run?name=one', '/compare?name=one&name=other'])
def test_on_a_phone_no_page_scrolls_sideways(chromium: Any, opened: Console, path: str) -> None:
    context = chromium.new_context(viewport={'width': 390, 'height': 844})
    page = context.new_page()
    page.goto(opened.page(path))
    page.wait_for_selector('main section')
    page.wait_for_timeout(500)
    assert page.evaluate('document.documentElement.scrollWidth') == 390
    context.close()


def test_colours_follow_the_system_until_somebody_chooses(chromium: Any, opened: Console) -> None:
    context = chromium.new_context(color_scheme='dark')
    page = context.new_page()
    page.goto(opened.page('/'))
    page.wait_for_selector('body.body--dark')
    page.get_by_label('Colours').select_option('light')
    page.wait_for_selector('body.body--light')
    page.reload()
    page.wait_for_selector('main section')
    page.wait_for_selector('body.body--light')
    context.close()


def test_hostile_text_of_a_run_is_shown_as_text(page: Any, tmp_path: Path) -> None:
    name = '<img src=x onerror=window.hit=4>'
    messages = (('system', HOSTILE), ('user', HOSTILE))
    exchange = Exchange(messages, HOSTILE, HOSTILE, 10, 20, 1.5, HOSTILE, Ending.ACCEPTED)
    with RunStore.create(tmp_path / name, {'objective': WORDS, 'simulator': {}}) as store:
        for number in range(1, 9):
            trial = replace(landed(number), note=HOSTILE, proposed_by=HOSTILE)
            proposal = Proposal(trial.policy, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, exchanges=(exchange,))
            store.add_step(WORDS, Step(number, trial.policy, trial.version, proposal, number))
            store.add_trial(trial)
    with console(tmp_path) as opened:
        page.goto(opened.page('/'))
        page.get_by_role('link', name=name).click()
        page.wait_for_selector('.landing-map circle[data-trial]')
        for number in (7, 8):
            page.goto(opened.page(f'/run?{urlencode({"name": name, "trial": number})}'))
            wait_for_trial(page, number, of=8)
            page.locator('.panel').get_by_text(HOSTILE).first.wait_for()
            for fold in page.locator('.panel summary').all():
                fold.click()
            page.locator('.panel pre', has_text='onerror').nth(2).wait_for()
            page.wait_for_timeout(300)
            assert page.locator('.panel pre').first.inner_text() == HOSTILE
            assert page.locator('main img, main script').count() == 0
            assert page.evaluate('window.hit') is None
        page.goto(opened.page(f'/compare?{urlencode({"name": name})}'))
        page.wait_for_selector('.distance-chart path.run')
        assert page.evaluate('window.hit') is None
        page.goto(opened.page(f'/run?{urlencode({"name": HOSTILE})}'))
        page.get_by_text('There is no run called').wait_for()
        assert page.evaluate('window.hit') is None


def test_link_with_a_token_opens_the_console_and_keeps_it_open(chromium: Any, folder: Path) -> None:
    with console(folder, '--host', '127.0.0.1') as guarded:
        context = chromium.new_context()
        page = context.new_page()
        assert page.goto(guarded.page('/')).status == 401
        page.goto(guarded.link)
        page.wait_for_selector('table.runs tbody tr')
        assert 'token' not in page.url
        page.get_by_role('link', name='one').click()
        page.wait_for_selector('.landing-map circle[data-trial]')
        assert page.evaluate('document.cookie') == ''
        context.close()


@pytest.mark.parametrize(('scheme', 'width'), [('light', 1300), ('dark', 390)])
def test_axe_finds_no_serious_barrier(chromium: Any, opened: Console, scheme: str, width: int) -> None:
    axe = pytest.importorskip('axe_playwright_python.sync_playwright', reason='axe-core is of the extra "dev"')
    context = chromium.new_context(viewport={'width': width, 'height': 900}, color_scheme=scheme)
    page = context.new_page()
    for path in ('/', '/run?name=one', '/run?name=one&trial=7', '/compare?name=one&name=other', '/run?name=none'):
        page.goto(opened.page(path))
        page.wait_for_selector('#content')
        page.wait_for_timeout(500)
        for fold in page.locator('summary').all():
            fold.click()
        found = axe.Axe().run(page).response['violations']
        assert [each['id'] for each in found if each['impact'] in {'serious', 'critical'}] == []
    context.close()


def test_run_whose_settings_are_not_known_says_so_in_a_sentence(page: Any, tmp_path: Path) -> None:
    with RunStore.create(tmp_path / 'odd', {'objective': WORDS, 'simulator': {}}) as store:
        store.add_settings({'optimizer': {'of_a_later_version': 1}})
        made_up_runs.add_trial(store, 1)
    with console(tmp_path) as opened:
        page.goto(opened.page('/run?name=odd'))
        page.locator('.trouble', has_text='of_a_later_version').wait_for()


def test_objective_that_no_program_measures_is_shown_without_a_verdict(page: Any, tmp_path: Path) -> None:
    with RunStore.create(tmp_path / 'odd', {'objective': 'with some elegance', 'simulator': {}}) as store:
        trial = landed(1)
        store.add_step('with some elegance', Step(1, trial.policy, 1, Proposal(trial.policy, 'initial'), 1))
        store.add_trial(trial)
    with console(tmp_path) as opened:
        page.goto(opened.page('/run?name=odd'))
        page.get_by_text('whether it gets better is for people to say').wait_for()
        wait_for_trial(page, 1, of=1)


def add_programs(store: RunStore) -> None:
    """A run whose one program plays three balls."""
    settings = OptimizerSettings(objective=WORDS, method='prompt_po', model='m', vary_balls=True, balls=2, trials=3)
    program = Program('class Policy:\n    def act(self, obs):\n        return [1.0] * 8 + [0.0] * 8\n', 'Policy')
    objective = rounds_objective(parse_objective(WORDS))
    RunSettings(settings, history=0, objective=objective).store(store)
    proposal = Proposal(program, 'prompt_po:m', reason='All joints as they are.')
    store.add_step(objective.words, Step(1, program, 4, proposal, 3))
    for number in (1, 2, 3):
        store.add_trial(replace(landed(number), policy=program, version=4, proposed_by='prompt_po:m'))


def test_run_of_programs_shows_each_ball_with_the_program_that_played_it(page: Any, tmp_path: Path) -> None:
    with RunStore.create(tmp_path / 'programs', {'simulator': {}}) as store:
        add_programs(store)
    with console(tmp_path / 'programs') as opened:
        for number in (1, 3):
            page.goto(opened.page(f'/?trial={number}'))
            wait_for_trial(page, number, of=3)
            page.get_by_text('All joints as they are.').first.wait_for()
            page.get_by_text('Its program').click()
            assert page.get_by_role('region', name='Program').inner_text().startswith('class Policy')


def test_run_of_numbers_after_one_of_programs_in_the_same_store_is_shown(page: Any, tmp_path: Path) -> None:
    with RunStore.create(tmp_path / 'both', {'simulator': {}}) as store:
        add_programs(store)
        settings = OptimizerSettings(objective=WORDS, trials=10, first_trials=2)
        RunSettings(settings, history=3, objective=parse_objective(WORDS)).store(store)
        for number in range(2, 12):
            made_up_runs.add_trial(store, number)
    with RunStore.open(tmp_path / 'both') as store:
        report = report_page(views_of(store))
    assert report.count('<section class="run"') == 2
    with console(tmp_path) as opened:
        page.goto(opened.page('/run?name=both'))
        page.locator('h2', has_text=' of 10').wait_for()  # the balls of programs are not among them


def test_run_that_has_ended_does_not_go_on_while_its_process_lives(page: Any, tmp_path: Path) -> None:
    with RunStore.create(tmp_path / 'one', {'objective': WORDS, 'simulator': {}}) as store:
        store.hold(Part.TRIALS)
        settings = OptimizerSettings(objective=WORDS, trials=9, first_trials=FIRST)
        RunSettings(settings, history=0, objective=parse_objective(WORDS)).store(store)
        for number in range(1, 10):
            made_up_runs.add_trial(store, number)
        with console(tmp_path) as opened:
            page.goto(opened.page('/run?name=one'))
            page.get_by_text('In progress', exact=True).wait_for()
            assert page.locator('.pill.on').count() == 1
            store.add_end('finished', 'all trials were played')
            page.get_by_text('Finished', exact=True).wait_for()
            assert page.locator('.pill.on').count() == 0
