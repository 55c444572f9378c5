import json
from typing import Any

import pytest

from llm_policy_improver.core.chat import Completion, Ending, Finish
from llm_policy_improver.llm.asking import ask
from llm_policy_improver.llm.chat_answer import ChatAnswer, NoReplyError
from llm_policy_improver.llm.reply import ReplyError


def answer(reason: str | None = 'stop', usage: Any = None, **message: Any) -> ChatAnswer:
    return ChatAnswer(
        json.dumps(
            {'choices': [{'finish_reason': reason, 'message': message}], 'usage': usage, 'model': 'that-one'}
        ).encode()
    )


def test_reply_its_model_and_what_it_cost() -> None:
    read = answer(content='hello', usage={'prompt_tokens': 7, 'completion_tokens': 3})
    assert (read.text, read.model, read.prompt_tokens, read.completion_tokens) == ('hello', 'that-one', 7, 3)
    assert read.finish is Finish.STOP


@pytest.mark.parametrize(
    'tokens', [10**30, 10**9, -1, True, 1.5, '7', None, [7], {'a': 7}, float('nan'), float('inf')]
)
def test_count_that_cannot_be_is_none(tokens: object) -> None:
    assert answer(content='x', usage={'prompt_tokens': tokens}).prompt_tokens == 0


@pytest.mark.parametrize('usage', [7, [], 'x', None])
def test_usage_that_is_none_counts_nothing(usage: object) -> None:
    assert answer(content='x', usage=usage).completion_tokens == 0


@pytest.mark.parametrize(
    ('reason', 'message', 'finish', 'text'),
    [
        ('length', {'content': 'half'}, Finish.LENGTH, 'half'),
        ('content_filter', {'content': None}, Finish.FILTERED, ''),
        ('tool_calls', {'content': None, 'tool_calls': [{}]}, Finish.TOOL_CALL, ''),
        ('stop', {'content': '', 'tool_calls': [{}]}, Finish.TOOL_CALL, ''),
        (None, {'function_call': {'name': 'x'}}, Finish.TOOL_CALL, ''),
        ('stop', {'content': None, 'refusal': 'I will not.'}, Finish.REFUSAL, 'I will not.'),
        ('stop', {'content': 'yes', 'refusal': None}, Finish.STOP, 'yes'),
        ('whatever', {'content': 'yes'}, Finish.STOP, 'yes'),
        ({'odd': 1}, {'content': ['odd']}, Finish.STOP, ''),
    ],
)
def test_why_a_reply_ended_is_named(reason: Any, message: dict[str, Any], finish: Finish, text: str) -> None:
    read = answer(reason, **message)
    assert (read.finish, read.text) == (finish, text)


@pytest.mark.parametrize(
    'content',
    [
        b'',
        b'7',
        b'[]',
        b'{"choices": [',
        b'{"choices": {}}',
        b'\xff',
        b'[' * 500_000,
        b'{"usage": %s}' % (b'9' * 5000),
    ],
)
def test_answer_without_a_reply_is_told(content: bytes) -> None:
    with pytest.raises(NoReplyError, match=r'no chat completion|without a reply'):
        ChatAnswer(content)


class Says:
    """A model that always says the same."""

    model = 'says'

    def __init__(self, completion: Completion) -> None:
        self._completion = completion

    def complete(self, messages: object, schema: object = None) -> Completion:
        return self._completion


def never(reply: str) -> tuple[str, str]:
    raise ReplyError('it holds no JSON object')


def test_person_is_told_why_a_reply_ended_and_the_model_is_asked_as_ever() -> None:
    asked = {
        finish: ask(Says(Completion('half', finish=finish)), (('user', 'go'),), None, never, str)
        for finish in Finish
    }
    cut = asked[Finish.LENGTH]
    assert cut.problem == 'the reply was cut off at its length limit; it holds no JSON object'
    assert cut.exchanges[0].verdict == f'refused: {cut.problem}'
    assert cut.exchanges[0].ending is Ending.REFUSED
    assert 'the model refused to answer' in asked[Finish.REFUSAL].problem
    assert 'called a tool instead' in asked[Finish.TOOL_CALL].problem
    assert asked[Finish.STOP].problem == 'it holds no JSON object'
    # A replay knows the replies and not why they ended.
    assert len({each.exchanges[1].messages for each in asked.values()}) == 1
