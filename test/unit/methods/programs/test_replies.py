"""Programs read out of what a language model wrote, whatever it wrapped them in."""

import random

import pytest

from llm_policy_improver.core.policy import Program
from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.reply import ReplyError
from llm_policy_improver.methods.programs.replies import program_in, prose_in, source_in, top_level

POLICY = 'class Policy:\n    def act(self, obs):\n        return 0\n'
HELPER = 'class Helper:\n    pass\n'
SPACE = ProgramSpace('Policy')


@pytest.mark.parametrize(
    'reply',
    [
        POLICY,
        f'Sure:\n```python\n{POLICY}```\nThat is all.',
        f'```\n{POLICY}```',
        f'```py\n{POLICY}',
        f'<think>```python\n{HELPER}```</think>\n```python\n{POLICY}```',
        f'First a sketch.\n```python\n{POLICY.replace("0", "1")}```\nNow the whole.\n```python\n{POLICY}```',
        f'```python\n{POLICY}```\nIt is used like this:\n```python\nprint(Policy().act(None))\n```',
        f'Here it is.\n{POLICY}',
    ],
)
def test_the_last_block_that_defines_the_entry_point_is_the_program(reply: str) -> None:
    assert source_in(reply, 'Policy') == POLICY


def test_two_classes_in_one_block_are_one_program() -> None:
    assert source_in(f'```python\n{HELPER}\n{POLICY}```', 'Policy') == f'{HELPER}\n{POLICY}'


def test_block_without_the_entry_point_is_returned_for_others_to_judge() -> None:
    assert source_in(f'```python\n{HELPER}```', 'Policy') == HELPER
    with pytest.raises(ReplyError, match='the program defines no Policy at its top level'):
        program_in(f'```python\n{HELPER}```', SPACE, ())


@pytest.mark.parametrize(
    'reply', ['', '   ', 'I would go right.', '```python\n\n```', '<think>class Policy: ...']
)
def test_reply_without_code_says_so(reply: str) -> None:
    with pytest.raises(ReplyError, match='there is no Python code in it'):
        source_in(reply, 'Policy')


def test_program_that_was_tried_is_refused() -> None:
    history = [Trial(Program('x = 1', 'Policy'), 'crashed'), Trial(Program(POLICY, 'Policy'), 'played')]
    with pytest.raises(ReplyError, match='this program is that of trial 2 again; change it'):
        program_in(POLICY, SPACE, history)


def test_top_level_of_what_is_no_python_is_empty() -> None:
    assert top_level('class Policy(:') == {}
    assert top_level('\0') == {}
    assert set(top_level('import math\n' + HELPER + POLICY)) == {'Helper', 'Policy'}


def test_prose_is_without_thinking_and_cut() -> None:
    assert prose_in('<think>so</think>\n abcdef ', 3) == 'abc'
    with pytest.raises(ReplyError, match='there is no answer in it'):
        prose_in('<think>never closed', 3)


def test_any_text_gives_a_source_or_a_reason() -> None:
    generator = random.Random(0)
    pieces = [
        '```',
        '```python',
        '\n',
        POLICY,
        HELPER,
        'class',
        ' ',
        '"""',
        '<think>',
        '</think>',
        'é',
        '\0',
        '#',
    ]
    for _ in range(3_000):
        reply = ''.join(generator.choices(pieces, k=generator.randrange(1, 12)))
        try:
            source = program_in(reply, SPACE, ())
        except ReplyError:
            continue
        assert 'Policy' in top_level(source)
