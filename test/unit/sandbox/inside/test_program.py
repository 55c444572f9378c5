"""What is told of an exception, when the program itself does what it can against that."""

import pytest

from llm_policy_improver.sandbox.inside.program import describe, load_program


def raised(source: str) -> tuple[str, str, str]:
    module = load_program(source)
    with pytest.raises(BaseException) as caught:
        module.act()
    return describe(caught.value)


def test_only_lines_of_the_program_are_told() -> None:
    source = 'import json\ndef act():\n    return json.loads("{")\n'
    name, message, lines = raised(source)
    assert name == 'JSONDecodeError'
    assert message.startswith('Expecting property name')
    assert lines == '  line 3, in act\n    return json.loads("{")'


def test_deep_recursion_is_told_from_its_ends() -> None:
    name, _, lines = raised('def act(n=0):\n    return act(n + 1)\n')
    assert name == 'RecursionError'
    assert lines.count('line 2, in act') == 12
    assert '  ... ' in lines


def test_exception_without_a_message_that_can_be_had_is_told() -> None:
    source = (
        'class Bad(Exception):\n    def __str__(self):\n        raise KeyError\ndef act():\n    raise Bad\n'
    )
    assert raised(source)[:2] == ('Bad', '(its message cannot be told: KeyError)')


def test_long_messages_and_lines_are_cut() -> None:
    _, message, lines = raised(f'def act():\n    raise ValueError({"x" * 5000!r} * 9)\n')
    assert len(message) == 2000
    assert len(lines) < 400


def test_dataclass_in_a_program_finds_its_module() -> None:
    module = load_program('from dataclasses import dataclass\n@dataclass\nclass P:\n    x: "int" = 3\n')
    assert module.P().x == 3
