"""Makes the pictures of README.md and docs/reports.md anew: a run, its clip, its report and the console,
also beside the stand-in arm.

    python scripts/pictures.py

Needs ROS 2, the extras ``console``, ``video`` and ``dev``, and Chromium.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from llm_policy_improver.nodes.transport import on_this_machine

ROOT: Final = Path(__file__).resolve().parents[1]
IMAGES: Final = ROOT / 'docs' / 'images'
OBJECTIVE: Final = 'far left corner'
PORT: Final = 8971
COMMAND: Final = [sys.executable, '-m', 'llm_policy_improver']
_COLOURS: Final = 256
_FIRST: Final = 9
"""Trials beside the arm before a proposal."""
_KEYED: Final = ('controller', 'trace_logger', 'optimizer')


def main() -> None:
    """Make them all."""
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / 'far-left-corner'
        _call('improve', OBJECTIVE, '--output', run)
        _call('report', run)
        _call('video', run, '--trial', '1', '--beside', '39', '--output', IMAGES / 'clip.gif')
        with sync_playwright() as playwright:
            # Without a graphics card the browser draws the arm by itself.
            arguments = ['--no-sandbox', '--enable-unsafe-swiftshader']
            browser = playwright.chromium.launch(executable_path=_chromium(), args=arguments)
            page = browser.new_page(viewport={'width': 1150, 'height': 1180})
            page.goto((run / 'report.html').as_uri())
            _save(page, 'report')
            page.set_viewport_size({'width': 1300, 'height': 1160})
            _console(page, run)
            page.set_viewport_size({'width': 1300, 'height': 980})
            _console_beside_arm(page, Path(place) / 'arm')
            browser.close()


def _console(page: Page, run: Path) -> None:
    command = [*COMMAND, 'console', str(run.parent), '--port', str(PORT), '--no-show']
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as console:
        try:
            assert console.stdout is not None
            console.stdout.readline()  # it is there
            page.goto(f'http://127.0.0.1:{PORT}/run?name={run.name}')
            page.wait_for_selector('.landing-map circle[data-trial]')
            page.wait_for_function('!document.querySelector(".replay button").disabled')
            page.wait_for_timeout(3000)  # the arm is drawn some pictures after it is there
            _save(page, 'console')
        finally:
            console.terminate()


def _console_beside_arm(page: Page, place: Path) -> None:
    """The stand-in arm, armed, and a proposal that waits after some first trials."""
    config = ROOT / 'config'
    keys = place / 'keys.yaml'
    place.mkdir()
    named = f'{{key_file: {place / "run.key"}, operator_file: {place / "operator.key"}}}'
    with ExitStack() as running:
        parts = [config / 'rehearsal.yaml', config / 'safety.yaml', keys]
        given = {
            'stand_in_arm': {}, 'controller': {}, 'trace_logger': {'output_folder': place / 'runs' / 'far-left-corner'},
            'optimizer': {
                'output_folder': place / 'runs' / 'far-left-corner', 'method': 'least_squares', 'trials': 20,
                'first_trials': _FIRST,
            },
        }  # fmt: skip
        sections = (f'/**/{name}:\n  ros__parameters:\n    security: {named}\n' for name in given if name in _KEYED)
        keys.write_text(''.join(sections))
        (place / 'runs').mkdir()
        own = os.environ | on_this_machine(os.environ)
        for name, values in given.items():
            command = [sys.executable, '-m', f'llm_policy_improver.nodes.{name}', '--ros-args']
            command += [each for part in parts for each in ('--params-file', str(part))]
            command += [each for key, value in values.items() for each in ('-p', f'{key}:={value}')]
            node = subprocess.Popen(command, cwd=place, env=own, stderr=subprocess.DEVNULL)
            running.callback(node.wait)
            running.callback(node.terminate)
        command = [*COMMAND, 'console', str(place / 'runs'), '--ros', '--config', str(keys), '--port', str(PORT)]
        console = running.enter_context(
            subprocess.Popen([*command, '--no-show'], cwd=ROOT, env=own, stdout=subprocess.PIPE, text=True)
        )
        running.callback(console.terminate)
        assert console.stdout is not None
        _, operator = console.stdout.readline(), console.stdout.readline().split()[1]
        page.goto(operator)
        for button in ('Arm ...', 'Yes, arm it'):
            page.get_by_role('button', name=button).click(timeout=60_000)
        page.get_by_label('In plain words').fill(OBJECTIVE)
        page.get_by_role('button', name='What is understood?').click()
        page.get_by_role('button', name='Begin').click()
        for version in range(1, _FIRST + 1):
            page.get_by_text(f'{version}, by initial').wait_for(timeout=60_000)
            page.get_by_role('button', name='Let it play').click()
        page.get_by_text('by least_squares').wait_for(timeout=60_000)
        page.get_by_role('link', name='Open this run').click()
        page.get_by_text('by least_squares').first.wait_for()
        page.wait_for_timeout(3000)
        _save(page, 'console_arm')


def _save(page: Page, name: str) -> None:
    """What the browser shows, in few colours: a third of the bytes."""
    path = IMAGES / f'{name}.png'
    page.screenshot(path=path)
    # By octree: the median cut has no colour left for few bright points on much grey.
    few = Image.open(path).convert('RGB').quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def _call(*arguments: Any) -> None:
    subprocess.run([*COMMAND, *map(str, arguments)], cwd=ROOT, check=True)


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    if found is None:
        sys.exit('Chromium is needed for the pictures of pages: install it, e.g. "apt install chromium"')
    return found


if __name__ == '__main__':
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    main()
