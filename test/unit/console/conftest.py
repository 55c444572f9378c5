"""A browser for all tests of a file, and a page of its own for each."""

from collections.abc import Iterator
from typing import Any

import pytest
from console_process import PATIENCE, browser


@pytest.fixture(scope='module')
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """Empty; ``requested`` lists the addresses that it asks for."""
    context = chromium.new_context(viewport={'width': 1300, 'height': 900})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.requested = []
    page.on('request', lambda request: page.requested.append(request.url))
    yield page
    context.close()
