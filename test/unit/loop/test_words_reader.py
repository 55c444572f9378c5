"""Who reads the words of an objective: the same for every method, and for `understand`."""

import json
from pathlib import Path

import pytest
from chat_server import Answer, ChatServer, say
from click.testing import CliRunner

from llm_policy_improver.cli.main import cli
from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.core.objective import Objective, ObjectiveError
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import RunSettings, stored_settings
from llm_policy_improver.tasks.ball_rounds import MEAN_DISTANCE, aimed_at, of_balls

FREELY = 'so weit rechts wie es nur geht'
"""Words that the vocabulary does not read."""
METHODS = ['sas', 'opro', 'cma_es', 'example_knn', 'prompt_po']


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')


def reply(*terms: dict[str, object], left_out: tuple[str, ...] = ()) -> Answer:
    said = {'meaning': 'so', 'terms': [{'weight': 1, **term} for term in terms], 'not_understood': left_out}
    return say(json.dumps(said))


RIGHT = reply({'measure': 'landing_x', 'want': 'max'})


def meant(method: str, words: str, url: str) -> Objective:
    settings = OptimizerSettings(
        method=method, model='m', base_url=url, vary_balls=method == 'prompt_po', request_retries=0
    )
    assembly = assemble(settings)
    try:
        return assembly.objective(words)
    finally:
        assembly.close()


@pytest.mark.parametrize('method', METHODS)
def test_model_reads_what_the_vocabulary_does_not_whoever_proposes(method: str) -> None:
    with ChatServer() as server:
        server.script(RIGHT, RIGHT)
        objective = meant(method, FREELY, server.url)
        told = CliRunner().invoke(cli, ['understand', FREELY, '--model', 'm', '--base-url', server.url])
        assert len(server.requests) == 2
        assert server.requests[0]['messages'] == server.requests[1]['messages']
    assert len(objective.exchanges) == 1
    assert told.exit_code == 0, told.output
    assert told.stdout.strip() == of_balls(objective).sentence == 'as far right as possible'
    assert told.stderr == 'Read by the language model test-model-answered.\n'


@pytest.mark.parametrize('method', METHODS)
def test_nobody_is_asked_what_the_vocabulary_reads(method: str) -> None:
    with ChatServer() as server:
        objective = meant(method, 'far right corner', server.url)
        told = CliRunner().invoke(
            cli, ['understand', 'far right corner', '--model', 'm', '--base-url', server.url]
        )
        assert server.requests == []
    assert objective.exchanges == ()
    assert told.stdout.strip() == of_balls(objective).sentence == 'in the far right corner'
    assert told.stderr == 'Read by the vocabulary.\n'


def test_numeric_method_says_who_reads_and_needs_no_endpoint_before() -> None:
    settings = OptimizerSettings(
        method='cma_es', model='m', base_url='http://127.0.0.1:9/v1', request_retries=0, request_timeout=5.0
    )
    assembly = assemble(settings)
    assert assembly.said.endswith('; m reads what of the words the vocabulary does not')
    assert assembly.objective('far right').sentence == 'as far right as possible'
    with pytest.raises(EndpointError, match=r'127\.0\.0\.1:9'):
        assembly.objective(FREELY)


@pytest.mark.parametrize('method', METHODS)
def test_what_nobody_understands_is_refused(method: str) -> None:
    with ChatServer() as server:
        server.script(reply(left_out=('purple',)))
        with pytest.raises(ObjectiveError, match='not understood, or not measured: "purple"') as refused:
            meant(method, 'as purple as possible', server.url)
    assert ('rank_by_model' in str(refused.value)) == (method in ('sas', 'opro'))


def test_program_is_told_the_place_that_a_model_read_also_when_the_run_is_read_back(tmp_path: Path) -> None:
    with ChatServer() as server:
        server.script(
            reply({'measure': 'landing_x', 'want': 0.38}, {'measure': 'landing_y', 'want': 0.68}),
            reply({'measure': 'peak_height', 'want': 'max'}),
        )
        objective = meant('prompt_po', 'halb rechts, halb tief', server.url)
        with pytest.raises(ObjectiveError, match='told a place where balls are to land'):
            meant('prompt_po', 'ganz hoch', server.url)
    assert aimed_at(objective) == (0.38, 0.68)
    assert [term.measure for term in objective.terms] == [MEAN_DISTANCE]
    settings = OptimizerSettings(method='prompt_po', model='m', vary_balls=True)
    with RunStore.create(tmp_path / 'run', {}) as store:
        RunSettings(settings, objective=objective).store(store)
        again = stored_settings(store)
    assert again is not None
    assert again.meant(objective.words) == objective
    assert of_balls(again.meant('far right')).sentence == 'as far right as possible'
