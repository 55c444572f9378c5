from typing import Any

import pytest

from llm_policy_improver.core.term import Term
from llm_policy_improver.table_tennis.measures import MEASURES
from llm_policy_improver.table_tennis.vocabulary import understand
from llm_policy_improver.table_tennis.wording import wording


def terms(weight: float = 1.0, **wants: Any) -> list[Term]:
    return [
        Term.from_json({'measure': name, 'want': want, 'weight': weight}, MEASURES)
        for name, want in wants.items()
    ]


@pytest.mark.parametrize(
    ('wants', 'sentence'),
    [
        ({'landing_x': 'max'}, 'as far right as possible'),
        ({'landing_y': 'min'}, 'as close to the net as possible'),
        ({'landing_x': 'min', 'landing_y': 'max'}, 'in the far left corner'),
        ({'peak_height': 'max', 'landing_x': 'min'}, 'as far left as possible, as high an arc as possible'),
        (
            {'landing_x': -0.6625, 'landing_y': 0.685},
            '0.10 m inside the left side line, 0.69 m beyond the net',
        ),
        ({'landing_x': 0.0, 'landing_y': 1.3}, 'on the centre line, 0.07 m short of the far end'),
        ({'landing_x': 0.3, 'landing_y': 0.9}, '0.30 m right of the centre line, 0.90 m beyond the net'),
        ({'landing_x': [None, 0]}, 'anywhere in the left half'),
        ({'landing_x': [0.2, None]}, 'at least 0.20 m right of the centre line'),
        ({'landing_x': [-0.4, None]}, 'anywhere but further left than 0.40 m left of the centre line'),
        ({'landing_x': [-0.1, 0.3]}, 'between 0.10 m left and 0.30 m right of the centre line'),
        ({'landing_y': [1.0275, 1.37]}, 'at least 1.03 m beyond the net'),
        ({'landing_y': [0, 0.1]}, 'at most 0.10 m beyond the net'),
        ({'peak_height': [0.5, 1.0]}, 'rising to between 0.50 and 1.00 m above the table'),
        ({'net_clearance': 'min'}, 'as low over the net as possible'),
        ({'landing_time': 0.5, 'hit_speed': 5.0}, '0.50 s after the hit, hit at 5.00 m/s'),
        (
            {'landing_time': 'max', 'hit_speed': 'min'},
            'as late after the hit as possible, as softly as possible',
        ),
        ({'peak_height': [None, None]}, 'any peak_height'),
    ],
)
def test_terms_are_said_in_plain_words_with_numbers(wants: dict[str, Any], sentence: str) -> None:
    assert wording(terms(**wants)) == sentence


def test_weights_are_told_where_they_differ() -> None:
    both = [*terms(2.0, landing_x='max'), *terms(1.0, landing_y='max')]
    assert (
        wording(both) == 'as far right as possible (weight 2), as close to the far end as possible (weight 1)'
    )
    assert wording(terms(2.0, landing_x='max')) == 'as far right as possible'


def test_no_terms_have_no_words() -> None:
    with pytest.raises(ValueError, match='no terms'):
        wording([])


X = (
    None,
    'min',
    'max',
    -0.7,
    -0.2,
    0.0,
    0.5,
    [0.1, 0.3],
    [-0.4, -0.1],
    [-0.2, 0.1],
    [0.0, None],
    [None, -0.3],
)
Y = (None, 'min', 'max', 0.1, 0.9, 1.3, [0.2, 0.4], [0.5, None])
HEIGHTS: tuple[dict[str, Any], ...] = (
    {},
    {'peak_height': 'max'},
    {'peak_height': [0.4, None], 'net_clearance': 0.2},
    {'net_clearance': 'min'},
)


@pytest.mark.parametrize('x', X, ids=str)
@pytest.mark.parametrize('heights', HEIGHTS, ids=str)
def test_vocabulary_reads_its_own_words(x: Any, heights: dict[str, Any]) -> None:
    for y in Y:
        wants = {'landing_x': x, 'landing_y': y, **heights}
        asked = terms(**{name: want for name, want in wants.items() if want is not None})
        if asked:
            _assert_read_back(asked)


def _assert_read_back(asked: list[Term]) -> None:
    understood = understand(wording(asked)).terms
    assert [term.measure for term in understood] == [term.measure for term in asked]
    for one, other in zip(understood, asked, strict=True):
        assert one.interval == pytest.approx(other.interval, abs=0.0051)
