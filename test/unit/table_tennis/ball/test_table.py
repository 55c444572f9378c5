import pytest

from llm_policy_improver.table_tennis.ball import table


def test_dimensions_are_those_of_the_laws_of_table_tennis() -> None:
    assert (table.LENGTH, table.WIDTH, table.HEIGHT) == (2.74, 1.525, 0.76)
    assert (table.NET_HEIGHT, table.NET_OVERHANG) == (0.1525, 0.1525)
    assert (2 * table.BALL_RADIUS, table.BALL_MASS) == (0.04, 0.0027)


@pytest.mark.parametrize(
    ('x', 'y', 'over', 'opponent'),
    [
        (0.0, 0.7, True, True),
        (0.0, -0.7, True, False),
        (0.0, 0.0, True, False),
        (0.7625, 1.37, True, True),
        (-0.77, 0.7, False, False),
        (0.0, -1.38, False, False),
    ],
)
def test_halves(x: float, y: float, over: bool, opponent: bool) -> None:
    assert (table.over_surface(x, y), table.on_opponents_half(x, y)) == (over, opponent)


@pytest.mark.parametrize(
    ('x', 'y', 'words'),
    [
        (-0.5, 0.1, 'left, short'),
        (0.0, 0.7, 'centre, mid-length'),
        (0.5, 1.3, 'right, deep'),
        (0.25, 0.45, 'centre, short'),
        (0.26, 0.92, 'right, deep'),
    ],
)
def test_places_have_names(x: float, y: float, words: str) -> None:
    assert table.place(x, y) == words
