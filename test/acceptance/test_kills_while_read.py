"""Runs killed in the middle of a trial while others read them: nothing is lost, and nobody waits for anybody."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from console_process import browser, console, needs_browser

from llm_policy_improver.report.page import report_page
from llm_policy_improver.report.run_view import views_of
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.runs.summary import INTERRUPTED, summary
from llm_policy_improver.runs.verify import verify

TRIALS = 120
COMMAND = [sys.executable, '-m', 'llm_policy_improver']
LONG = 120.0


def report(folder: Path) -> int:
    """Trials on the page of a run; 0 before its first one."""
    try:
        with closing(RunRecords.look(folder)) as store:
            views = [view for view in views_of(store) if view.shown]
            assert store.damage == ()
            page = report_page(views) if views else ''
    except StoreError:  # there is none yet: the caller sees to it that there will be
        return 0
    shown = len(views[0].shown) if views else 0
    assert page.count('<tr><td class="number">') == shown
    return shown


def killed_while_read(folder: Path, number: int, drawn: random.Random, read: Callable[[], int]) -> bool:
    """A run is killed while somebody reads it, and goes on; whether there was something to go on with.

    Args:
        folder: of the run.
        number: of the case, which is the run's seed, too.
        drawn: says when.
        read: reads it, and gives the trials that were seen.
    """
    options = ['--trials', str(TRIALS), '--method', 'random_search', '--all-trials', '--seed', str(number)]
    play = [*COMMAND, 'improve', 'far left', *options, '--json', '--output', str(folder)]
    with subprocess.Popen(play, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        # By trials, as a loaded machine takes its time to start.
        until, end, seen = drawn.randint(0, TRIALS - 40), time.monotonic() + LONG, 0
        while run.poll() is None and (seen < until or not folder.is_dir()):
            assert time.monotonic() < end
            grown = read()
            assert grown >= seen
            seen = grown
            if not grown:
                time.sleep(0.01)  # it is being started
        time.sleep(drawn.uniform(0.0, 0.05))
        run.kill()
    before = trials_of(folder)
    assert len(before) >= seen
    found = verify(folder)
    # The file of the trial under way may be there without its row, or a part of it: whoever goes on takes it away.
    left = {f'trials/{len(before) + 1:04d}.mcap', 'trials/.writing.mcap'}
    assert found.damaged == (), found
    assert {orphan.record for orphan in found.orphans} <= left, found
    if summary(folder).state != INTERRUPTED or not before:
        return False
    went_on = subprocess.run(
        [*COMMAND, 'resume', str(folder), '--json'], capture_output=True, text=True, timeout=LONG, check=False
    )
    assert went_on.returncode == 0, went_on.stderr
    assert json.loads(went_on.stdout.splitlines()[-1])['type'] == 'summary'
    after = trials_of(folder)
    assert after[: len(before)] == before
    assert len(after) == TRIALS
    assert verify(folder).sound
    return True


def test_run_that_is_killed_while_it_is_reported_on_loses_nothing(
    tmp_path: Path, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    drawn, reports, interrupted = random.Random(0), 0, 0
    kills = int(pytestconfig.getoption('read_kills'))
    for number in range(kills):
        folder = tmp_path / f'run{number}'

        def read(folder: Path = folder) -> int:
            nonlocal reports
            found = report(folder)
            reports += bool(found)
            return found

        if killed_while_read(folder, number, drawn, read):
            interrupted += 1
            assert report(folder) == TRIALS
    assert interrupted > 0
    record_property(
        'runs killed while they are reported on',
        f'{kills} cases, 0 failures; {reports} reports meanwhile, {interrupted} runs went on',
    )


@needs_browser
def test_run_that_is_killed_while_the_console_shows_it_loses_nothing(
    tmp_path: Path, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    pytest.importorskip('nicegui', reason='the console needs the extra "console"')
    pytest.importorskip('playwright', reason='a browser is driven by Playwright, of the extra "dev"')
    drawn, seen, interrupted = random.Random(1), set[tuple[int, int]](), 0
    kills = int(pytestconfig.getoption('read_kills'))
    with browser() as chromium, console(tmp_path) as opened:
        page = chromium.new_page()
        for number in range(kills):
            folder = tmp_path / f'run{number}'

            def read(folder: Path = folder, number: int = number) -> int:
                """Trials that the page shows, which follows the run by itself."""
                if not folder.is_dir():
                    return 0
                address = opened.page(f'/run?name={folder.name}')
                heading = page.locator('.stepper h2')
                if not (page.url.startswith(address) and heading.count()):  # there may be a folder and no run yet
                    page.goto(address)
                page.wait_for_timeout(20)
                told = heading.first.inner_text() if heading.count() else ''
                shown = int(told.rpartition(' of ')[2] or 0) if ' of ' in told else 0
                seen.add((number, shown))
                return shown

            if killed_while_read(folder, number, drawn, read):
                interrupted += 1
                page.get_by_text(f'of {TRIALS}', exact=False).first.wait_for()  # and follows whoever has gone on
    assert interrupted > 0
    record_property(
        'runs killed while the console shows them',
        f'{kills} cases, 0 failures; {len(seen)} states of the page meanwhile, {interrupted} runs went on',
    )


def trials_of(folder: Path) -> list[tuple[int, str, object]]:
    """What makes the trials of a run."""
    try:
        with closing(RunRecords.look(folder)) as store:
            return [(trial.number, str(trial.outcome), dict(trial.measures)) for trial in store.trials()]
    except StoreError:
        return []
