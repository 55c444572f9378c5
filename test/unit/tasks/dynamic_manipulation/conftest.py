import pytest


@pytest.fixture
def smooth_places(request: pytest.FixtureRequest) -> int:
    """Places at which neighbouring parameters are compared."""
    return int(request.config.getoption('--places'))
