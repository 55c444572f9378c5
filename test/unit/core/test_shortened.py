from llm_policy_improver.core.shortened import LONGEST_VALUE, shortened, shown


def test_short_lines_are_left_as_they_are() -> None:
    assert shortened('trials must be at least 1; got 0') == 'trials must be at least 1; got 0'


def test_of_a_long_text_both_ends_are_left() -> None:
    told = shortened(f'begin{"x" * 10**7}end', 40)
    assert told.startswith('beginxxx')
    assert told.endswith('xxxend')
    assert len(told) == 40


def test_lines_and_control_characters_become_one_line() -> None:
    assert shortened('a\nb\t\x1b[2Jc\u202ed') == 'a b [2Jcd'


def test_values_are_short_whatever_they_are() -> None:
    own: list[object] = []
    own.append(own)
    for value in (
        'x' * 10**6,
        10**5000,
        list(range(10**5)),
        {'a': {'b': ['c' * 10**6] * 100}},
        b'\x00' * 10**6,
        own,
    ):
        assert len(shown(value)) <= LONGEST_VALUE
    assert shown(10**5000) == 'a number of too many digits'
    assert shown(0.1 + 0.2) == '0.3'
    assert shown('fast') == "'fast'"
