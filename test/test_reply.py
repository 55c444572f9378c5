import json
import time

import pytest
from chat_server import EXPLAINED, LETTERS

from llm_policy_improver.llm.reply import ReplyError, parse_reply
from llm_policy_improver.parameters import JOINTS

VALUES = (0.61, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.39)
BY_LETTER = dict(zip(LETTERS, VALUES, strict=True))
PLAIN = json.dumps({**EXPLAINED, 'parameters': BY_LETTER})


@pytest.mark.parametrize(
    'text',
    [
        PLAIN,
        f'First, the table.\n\n| a | b |\n\n{PLAIN}',
        f'{PLAIN}\n\nGood luck! {{}}',
        f'```json\n{PLAIN}\n```',
        f'~~~\n{PLAIN}\n~~~ done }}',
        f'<think>perhaps {{"parameters": [1,1,1,1,1,1,1,1]}}</think>{PLAIN}',
        f'no opening tag {{"parameters": [2]}} </think> {PLAIN}',
        f'a draft {json.dumps({"parameters": [1.0] * 8})} and the answer {PLAIN}',
        f'a stray quote " and brace {{ here {PLAIN}',
        PLAIN.replace('}}', ',},}'),
        PLAIN.replace('"summary": "', '"summary": "} { \\" '),
        PLAIN.replace('Two trials', 'Two\ntrials'),
        json.dumps({'parameters': {k: str(v) for k, v in BY_LETTER.items()}}),
        json.dumps({'parameters': {k.upper(): v for k, v in BY_LETTER.items()}}),
        json.dumps({'parameters': dict(zip(JOINTS, VALUES, strict=True))}),
        json.dumps(
            {'parameters': {f'{k} ({j})': v for k, j, v in zip(LETTERS, JOINTS, VALUES, strict=True)}}
        ),
        json.dumps({'attenuation': VALUES}),
        json.dumps({'parameters': VALUES}),
        json.dumps(BY_LETTER),
        json.dumps({'answer': {'parameters': BY_LETTER}, 'n': 1})[1:-1],
        f'{{"summary": unquoted, "parameters": {json.dumps(BY_LETTER)}}}',
    ],
)
def test_parameters_are_found_whatever_is_around_them(text: str) -> None:
    assert parse_reply(text).parameters == VALUES


def test_explanation_is_read() -> None:
    reply = parse_reply(PLAIN)
    assert reply.reason == EXPLAINED['reason']
    assert (reply.summary, reply.analysis, reply.synthesis) == tuple(
        EXPLAINED[k] for k in ('summary', 'analysis', 'synthesis')
    )


def test_explanation_that_is_no_text_is_written_out_and_bounded() -> None:
    odd = json.dumps({'analysis': {'a': 'right'}, 'reason': 'x' * 10_000, 'summary': 3, 'parameters': VALUES})
    reply = parse_reply(odd)
    assert reply.analysis == '{"a": "right"}'
    assert len(reply.reason) == 4000
    assert reply.synthesis == ''


def test_explanation_can_always_be_stored() -> None:
    text = f'{{"reason": "a\\ud800\\u0000b", "parameters": {json.dumps(VALUES)}}}'
    assert parse_reply(text).reason == 'a?b'


def with_a(value: str) -> str:
    return PLAIN.replace('"a": 0.61', f'"a": {value}')


@pytest.mark.parametrize(
    ('text', 'why'),
    [
        ('', 'the reply is empty'),
        (' \n', 'the reply is empty'),
        ('<think>hm', 'only thinking'),
        ('I would raise g.', 'no JSON object with "parameters"'),
        ('{"summary": "x"}', 'no JSON object with "parameters"'),
        (PLAIN[:-20], 'cut off'),
        (json.dumps({'parameters': VALUES[:7]}), 'a list of 7 was given'),
        (json.dumps({'parameters': 1.0}), 'must be an object with 8 numbers, a to h'),
        (PLAIN.replace('"h": 1.39', '"i": 1.39'), "holds 'i', which is none of a, b"),
        (PLAIN.replace(', "h": 1.39', ''), 'missing: h'),
        (PLAIN.replace('"h": 1.39', '"a": 1.39'), 'parameter a is given more than once'),
        (PLAIN.replace('"h": 1.39', '"slide_y": 1.39'), 'parameter a is given more than once'),
        (PLAIN[:-1] + ', "parameters": [1,1,1,1,1,1,1,1]}', '"parameters" is given more than once'),
        (with_a('NaN'), 'parameter a must be a finite number; got nan'),
        (with_a('Infinity'), 'got inf'),
        (with_a('"-inf"'), 'got -inf'),
        (with_a('1e999'), 'got inf'),
        (with_a('1' * 5000), 'got inf'),
        (with_a('null'), 'parameter a must be a number; got null'),
        (with_a('true'), 'must be a number; got true'),
        (with_a('"high"'), "must be a number; got 'high'"),
        (with_a('"1_0"'), "must be a number; got '1_0'"),
        (with_a('{"value": 1.0}'), 'must be a number; got an object'),
        (with_a('[1.0]'), 'must be a number; got a list'),
        (f'{PLAIN} no, rather {with_a("NaN")}', 'got nan'),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ReplyError) as caught:
        parse_reply(text)
    assert why in str(caught.value)
    assert '\n' not in str(caught.value)
    assert len(str(caught.value)) < 200


MEGABYTE = 2**20


@pytest.mark.parametrize(
    'junk',
    [
        '{' * MEGABYTE,
        '}' * MEGABYTE,
        '{}' * MEGABYTE,
        '{"a":' * (MEGABYTE // 5),
        '"\\' * MEGABYTE,
        '[' * MEGABYTE,
        '{"parameters":' + '[' * MEGABYTE + ']' * MEGABYTE + '}',
        '{"parameters":{"a":' * 50_000 + '}' * 100_000,
        '<think>' * 100_000,
        ', ' * MEGABYTE + '}',
        '{"parameters": {' + '"a": 1, ' * 100_000 + '"b": 2}}',
        ('{"parameters": {' + '"a": 1, ' * 7000 + '}} ') * 20,
        '\ud800' * MEGABYTE,
    ],
    ids=range(13),
)
def test_junk_is_refused_quickly(junk: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ReplyError):
        parse_reply(junk)
    assert time.perf_counter() - started < 3.0


def test_answer_after_megabytes_of_junk_is_found() -> None:
    assert parse_reply('{"' * MEGABYTE + ' }' * 1000 + PLAIN).parameters == VALUES
