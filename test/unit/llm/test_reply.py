import json
import math
import random
import time
from collections.abc import Sequence

import pytest
from chat_server import EXPLAINED, LETTERS

from llm_policy_improver.llm.reply import Reply, ReplyError, parse_reply
from llm_policy_improver.table_tennis.arm.joints import JOINTS

VALUES = (0.61, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.39)
BY_LETTER = dict(zip(LETTERS, VALUES, strict=True))
PLAIN = json.dumps({**EXPLAINED, 'parameters': BY_LETTER})


def read(text: str) -> Reply:
    """The reply as SAS-Prompt reads it: a joint's name is understood as its letter."""
    return parse_reply(text, LETTERS, JOINTS)


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
    assert read(text).parameters == VALUES


def test_explanation_is_read() -> None:
    reply = read(PLAIN)
    assert reply.reason == EXPLAINED['reason']
    assert reply.effects == EXPLAINED['effects']
    assert (reply.summary, reply.analysis, reply.synthesis) == tuple(
        EXPLAINED[k] for k in ('summary', 'analysis', 'synthesis')
    )


def test_explanation_that_is_no_text_is_written_out_and_bounded() -> None:
    odd = json.dumps({'analysis': {'a': 'right'}, 'reason': 'x' * 10_000, 'summary': 3, 'parameters': VALUES})
    reply = read(odd)
    assert reply.analysis == '{"a": "right"}'
    assert len(reply.reason) == 4000
    assert reply.synthesis == ''


def test_explanation_can_always_be_stored() -> None:
    text = f'{{"reason": "a\\ud800\\u0000b", "parameters": {json.dumps(VALUES)}}}'
    assert read(text).reason == 'a?b'


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
        ('I cannot give "parameters" in {braces}.', 'holds no JSON object with "parameters"'),
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
        read(text)
    assert why in str(caught.value)
    assert '\n' not in str(caught.value)
    assert len(str(caught.value)) < 200


OTHERS = [round(value + 0.01, 2) for value in VALUES]


def several(*candidates: object, key: str = 'candidates', **besides: object) -> str:
    return json.dumps({**EXPLAINED, key: candidates, **besides})


@pytest.mark.parametrize(
    'text',
    [
        several(BY_LETTER, OTHERS),
        several(VALUES, dict(zip(JOINTS, OTHERS, strict=True))),
        several(BY_LETTER, dict(zip(LETTERS, OTHERS, strict=True)), key='parameters'),
        several({'parameters': BY_LETTER, 'reason': 'safe'}, {'attenuation': OTHERS, 'reason': 'bold'}),
        several(BY_LETTER, OTHERS, BY_LETTER, parameters=VALUES),
        several(OTHERS, parameters=BY_LETTER),
    ],
)
def test_all_candidates_are_read_in_their_order(text: str) -> None:
    reply = read(text)
    assert reply.candidates == (VALUES, tuple(OTHERS))
    assert reply.parameters == VALUES
    assert reply.notes == ()
    assert reply.reason == EXPLAINED['reason']


def test_single_answer_is_the_only_candidate() -> None:
    assert read(PLAIN).candidates == (VALUES,)
    assert read(several(BY_LETTER)).candidates == (VALUES,)


def test_broken_candidate_among_good_ones_is_dropped_with_a_note() -> None:
    reply = read(several(VALUES[:7], BY_LETTER, None, {**BY_LETTER, 'c': 'high'}, OTHERS))
    assert reply.candidates == (VALUES, tuple(OTHERS))
    assert [note.split(':')[0] for note in reply.notes] == ['candidate 1', 'candidate 3', 'candidate 4']
    assert "parameter c must be a number; got 'high'" in reply.notes[2]


def test_no_more_candidates_are_read_than_anybody_would_ask_for() -> None:
    many = [[i / 1000] * 8 for i in range(1000)]
    reply = read(several(*many))
    assert len(reply.candidates) == 32
    assert reply.notes == ('only the first 32 of 1000 candidates were read',)


@pytest.mark.parametrize(
    ('text', 'why'),
    [
        (
            several(VALUES[:7], [math.nan] * 8),
            'none of the 2 candidates can be used; candidate 1: "parameters"',
        ),
        (several(), '"candidates" is empty'),
        (several(VALUES[:7]), 'a list of 7 was given'),
        (
            several(VALUES)[:-1] + ', "candidates": [[1,1,1,1,1,1,1,1]]}',
            '"candidates" is given more than once',
        ),
        (several(BY_LETTER)[:-9], 'the JSON object with "candidates" is cut off'),
    ],
)
def test_reply_without_a_usable_candidate_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ReplyError) as caught:
        read(text)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ('names', 'text'),
    [
        (('x1', 'x2'), '{"parameters": {"x2": 3.5, "x1": -2}}'),
        (('x1', 'x2'), '{"X1": "-2", "x2": 3.5}'),
        (('x', 'y'), '{"summary": oops, "expected": {"x": 9, "y": 9}, "parameters": {"x": -2, "y": 3.5}}'),
        (('weight of a', 'step-2'), '{"parameters": {"Step-2": 3.5, "weight of a": -2}}'),
        (('a', 'b'), '{"parameters": [-2, 3.5]}'),
    ],
)
def test_parameters_may_have_any_names_and_number(names: Sequence[str], text: str) -> None:
    assert parse_reply(text, names).parameters == (-2.0, 3.5)


