"""The console as a person starts it, and a browser to look at it with."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

_NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
CHROMIUM = next((found for name in _NAMES if (found := shutil.which(name))), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason='no Chromium on this machine: apt-get install chromium')

PATIENCE = 30_000
"""ms, for what appears sooner or later in a browser on a machine that is busy."""


@dataclass(frozen=True)
class Console:
    """Attributes:
    link: as it was printed, with a token where there is one.
    process: of the console.
    """

    link: str
    process: 'subprocess.Popen[str]'

    @property
    def port(self) -> int:
        port = urlsplit(self.link).port
        assert port is not None
        return port

    def page(self, path: str) -> str:
        return f'http://127.0.0.1:{self.port}{path}'


@contextmanager
def console(folder: Path, *options: str, **environment: str) -> Iterator[Console]:
    """`llm-policy-improver console` on a free port, until it is interrupted; it must not have stumbled."""
    call = [sys.executable, '-m', 'llm_policy_improver', 'console', str(folder), '--port', '0', '--no-show', *options]
    # NiceGUI leaves parts of itself out where it finds this, its compression for one.
    own = {name: value for name, value in os.environ.items() if name != 'PYTEST_CURRENT_TEST'} | environment
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=own)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith('Console: http'), line + process.stdout.read()
        yield Console(line.split()[1], process)
    finally:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=30)
    assert 'Traceback' not in said, said


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium, of Playwright's API."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=['--no-sandbox', '--enable-unsafe-swiftshader']
        )
        yield opened
        opened.close()


@contextmanager
def fresh_page(chromium: Any, width: int, patience: int = PATIENCE) -> Iterator[Any]:
    """An empty page; ``requested`` lists the addresses that it asks for, ``faults`` the errors of its scripts."""
    context = chromium.new_context(viewport={'width': width, 'height': 900})
    context.set_default_timeout(patience)
    page = context.new_page()
    page.requested, page.faults = [], []
    page.on('request', lambda request: page.requested.append(request.url))
    page.on('pageerror', lambda error: page.faults.append(str(error)))
    yield page
    context.close()


def tab_to(page: Any, name: str) -> None:
    """Reach what is called so with the Tab key."""
    for _ in range(60):
        page.keyboard.press('Tab')
        focused = page.evaluate(
            '(({ariaLabel, innerText, labels}) => ariaLabel || innerText || labels?.[0]?.innerText || "")'
            '(document.activeElement)'
        )
        if focused.startswith(name):
            return
    raise AssertionError(f'{name} is not reached')
