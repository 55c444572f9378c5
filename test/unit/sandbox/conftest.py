"""One sandbox for all tests of this folder: each loads programs of its own into it."""

from collections.abc import Iterator

import pytest

from llm_policy_improver.sandbox.limits import Limits
from llm_policy_improver.sandbox.sandbox import Sandbox


@pytest.fixture(scope='session')
def sandbox() -> Iterator[Sandbox]:
    limits = Limits(memory_bytes=300_000_000, load_seconds=20.0, new_seconds=20.0, call_seconds=20.0)
    with Sandbox(limits) as made:
        yield made