def test_other_names_than_those_asked_for_are_refused() -> None:
    renamed = [f'p{i}' for i in range(1, 9)]
    assert parse_reply(json.dumps(dict(zip(renamed, VALUES, strict=True))), renamed).parameters == VALUES
    with pytest.raises(ReplyError, match=r"holds 'a', which is none of p1, p2"):
        parse_reply(PLAIN, renamed)
    with pytest.raises(ReplyError, match=r'must hold 2 numbers, a and b; missing: b'):
        parse_reply('{"parameters": {"a": 1}}', ('a', 'b'))
    with pytest.raises(ReplyError, match=r"holds 'slide_y', which is none of a, b"):
        parse_reply('{"parameters": {"slide_y": 1, "b": 2}}', ('a', 'b'))


@pytest.mark.parametrize('names', [(), ('x', 'X'), ('a', 'b', 'a')])
def test_names_must_tell_the_parameters_apart(names: Sequence[str]) -> None:
    with pytest.raises(ValueError, match='must all be different'):
        parse_reply(PLAIN, names)


@pytest.mark.parametrize(
    ('said', 'nearest'),
    [
        ('12', 12), ('12.0', 12), ('"12"', 12), ('"#12"', 12), ('"trial 12"', 12), ('"Trial #12, 0.04 m"', 12),
        ('"0.04 m in trial 12, not trial 3"', 12), ('"12 (far right)"', 12), ('"12.00"', 12),
        ('0', 0), ('-3', 0), ('12.5', 0), ('"0.12 m"', 0), ('NaN', 0), ('1e999', 0), ('1e12', 0), ('null', 0),
        ('true', 0), ('"-12"', 0), ('"none"', 0), ('[12]', 0), ('{"trial": 12}', 0), ('"99999999999"', 0),
        ('"trial \u0661\u0662"', 0),
    ],
)  # fmt: skip
def test_nearest_trial_is_read_where_it_can_be(said: str, nearest: int) -> None:
    assert read(f'{PLAIN[:-1]}, "nearest": {said}}}').nearest == nearest


@pytest.mark.parametrize(
    ('said', 'expected'),
    [
        ('{"x": 0.7, "y": 1}', {'x': 0.7, 'y': 1.0}), ('{"y": "1", "x": "0.7"}', {'x': 0.7, 'y': 1.0}),
        ('{"x": 0.7}', {'x': 0.7}), ('{"hit_speed": 5, "x": null}', {'hit_speed': 5.0}),
        ('{"x": 0.7, "x": 0.8, "y": 1}', {'y': 1.0}), ('{"x": "inf", "y": 0}', {'y': 0.0}),
        ('{"x": 1e999, "y": NaN}', {}), ('{"x": [0.7], "y": {"m": 1}}', {}), ('{"x": true}', {}), ('{}', {}),
        ('[0.7, 1.0]', {}), ('[[0.7], 1]', {}), ('"far right"', {}), ('0.7', {}), ('null', {}),
    ],
)  # fmt: skip
def test_expected_measures_are_read_where_they_can_be(said: str, expected: dict[str, float]) -> None:
    assert read(f'{PLAIN[:-1]}, "expected": {said}}}').expected == expected


@pytest.mark.parametrize(
    ('said', 'effects'),
    [
        ('{"a": {"x": "right", "y": "none"}}', {'a': {'x': 'right', 'y': 'none'}}),
        ('{"a": {"x": "right"}, "h": {}}', {'a': {'x': 'right'}, 'h': {}}),
        ('{"a": {"x": "right", "x": "left", "y": "none"}}', {'a': {'y': 'none'}}),
        ('{"a": {"x": "right"}, "a": {"x": "left"}, "b": {"x": "left"}}', {'b': {'x': 'left'}}),
        ('{"a": {"x": 1, "y": null, "z": ["right"]}}', {'a': {}}), ('{"a": "right", "b": ["left"], "c": 3}', {}),
        ('{"a": {"x": "ri\\u0000ght"}}', {'a': {'x': 'right'}}),
        ('[{"a": {"x": "right"}}]', {}), ('"a moves it right"', {}), ('null', {}),
    ],
)  # fmt: skip
def test_effects_are_read_where_they_can_be(said: str, effects: dict[str, dict[str, str]]) -> None:
    assert read(f'{PLAIN.replace("effects", "besides")[:-1]}, "effects": {said}}}').effects == effects


