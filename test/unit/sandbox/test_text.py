from llm_policy_improver.sandbox.text import shown


def test_what_could_command_a_terminal_is_left_out() -> None:
    assert shown('a\x1b[2J\x07\x9b2J\r\x00b', 100) == 'a[2J2Jb'
    assert shown('\u202eabc\u2066', 100) == 'abc'


def test_lines_and_other_scripts_stay() -> None:
    assert shown('é 球\n\tx', 100) == 'é 球\n\tx'


def test_text_is_cut() -> None:
    assert shown('abcdef', 3) == 'abc'


def test_half_of_a_character_is_replaced() -> None:
    assert shown('\ud800', 3) == '?'
