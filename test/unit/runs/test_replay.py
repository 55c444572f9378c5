"""A stored run played again: no endpoint, no simulator, the same parameters."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from chat_server import fail, say
from click.testing import CliRunner, Result
from recorded_run import RIGHT, ROUGH_WEATHER, improve, improve_with_model, near_neutral, rewrite

from llm_policy_improver.cli.run_commands import replay_command
from llm_policy_improver.core.audit import GateVerdict
from llm_policy_improver.core.chat import Ending, EndpointError, Exchange
from llm_policy_improver.core.finding import Failure, Finding
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.term import Extreme
from llm_policy_improver.llm.recorded import RecordedModel
from llm_policy_improver.loop import build
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.loop.improvement_result import ImprovementResult
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs.prompt_preview import preview
from llm_policy_improver.runs.replay import ReplayResult, replay
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.runs.stored_run import stored_parts, stored_settings
from llm_policy_improver.table_tennis.space import NEUTRAL, parameter_space
from llm_policy_improver.table_tennis.task import TableTennis

CHAT = (('user', 'hello'),)


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('OPENAI_API_KEY', raising=False)


def replayed(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(replay_command, [str(folder), *options], catch_exceptions=False)


def as_json(folder: Path) -> tuple[int, dict[str, Any]]:
    result = replayed(folder, '--json')
    return result.exit_code, json.loads(result.stdout)


# --- the recorded model ------------------------------------------------------------------------------------


def test_recorded_model_answers_in_order_and_notes_what_was_asked_otherwise() -> None:
    model = RecordedModel('gpt-test')
    other = (('user', 'good morning'),)
    model.load(
        [
            Exchange(CHAT, 'one', 'gpt-test-7', 10, 2, 0.5),
            Exchange(CHAT, '', 'gpt-test', verdict='no answer within 1 s', ending=Ending.FAILED),
            Exchange(CHAT, '', 'gpt-test-7', verdict='refused: the reply is empty', ending=Ending.REFUSED),
        ],
        first=4,
    )
    first = model.complete(CHAT, {'type': 'object'})
    assert (first.text, first.model, first.prompt_tokens, first.completion_tokens) == (
        'one',
        'gpt-test-7',
        10,
        2,
    )
    with pytest.raises(EndpointError, match=r'\Ano answer within 1 s\Z'):
        model.complete(other)
    assert model.left == 1
    assert model.complete(list(CHAT)).text == ''
    with pytest.raises(EndpointError, match='no further request'):
        model.complete(CHAT)
    assert model.differing == [5]
    assert model.asked == [CHAT, other, CHAT, CHAT]


# --- whole runs ----------------------------------------------------------------------------------------------


def test_run_in_rough_weather_is_replayed_step_by_step(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    improve_with_model(monkeypatch, tmp_path / 'run', *ROUGH_WEATHER, steps=14)
    with RunStore.open(tmp_path / 'run') as store:
        endings = [each.exchange.ending for each in store.exchanges()]
        assert set(endings) == set(Ending)
        steps = [stored.step for stored in store.steps()]
        failures = {vain.failure for step in steps for vain in step.proposal.instead_of}
        assert failures == {Failure.UNUSABLE, Failure.RESTING}
    monkeypatch.delenv('OPENAI_API_KEY')
    status, said = as_json(tmp_path / 'run')
    assert status == 0
    assert said['identical']
    assert (said['first_differing_step'], said['first_differing_exchange']) == (None, None)
    assert [step['stored'] for step in said['steps']] == [step['replayed'] for step in said['steps']]
    assert [step['stored'] for step in said['steps']] == [step.policy.as_json() for step in steps]
    assert sum(step['requests'] for step in said['steps']) == len(endings)
    assert f'all {len(steps)} steps gave the stored parameters' in said['verdict']
    assert f'all {len(endings)} prompts are the same' in said['verdict']


def test_table_has_a_line_for_each_step_and_ends_with_the_verdict(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    improve_with_model(monkeypatch, tmp_path / 'run')
    result = replayed(tmp_path / 'run')
    heading, *rows, verdict = result.stdout.splitlines()
    assert heading.split() == ['step', 'proposed', 'by', 'parameters', 'requests', 'prompts', 'replay']
    assert [row.split()[0] for row in rows] == [str(i) for i in range(1, 10)]
    assert all(row.split()[-1] == 'same' for row in rows)
    assert rows[7].split()[1] == 'sas:test-model'
    assert verdict == ('Identical: all 9 steps gave the stored parameters; all 3 prompts are the same.')


@pytest.mark.parametrize('method', ['least_squares', 'random_search'])
def test_numeric_run_is_computed_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, method: str) -> None:
    varied = ('--seed', '7', '--vary-balls', '--method', method)
    improve(monkeypatch, tmp_path / 'run', '--trials', '9', '--first-trials', '5', *varied)
    status, said = as_json(tmp_path / 'run')
    assert (status, said['identical']) == (0, True)
    assert said['verdict'] == 'identical: all 9 steps gave the stored parameters.'


def test_screened_run_is_replayed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    improve_with_model(monkeypatch, tmp_path / 'run', first=12, steps=4, method='hybrid')
    status, said = as_json(tmp_path / 'run')
    assert (status, said['identical']) == (0, True), said['verdict']
    assert sum(step['requests'] for step in said['steps']) == 4


def test_steps_without_any_proposal_are_replayed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    improve_with_model(
        monkeypatch, tmp_path / 'run', *ROUGH_WEATHER[:6], steps=4, words='make the opponent run',
        options=['--rank-by-model'],
    )  # fmt: skip
    with RunStore.open(tmp_path / 'run') as store:
        assert any(stored.step.unchanged for stored in store.steps())
    status, said = as_json(tmp_path / 'run')
    assert (status, said['identical']) == (0, True), said['verdict']


def improve_what_a_model_reads(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    understood = {'meaning': 'wide', 'terms': [{'measure': 'landing_x', 'want': 'max', 'weight': 1}]}
    answer = say(json.dumps(understood | {'not_understood': []}), 700, 60)
    fallback = fail(500)  # proposes by the objective's measure
    improve_with_model(
        monkeypatch, folder, answer, fallback, first=12, steps=2, words='make the opponent run'
    )


def test_objective_that_a_model_understood_is_replayed_as_it_was_understood(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    improve_what_a_model_reads(monkeypatch, tmp_path / 'run')
    with RunStore.open(tmp_path / 'run') as store:
        settings = stored_settings(store)
        assert settings is not None
        objective = settings.meant('make the opponent run')
        assert [(term.measure.name, term.want) for term in objective.terms] == [
            ('landing_x', Extreme.LARGEST)
        ]
        assert store.steps()[12].step.proposed_by == 'least_squares'
    status, said = as_json(tmp_path / 'run')
    assert (status, said['identical']) == (0, True), said['verdict']
    assert said['verdict'].endswith('all 2 prompts are the same; what the words mean is asked as it was.')
    (reading,) = said['readings']
    assert (reading['step'], reading['objective']) == (1, 'make the opponent run')
    assert reading['stored'] == reading['replayed'] == 'as far right as possible'
    assert (reading['requests'], reading['differing_exchanges']) == (1, [])


def test_another_prompt_or_understanding_of_the_words_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    improve_what_a_model_reads(monkeypatch, tmp_path / 'run')
    asked = "json_extract(content, '$.objective.exchanges[0].messages[0][1]')"
    rewrite(
        tmp_path / 'run',
        "UPDATE settings SET content = json_set(content, '$.objective.exchanges[0].messages[0][1]', "
        f"replace({asked}, 'table-tennis', 'tennis'))",
    )
    status, said = as_json(tmp_path / 'run')
    assert (status, said['readings'][0]['differing_exchanges']) == (0, [1])
    told = 'what the words mean is asked otherwise now: "make the opponent run" (step 1).'
    assert said['verdict'].endswith(told)
    rewrite(
        tmp_path / 'run',
        "UPDATE settings SET content = json_set(content, '$.objective.exchanges[0].reply', '{}')",
    )
    status, said = as_json(tmp_path / 'run')
    assert (status, said['readings'][0]['identical']) == (1, False)
    assert said['verdict'].startswith('not identical: all 14 steps gave the stored parameters; "make the')


def test_summary_counts_the_tokens_that_reading_the_words_took(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    improve_what_a_model_reads(monkeypatch, tmp_path / 'run')
    with RunStore.open(tmp_path / 'run') as store:
        settings = stored_settings(store)
        assert settings is not None
        steps = [each.exchange for each in store.exchanges()]
        result = ImprovementResult.of(settings.meant('make the opponent run'), 'sas', [], [])
    assert (result.prompt_tokens, result.completion_tokens) == (700, 60)
    assert sum(exchange.prompt_tokens for exchange in steps) == 100


def test_run_through_ros_is_replayed_like_one_in_process(tmp_path: Path) -> None:
    pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')
    from ros_graph import COMMAND, process

    call = [COMMAND, 'demo', RIGHT, '--json', '--trials', '8', '--first-trials', '6', '--output', 'run']
    with process(call, tmp_path) as started:
        assert started.end() == 0, started.err
    status, said = as_json(tmp_path / 'run')
    assert (status, said['identical'], len(said['steps'])) == (0, True, 8), said['verdict']


def test_nodes_that_share_a_folder_leave_a_run_that_is_replayed(tmp_path: Path) -> None:
    pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')
    from ros_graph import RosGraph

    # As launched: the trace logger makes the store, and each of two runs has its own number of trials.
    with RosGraph() as graph:
        graph.play_in(tmp_path / 'run', first_trials=4, seed=3)
        for trials, words in ((6, RIGHT), (2, RIGHT), (3, 'as far left as possible')):
            graph.improve(words, trials=trials).result()
    with RunStore.open(tmp_path / 'run') as store:
        assert 'optimizer' not in store.description
        assert [each.first_step for each in store.settings()] == [1, 7, 9]
        assert [len(part.steps) for part in stored_parts(store)] == [6, 2, 3]
        last = stored_settings(store)
        assert last is not None
        assert (last.optimizer.objective, last.optimizer.trials) == ('as far left as possible', 3)
    status, said = as_json(tmp_path / 'run')
    assert (status, said['identical'], len(said['steps'])) == (0, True, 11), said['verdict']


def test_run_stored_when_methods_were_called_otherwise_is_played_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    improve(monkeypatch, tmp_path / 'run', '--trials', '8', '--first-trials', '6', '--method', 'quadratic')
    former = "json_insert(content, '$.optimizer.optimizer', json_extract(content, '$.optimizer.method'))"
    rewrite(tmp_path / 'run', f"UPDATE settings SET content = json_remove({former}, '$.optimizer.method')")
    with RunStore.open(tmp_path / 'run') as store:
        content = store.settings()[-1].content['optimizer']
    assert (content['optimizer'], 'method' in content) == ('quadratic', False)
    status, said = as_json(tmp_path / 'run')
    assert (status, said['identical'], len(said['steps'])) == (0, True, 8), said['verdict']


# --- what differs --------------------------------------------------------------------------------------------


def test_parameters_that_come_out_otherwise_are_named_and_end_with_status_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    improve_with_model(monkeypatch, tmp_path / 'run')
    with RunStore.open(tmp_path / 'run') as store:
        values = store.steps()[-1].step.policy.as_json()
    values['g'] += 0.01
    rewrite(tmp_path / 'run', 'UPDATE steps SET policy = ? WHERE step = 9', json.dumps(values))
    status, said = as_json(tmp_path / 'run')
    assert status == 1
    assert said['first_differing_step'] == 9
    assert [step['identical'] for step in said['steps']] == [True] * 8 + [False]
    assert said['verdict'].startswith(
        'not identical: step 9: parameters differ by up to 0.01 (g); all 3 prompts'
    )
    assert 'Not identical: step 9' in replayed(tmp_path / 'run').stdout


def test_edited_prompt_is_told_though_the_parameters_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    improve_with_model(monkeypatch, tmp_path / 'run')
    rewrite(tmp_path / 'run', "UPDATE exchanges SET messages = replace(messages, 'table-tennis', 'tennis')")
    status, said = as_json(tmp_path / 'run')
    assert (status, said['identical'], said['first_differing_exchange']) == (0, True, 1)
    assert '3 of 3 prompts differ, the first in exchange 1 (step 7): the prompt files' in said['verdict']


def test_missing_reply_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    improve_with_model(monkeypatch, tmp_path / 'run')
    with closing(sqlite3.connect(tmp_path / 'run' / 'run.sqlite')) as connection:
        connection.execute('DROP TRIGGER exchanges_no_DELETE')
        connection.execute('DELETE FROM exchanges WHERE step = 9')
        connection.commit()
    status, said = as_json(tmp_path / 'run')
    assert status == 1
    assert 'the number of requests differs first in step 9' in said['verdict']


@pytest.mark.parametrize(
    ('statement', 'error', 'why'),
    [
        (
            "UPDATE settings SET content = '{}'",
            StoreError,
            'does not hold its settings, so it cannot be replayed',
        ),
        (
            """UPDATE settings SET content = '{"optimizer": {"trialz": 5}}'""",
            ValueError,
            'unknown setting "trialz"; did you mean trials',
        ),
    ],
)
def test_run_without_settings_of_this_version_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, statement: str, error: type[Exception], why: str
) -> None:
    improve(monkeypatch, tmp_path / 'run', '--trials', '2', '--first-trials', '2')
    rewrite(tmp_path / 'run', statement)
    with RunStore.open(tmp_path / 'run') as store, pytest.raises(error, match=why):
        next(replay(store))


def test_folders_without_a_run_or_steps_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r'holds no run'):
        replayed(tmp_path)
    RunStore.create(tmp_path / 'new', {'optimizer': {}}).close()
    with pytest.raises(StoreError, match='has no steps to replay'):
        replayed(tmp_path / 'new')


# --- reading a run back ---------------------------------------------------------------------------------------


def test_run_is_cut_at_a_new_objective_and_after_a_step_that_was_not_played(tmp_path: Path) -> None:
    task = TableTennis()
    with RunStore.create(tmp_path / 'run', {}) as store:
        versions = iter(range(1, 20))

        def step(words: str, *, played: bool = True) -> None:
            made = Step(1, NEUTRAL, next(versions), Proposal(NEUTRAL, 'initial'), 0)
            store.add_step(words, made)
            if played:
                store.add_trial(made.played(task.run(NEUTRAL, 0)))

        store.add_trial(task.run(NEUTRAL, 0))
        for words, played in (('right', True), ('right', False), ('right', True), ('left', True)):
            step(words, played=played)
        parts = stored_parts(store)
    shape = [
        (part.objective, len(part.history), [each.trial is not None for each in part.steps]) for part in parts
    ]
    assert shape == [('right', 1, [True, False]), ('right', 2, [True]), ('left', 3, [True])]
    assert [trial.number for trial in parts[0].before(2)] == [1, 2]


def test_proposals_come_back_as_the_loop_had_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[Improvement] = []

    def improvement(*arguments: Any, **named: Any) -> Improvement:
        made.append(Improvement(*arguments, **named))
        return made[-1]

    monkeypatch.setattr(build, 'Improvement', improvement)
    reply = json.dumps(
        {'nearest': 'trial 4', 'analysis': 'a: right', 'effects': {'a': {'x': 'right'}},
         'expected': {'x': 0.1}, 'parameters': [1.41, *near_neutral(1)[1:]]}
    )  # fmt: skip
    improve_with_model(monkeypatch, tmp_path / 'run', say(reply), *ROUGH_WEATHER[3:4], steps=2)
    with RunStore.open(tmp_path / 'run') as store:
        (part,) = stored_parts(store)
        steps = [each.step(number) for number, each in enumerate(part.steps, 1)]
    assert tuple(steps) == made[0].steps
    *first, by_model, by_fallback = (step.proposal for step in steps)
    assert [proposal.proposed_by for proposal in first] == ['initial'] * 6
    assert (by_model.nearest, by_model.analysis) == (4, 'a: right')
    assert [(claim.parameter, claim.measure, claim.sign) for claim in by_model.claims] == [
        ('a', 'landing_x', 1)
    ]
    assert by_model.exchanges[0].reply == reply
    clipped = Finding('bounds', 'clipped to its bound: a (slide_y) 1.41 to 1.4', changed=True)
    assert by_model.findings == (clipped,)
    assert by_fallback.proposed_by == 'least_squares'
    assert [vain.method for vain in by_fallback.instead_of] == ['sas:test-model']
    assert by_fallback.exchanges[0].ending is Ending.FAILED


# What a person or the rehearsal kept from the arm.


class Gatekeeping:
    """Refuses, rejects and edits by a list: 'ok', 'refuse', 'reject' or the numbers to try instead."""

    name = 'scripted'

    def __init__(self, *words: Any) -> None:
        self._words = iter(words)

    def judge(self, case: GateCase) -> GateVerdict:
        word = next(self._words, 'ok')
        if isinstance(word, tuple):
            return GateVerdict(self.name, True, 'gently', Proposal(parameter_space().at(word), 'Ada'), 'Ada')
        by = 'Ada' if word == 'reject' else ''
        return GateVerdict(self.name, word == 'ok', f'{word}: too fast', by=by)


def test_run_with_gates_is_replayed_without_them_and_its_prompts_are_rebuilt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gatekeeping(
        'ok', 'refuse', *['ok'] * 5,                       # the second first trial is pulled
        'reject', 'reject', 'ok',                          # asked again
        'refuse', 'ok',                                    # the fallback's passes
        (1.01, *[0.99] * 7), 'reject', 'reject', 'reject', 'refuse', 'ok',
    )  # fmt: skip

    def made(*arguments: Any, **named: Any) -> Improvement:
        return Improvement(*arguments, **(named | {'gates': (gate,)}))

    with monkeypatch.context() as patched:
        patched.setattr(build, 'Improvement', made)
        improve_with_model(patched, tmp_path, steps=5)
    with RunStore.open(tmp_path) as store:
        result = ReplayResult(tuple(replay(store)))
        assert result.identical, result.sentence
        assert 'prompts are the same' in result.sentence
        decisions = {record.audit.decision.value for record in store.audits()}
        assert decisions >= {'automatic', 'refused', 'rejected', 'edited'}
        asked = [step.number for part in stored_parts(store) for step in part.steps if step.exchanges]
        assert len(asked) == 5
        for number in asked:
            assert preview(store, number).same_as_sent
        assert 'A person rejected the parameters' in str(preview(store, asked[1]))