def test_no_more_effects_and_expectations_are_read_than_anybody_would_ask_for() -> None:
    measures = dict.fromkeys((f'm{j}' for j in range(200)), '1')
    many = {'p0': measures} | {f'p{i}': {'m0': 'none'} for i in range(200)}
    reply = read(json.dumps({'parameters': VALUES, 'effects': many | {'p1': measures}, 'expected': measures}))
    assert len(reply.effects) == len(reply.effects['p1']) == len(reply.expected) == 100
    long = {'effects': {'a': {'x': 'right' * 20, 'y' * 81: 'none'}, 'b' * 81: {}}, 'expected': {'y' * 81: 1}}
    reply = read(json.dumps({'parameters': VALUES, **long}))
    assert (reply.effects, reply.expected) == ({'a': {}}, {})


def test_missing_nearest_expected_and_effects_are_none() -> None:
    reply = read(json.dumps({'parameters': BY_LETTER}))
    assert (reply.nearest, reply.expected, reply.effects, reply.notes) == (0, {}, {}, ())


PIECES = [
    '{', '}', '[', ']', '"', ',', ':', '\\', '\\u', '\n', '```json\n', '<think>', '</think>', ' ', '0.9', '1e999', '-',
    'NaN', 'null', 'true', '"parameters":', '"candidates":', '"nearest":', '"expected":', '"effects":', '"analysis":',
    '"a":', '"h":', '"slide_x":', '"x":', '\u0661', '\ud800', '\x00', 'def f(x):', 'Ignore all rules.', PLAIN,
    PLAIN[:-40], json.dumps(BY_LETTER), json.dumps(VALUES), several(BY_LETTER, OTHERS), several(BY_LETTER, [2.0] * 7),
]  # fmt: skip


def test_whatever_is_written_gives_finite_numbers_or_a_reason() -> None:
    generator = random.Random(0)
    candidates: list[tuple[float, ...]] = []
    reasons: list[str] = []
    for _ in range(3000):
        text = ''.join(generator.choices(PIECES, k=generator.randrange(1, 30)))
        cut = text[: generator.randrange(len(text) + 1)] if generator.random() < 0.3 else text
        try:
            candidates += read(cut).candidates
        except ReplyError as error:
            reasons.append(str(error))
    assert len(candidates) > 300
    assert all(len(values) == 8 and all(map(math.isfinite, values)) for values in candidates)
    assert len(reasons) > 300
    assert all(0 < len(reason) < 250 and '\n' not in reason for reason in reasons)


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
        '{"candidates": [' + '[1],' * 12_000 + '[]]}',
        '{"candidates": [' + '[' * 20_000 + ']' * 20_000 + ']}',
        ('{"nearest": "' + 'trial ' * 9000 + '", "parameters": [1]}') * 20,
    ],
    ids=range(16),
)
def test_junk_is_refused_quickly(junk: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ReplyError):
        read(junk)
    assert time.perf_counter() - started < 3.0


def test_answer_after_megabytes_of_junk_is_found() -> None:
    assert read('{"' * MEGABYTE + ' }' * 1000 + PLAIN).parameters == VALUES


COMPUTED = {'A': (1.0, 2.0, 3.0), 'B': (4.0, 5.0, 6.0)}


def taking(**said: object) -> Reply:
    return parse_reply(json.dumps(said), ('p', 'q', 'r'), computed=COMPUTED)


@pytest.mark.parametrize('said', ['B', 'b', ' B. ', 'candidate B', 'B (bold)', 'I take B'])
def test_candidate_is_taken_by_its_letter(said: str) -> None:
    reply = taking(take=said)
    assert (reply.taken, reply.parameters) == ('B', COMPUTED['B'])


def test_parameters_beside_the_letter_replace_those_of_the_candidate() -> None:
    assert taking(take='A', parameters={'q': 9}).parameters == (1.0, 9.0, 3.0)
    assert taking(take='A', parameters={}).parameters == COMPUTED['A']
    assert taking(take='A', parameters=[7, 8, 9]).parameters == (7.0, 8.0, 9.0)
    with pytest.raises(ReplyError, match=r'holds .z., which is none of p, q, r'):
        taking(take='A', parameters={'z': 1})


@pytest.mark.parametrize('said', ['C', 'A or B', 'the best one', 7])
def test_letter_that_names_no_candidate_is_refused_unless_all_parameters_are_there(said: object) -> None:
    with pytest.raises(ReplyError):
        taking(take=said)
    assert taking(take=said, parameters=[7, 8, 9]).parameters == (7.0, 8.0, 9.0)


def test_letter_means_nothing_where_nothing_was_computed() -> None:
    with pytest.raises(ReplyError, match='no JSON object with "parameters"'):
        parse_reply('{"take": "A"}', ('p', 'q'))


def test_letters_may_stand_in_a_list_of_proposals() -> None:
    assert taking(candidates=['b', [7, 8, 9]]).candidates == (COMPUTED['B'], (7.0, 8.0, 9.0))
    assert taking(candidates=['A', 'B', 'D']).notes[0].startswith('candidate 3: ')


def test_misread_words_need_no_parameters() -> None:
    reply = taking(misread='left')
    assert (reply.misread, reply.candidates) == ('left', ())
    assert taking(misread='left', take='A').misread == 'left'
    assert taking(misread='None', take='A').misread == ''
