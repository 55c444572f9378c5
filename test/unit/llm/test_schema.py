import json
from typing import Any

import pytest

from llm_policy_improver.llm.reply import ReplyError, parse_reply
from llm_policy_improver.llm.schema import reply_schema
from llm_policy_improver.table_tennis.arm.modulation import ATTENUATIONS

TAKEN_BY_STRICT_MODE = {
    'type', 'description', 'properties', 'required', 'additionalProperties', 'items', 'enum', 'anyOf',
}  # fmt: skip
EXPECTED = ('x', 'y')
EFFECTS = {'x': ('right', 'left', 'none', 'unclear'), 'y': ('further', 'shorter', 'none', 'unclear')}


def nodes(schema: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [*schema.get('anyOf', ()), *schema.get('properties', {}).values()]
    inner += [schema['items']] if 'items' in schema else []
    return [schema, *(node for child in inner for node in nodes(child))]


@pytest.mark.parametrize(
    'schema',
    [
        reply_schema(ATTENUATIONS, expected=EXPECTED, effects=EFFECTS),
        reply_schema(ATTENUATIONS, 2, False, expected=EXPECTED),
        reply_schema(('x1', 'x2'), 4),
        reply_schema(ATTENUATIONS, expected=EXPECTED, effects=EFFECTS, computed='ABC', misread=True),
        reply_schema(ATTENUATIONS, 4, computed='ABC'),
    ],
)
def test_schema_uses_only_what_strict_mode_takes(schema: dict[str, Any]) -> None:
    json.dumps(schema)
    for node in nodes(schema):
        assert set(node) <= TAKEN_BY_STRICT_MODE
        if node.get('type') == 'object':
            assert node['required'] == list(node['properties'])
            assert node['additionalProperties'] is False


def test_keys_come_in_the_order_of_thinking() -> None:
    def keys(*arguments: Any, **named: Any) -> list[str]:
        return list(reply_schema(ATTENUATIONS, *arguments, **named)['properties'])

    first = ['summary', 'nearest', 'analysis', 'effects', 'synthesis', 'expected', 'reason']
    assert keys(expected=EXPECTED, effects=EFFECTS) == [*first, 'parameters']
    assert keys(3, expected=EXPECTED, effects=EFFECTS) == [*first, 'candidates']
    direct = ['nearest', 'expected', 'reason', 'parameters']
    assert keys(analysis=False, expected=EXPECTED, effects=EFFECTS) == direct
    assert keys() == ['summary', 'nearest', 'analysis', 'synthesis', 'reason', 'parameters']
    assert list(reply_schema(('x2', 'x1'))['properties']['parameters']['properties']) == ['x2', 'x1']


def test_effects_are_asked_for_in_the_words_of_each_measure() -> None:
    asked = reply_schema(('a', 'b'), effects=EFFECTS)['properties']['effects']['properties']
    assert list(asked) == ['a', 'b']
    assert {name: tuple(one['enum']) for name, one in asked['b']['properties'].items()} == EFFECTS


def example(schema: dict[str, Any]) -> Any:
    """The simplest instance of a schema."""
    if schema['type'] == 'object':
        return {name: example(inner) for name, inner in schema['properties'].items()}
    if 'enum' in schema:
        return schema['enum'][0]
    if schema['type'] == 'array':
        return [example(schema['items'])]
    return {'string': 'words', 'integer': 3, 'number': 0.5}[schema['type']]


@pytest.mark.parametrize('names', [ATTENUATIONS, ('kappa', 'theta'), [f'p{i}' for i in range(20)]])
@pytest.mark.parametrize('candidates', [1, 2])
def test_what_fits_the_schema_is_read_whole(names: list[str], candidates: int) -> None:
    schema = reply_schema(names, candidates, expected=EXPECTED, effects=EFFECTS)
    reply = parse_reply(json.dumps(example(schema)), names)
    assert reply.parameters == (0.5,) * len(names)
    assert (reply.nearest, reply.expected) == (3, {'x': 0.5, 'y': 0.5})
    assert reply.effects == {name: {'x': 'right', 'y': 'further'} for name in names}
    assert {reply.summary, reply.analysis, reply.synthesis, reply.reason} == {'words'}


@pytest.mark.parametrize(('names', 'candidates'), [((), 1), (('x',), 0)])
def test_schema_of_nothing_is_refused(names: tuple[str, ...], candidates: int) -> None:
    with pytest.raises(ValueError, match='at least one parameter and one candidate'):
        reply_schema(names, candidates)


def test_reply_may_take_a_candidate_and_leave_the_parameters_out() -> None:
    schema = reply_schema(('p', 'q'), computed='AB', misread=True)
    assert schema['properties']['take']['enum'] == ['A', 'B', 'own']
    assert schema['properties']['parameters']['anyOf'][1] == {'type': 'null'}
    assert next(iter(schema['properties'])) == 'misread'
    plain = reply_schema(('p', 'q'))['properties']
    assert 'take' not in plain
    assert 'misread' not in plain


def test_what_a_candidate_keeps_is_null_and_what_is_changed_a_number() -> None:
    schema = reply_schema(('a', 'b'), effects=EFFECTS, computed='AB')['properties']
    parameters = schema['parameters']['anyOf'][0]['properties']
    assert parameters == {name: {'anyOf': [{'type': 'number'}, {'type': 'null'}]} for name in ('a', 'b')}
    assert {'type': 'null'} in schema['effects']['properties']['a']['anyOf']
    said = '{"take": "B", "parameters": {"a": null, "b": 0.9}, "effects": {"a": null, "b": {"x": "right"}}}'
    reply = parse_reply(said, ('a', 'b'), computed={'A': (1.0, 1.0), 'B': (0.7, 0.8)})
    assert reply.parameters == (0.7, 0.9)
    assert reply.effects == {'b': {'x': 'right'}}
    with pytest.raises(ReplyError, match='parameter a must be a number'):
        parse_reply('{"take": "own", "parameters": {"a": null, "b": 0.9}}', ('a', 'b'), computed={'A': (1.0, 1.0)})
