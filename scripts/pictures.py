"""Makes the pictures of README.md and docs/reports.md anew: a run, its clip, its report and the console.

    python scripts/pictures.py

Needs the extras ``console``, ``video`` and ``dev``, and Chromium.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT: Final = Path(__file__).resolve().parents[1]
IMAGES: Final = ROOT / 'docs' / 'images'
OBJECTIVE: Final = 'far left corner'
PORT: Final = 8971
COMMAND: Final = [sys.executable, '-m', 'llm_policy_improver']
_COLOURS: Final = 256


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
