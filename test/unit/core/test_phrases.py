import pytest

from llm_policy_improver.core.phrases import MOST_READINGS, AmbiguityError, Grammar, Parse, tokens

RULES = """
# Comments and continued lines.
side = left {left} | right {right}
place = [to] the <side>
  (edge | line)
point = '(' <number> , <number> ')'
list = <place> (and <place>)*
twice = <number> {2}
"""
GRAMMAR = Grammar(
    RULES, {'left': 'L', 'right': 'R', '2': 2.0}, {'twice': lambda values: (values[0], values[1], 'twice')}
)


def parse(sentence: str, rule: str) -> Parse:
    return GRAMMAR.parse(tokens(sentence), rule)


def test_optional_words_choices_and_tags_are_read() -> None:
    assert parse('To the left edge', 'place').readings == {('L',)}
    assert parse('the right line', 'place').readings == {('R',)}


def test_repeated_parts_keep_their_order() -> None:
    assert parse('the left edge and to the right line and the left line', 'list').readings == {
        ('L', 'R', 'L')
    }


def test_numbers_marks_and_actions_are_read() -> None:
    assert parse('(.5, -0.25)', 'point').readings == {(0.5, -0.25)}
    assert parse('3', 'twice').readings == {(3.0, 2.0, 'twice')}


@pytest.mark.parametrize(
    ('sentence', 'furthest'), [('to the edge', 2), ('the left', 2), ('the left edge of it', 3), ('', 0)]
)
def test_first_word_that_cannot_be_read_is_told(sentence: str, furthest: int) -> None:
    found = parse(sentence, 'place')
    assert found.readings == frozenset()
    assert found.furthest == furthest


def test_every_reading_of_a_sentence_is_found() -> None:
    grammar = Grammar('all = a {1} b | a b {2}', {'1': 1, '2': 2}, {})
    assert grammar.parse(tokens('a b'), 'all').readings == {(1,), (2,)}


def test_readings_without_a_meaning_are_dropped() -> None:
    grammar = Grammar('all = <few> | <number>\nfew = <number>', {}, {'few': lambda values: None})
    assert grammar.parse(tokens('7'), 'all').readings == {(7.0,)}


def test_sentence_with_very_many_readings_is_given_up() -> None:
    grammar = Grammar('all = (a {1} | a {2})*', {'1': 1, '2': 2}, {})
    with pytest.raises(AmbiguityError, match=f'more than {MOST_READINGS} readings'):
        grammar.parse(tokens('a ' * 12), 'all')


def test_words_are_all_that_can_be_read() -> None:
    assert GRAMMAR.words == {'left', 'right', 'to', 'the', 'edge', 'line', 'and', '(', ',', ')'}


@pytest.mark.parametrize(
    ('rules', 'problem'),
    [
        ('a = b\na = c', 'rule a is given twice'),
        ('a = <b>', 'no such rule: b'),
        ('a = [b', r'\[ is closed by nothing'),
        ('a = [b)', r'\[ is closed by \)'),
        ('a = b]', "']' closes nothing"),
    ],
)
def test_rules_that_are_not_well_formed_are_refused(rules: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Grammar(rules, {}, {})


def test_tokens_say_where_they_stand_in_the_sentence() -> None:
    said = 'Far-left, −0.3m 10cm x=-.5 0.3-0.5'
    found = tokens(said)
    assert [each.text for each in found] == [
        'far', 'left', ',', '-0.3', 'm', '10', 'cm', 'x', '=', '-.5', '0.3', '-', '0.5',
    ]  # fmt: skip
    assert [each.number for each in found if each.number is not None] == [-0.3, 10.0, -0.5, 0.3, 0.5]
    assert [said[each.start : each.end] for each in found[:4]] == ['Far', 'left', ',', '−0.3']
