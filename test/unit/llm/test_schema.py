import json
from typing import Any

import pytest

from llm_policy_improver.core.parameters import LETTERS
from llm_policy_improver.llm.reply import parse_reply
from llm_policy_improver.llm.schema import reply_schema

TAKEN_BY_STRICT_MODE = {'type', 'description', 'properties', 'required', 'additionalProperties', 'items'}


def nodes(schema: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [*schema.get('properties', {}).values(), *([schema['items']] if 'items' in schema else [])]
    return [schema, *(node for child in inner for node in nodes(child))]


@pytest.mark.parametrize(
    'schema',
    [reply_schema(LETTERS), reply_schema(LETTERS, 2, False), reply_schema(('x1', 'x2'), 4, landing=False)],
)
def test_schema_uses_only_what_strict_mode_takes(schema: dict[str, Any]) -> None:
    json.dumps(schema)
    for node in nodes(schema):
        assert set(node) <= TAKEN_BY_STRICT_MODE
        if node['type'] == 'object':
            assert node['required'] == list(node['properties'])
            assert node['additionalProperties'] is False


def test_keys_come_in_the_order_of_thinking() -> None:
    first = ['summary', 'nearest', 'analysis', 'synthesis', 'expected', 'reason']
    assert list(reply_schema(LETTERS)['properties']) == [*first, 'parameters']
    assert list(reply_schema(LETTERS, 3)['properties']) == [*first, 'candidates']
    assert list(reply_schema(LETTERS, analysis=False)['properties']) == [
        'nearest',
        'expected',
        'reason',
        'parameters',
    ]
    assert 'expected' not in reply_schema(LETTERS, landing=False)['properties']
    assert list(reply_schema(('x2', 'x1'))['properties']['parameters']['properties']) == ['x2', 'x1']


def example(schema: dict[str, Any]) -> Any:
    """The simplest instance of a schema."""
    if schema['type'] == 'object':
        return {name: example(inner) for name, inner in schema['properties'].items()}
    if schema['type'] == 'array':
        return [example(schema['items'])]
    return {'string': 'words', 'integer': 3, 'number': 0.5}[schema['type']]


@pytest.mark.parametrize('names', [LETTERS, ('kappa', 'theta'), [f'p{i}' for i in range(20)]])
@pytest.mark.parametrize('candidates', [1, 2])
def test_what_fits_the_schema_is_read_whole(names: list[str], candidates: int) -> None:
    reply = parse_reply(json.dumps(example(reply_schema(names, candidates))), names)
    assert reply.parameters == (0.5,) * len(names)
    assert (reply.nearest, reply.expected) == (3, (0.5, 0.5))
    assert {reply.summary, reply.analysis, reply.synthesis, reply.reason} == {'words'}


@pytest.mark.parametrize(('names', 'candidates'), [((), 1), (('x',), 0)])
def test_schema_of_nothing_is_refused(names: tuple[str, ...], candidates: int) -> None:
    with pytest.raises(ValueError, match='at least one parameter and one candidate'):
        reply_schema(names, candidates)
