"""The prompt of a stored run's step, as it is or would be sent."""

import json
from pathlib import Path
from typing import Any

import pytest
from chat_server import good, say
from click.testing import CliRunner, Result
from recorded_run import RIGHT, improve, improve_with_model, near_neutral, rewrite

from llm_policy_improver.cli.run_commands import prompt_command
from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.llm.tokens import count_message_tokens
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs.prompt_preview import preview
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.table_tennis.space import NEUTRAL

Run = Path


@pytest.fixture(scope='module')
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Six first trials and three by the model; the second reply needed a repair."""
    folder = tmp_path_factory.mktemp('runs') / 'run'
    with pytest.MonkeyPatch.context() as monkeypatch:
        improve_with_model(
            monkeypatch,
            folder,
            good(near_neutral(1)),
            say('no'),
            good(near_neutral(2)),
            good(near_neutral(3)),
        )
    return folder


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('OPENAI_API_KEY', raising=False)


def shown(folder: Path, *options: str) -> Result:
    result = CliRunner().invoke(prompt_command, ['--run', str(folder), *options], catch_exceptions=False)
    assert result.exit_code == 0
    return result


def as_json(folder: Path, *options: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(shown(folder, '--json', *options).stdout)
    return content


def sent(folder: Path, step: int) -> Exchange:
    with RunStore.open(folder) as store:
        return next(each.exchange for each in store.exchanges() if each.step == step)


@pytest.mark.parametrize('step', [7, 8, 9])
def test_prompt_of_a_stored_step_is_rebuilt_as_it_was_sent(run: Run, step: int) -> None:
    content = as_json(run, '--step', str(step))
    messages = tuple((message['role'], message['content']) for message in content['messages'])
    assert messages == sent(run, step).messages
    assert content['same_as_sent'] is True
    assert content['tokens'] == count_message_tokens(messages)


def test_next_prompt_holds_the_last_trial_and_begins_like_the_one_before(run: Run) -> None:
    content = as_json(run)
    assert content['step'] == 10
    assert content['same_as_sent'] is None
    text, before = content['messages'][0]['content'], sent(run, 9).messages[0][1]
    common = next(i for i, (a, b) in enumerate(zip(text, before, strict=False)) if a != b)
    assert 0.6 < content['common_prefix'] < 1.0
    assert content['common_prefix'] == pytest.approx(common / len(text), abs=0.01)


def test_text_goes_to_standard_output_and_its_size_to_standard_error(run: Run) -> None:
    result = shown(run, '--step', '8')
    assert result.stdout == f'## user\n\n{sent(run, 8).messages[0][1].rstrip()}\n'
    content = as_json(run, '--step', '8')
    share = f'{content["common_prefix"]:.0%}'
    assert result.stderr == (
        f'Step 8: about {content["tokens"]} tokens; the first {share} of the text are those of step 7.\n'
    )


def test_first_trials_have_a_prompt_that_was_not_sent(run: Run) -> None:
    result = shown(run, '--step', '1')
    assert 'as far right as possible' in result.stdout
    assert 'Note: step 1 was one of the first trials: nothing was sent for it.' in result.stderr
    assert as_json(run, '--step', '1')['common_prefix'] is None


def test_edited_prompt_is_told_with_its_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    improve_with_model(monkeypatch, tmp_path / 'run', steps=2)
    rewrite(tmp_path / 'run', 'UPDATE exchanges SET messages = replace(messages, ?, ?)', RIGHT, 'right')
    line = next(
        i
        for i, text in enumerate(shown(tmp_path / 'run', '--step', '7').stdout.splitlines())
        if RIGHT in text
    )
    result = shown(tmp_path / 'run', '--step', '7')
    assert (
        f'not what was sent for step 7 (exchange 1): the first difference is in line {line};' in result.stderr
    )
    assert as_json(tmp_path / 'run', '--step', '7')['same_as_sent'] is False


def test_run_of_a_numeric_optimizer_shows_what_sas_prompt_would_send(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    improve(monkeypatch, tmp_path / 'run', '--trials', '6', '--first-trials', '5')
    result = shown(tmp_path / 'run')
    assert RIGHT in result.stdout
    assert 'Note: no language model proposes in this run: this is what SAS-Prompt would send' in result.stderr
    assert (
        'nothing was sent for step 6: least_squares proposed it'
        in shown(tmp_path / 'run', '--step', '6').stderr
    )


def test_run_without_settings_is_shown_with_the_default_ones(run: Run, tmp_path: Path) -> None:
    with RunStore.create(tmp_path / 'bare', {}) as bare, RunStore.open(run) as store:
        for step, trial in zip(store.steps(), store.trials(), strict=True):
            bare.add_step(step.objective, step.step)
            bare.add_trial(trial)
        made = preview(bare)
        assert made.notes == ('the run does not hold its settings: the default ones are used',)
        assert 'as far right as possible' in made.messages[0][1]
        assert preview(bare, 1).messages == preview(store, 1).messages


def test_what_cannot_be_shown_is_refused_in_one_sentence(run: Run, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match='holds no run'):
        shown(tmp_path)
    for step in ('0', '-1', '11'):
        with pytest.raises(
            StoreError, match=f'has the steps 1 to 9, and 10 would come next; there is no step {step}'
        ):
            shown(run, '--step', step)
    with RunStore.create(tmp_path / 'new', {}) as store:
        with pytest.raises(StoreError, match='has no steps yet'):
            preview(store)
        store.add_step(RIGHT, Step(1, NEUTRAL, 1, Proposal(NEUTRAL, 'neutral'), 0))
        assert preview(store, 1).common_prefix is None
