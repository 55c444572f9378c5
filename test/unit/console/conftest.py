"""A browser for all tests of a file, and a page of its own for each."""

from collections.abc import Iterator
from typing import Any

import pytest
from console_process import browser, fresh_page


@pytest.fixture(scope='module')
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    with fresh_page(chromium, 1300) as page:
        yield page
