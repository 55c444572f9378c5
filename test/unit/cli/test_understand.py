"""``llm-policy-improver understand``: exit status 0 where all is understood, 2 where not, one clear sentence."""

import json

import pytest
from chat_server import ChatServer, fail, say
from click.testing import CliRunner, Result

from llm_policy_improver.cli import main as command_line
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.loop.settings import OptimizerSettings


def understand(*arguments: str) -> Result:
    return CliRunner().invoke(command_line.cli, ['understand', *arguments])


def test_what_would_be_aimed_at_is_said() -> None:
    result = understand('Robot, please hit the far left corner, with the highest arc')
    assert result.exit_code == 0
    assert result.stdout == 'in the far left corner, as high an arc as possible\n'
    assert result.stderr == ''


def test_words_not_understood_are_named_with_what_can_be_said() -> None:
    result = understand('hit it as purple as possible')
    assert result.exit_code == 2
    assert result.stdout == ''
    assert result.stderr.startswith(
        'Nothing is aimed at: "purple" was not understood. Say where the ball should'
    )
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize('words', ['at (0.3, 0.9)', 'purple'])
def test_json_has_the_same_keys_whether_understood_or_not(words: str) -> None:
    result = understand(words, '--json')
    found = json.loads(result.stdout)
    assert list(found) == ['understood', 'sentence', 'terms', 'not_understood']
    assert found['understood'] == (result.exit_code == 0) == (words != 'purple')
    assert found['not_understood'] == ([] if found['understood'] else ['purple'])
    assert [term['measure'] for term in found['terms']] == (
        ['landing_x', 'landing_y'] if found['understood'] else []
    )


def test_language_model_reads_the_words_where_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    reply = {'meaning': 'right', 'terms': [{'measure': 'landing_x', 'want': 'max'}], 'not_understood': []}
    with ChatServer() as server:
        server.script(say('what?'), say(json.dumps(reply)))
        result = understand('так далеко вправо, как можно', '--model', 'm', '--base-url', server.url)
    assert result.exit_code == 0, result.output
    assert result.stdout == 'as far right as possible\n'


def test_endpoint_without_a_model_is_refused_as_for_a_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = 'http://127.0.0.1:9/v1'
    monkeypatch.setattr('sys.argv', ['llm-policy-improver', 'understand', 'far right', '--base-url', url])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 2
    with pytest.raises(SettingsError, match='give model, too') as refused:
        OptimizerSettings(base_url=url)
    assert capsys.readouterr().err == f'Error: {refused.value}\n'


def test_endpoint_that_fails_is_an_error_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    with ChatServer() as server:
        server.script(fail(401))
        words = ['llm-policy-improver', 'understand', 'rechts', '--model', 'm', '--base-url', server.url]
        monkeypatch.setattr('sys.argv', words)
        with pytest.raises(SystemExit) as ended:
            command_line.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith('Error: the language model endpoint ')
    assert 'refused the key' in said


def test_empty_words_are_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr('sys.argv', ['llm-policy-improver', 'understand', '  '])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith('Error: the objective is empty')
