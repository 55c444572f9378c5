import re

import numpy as np
import pytest
from chat_server import ChatServer, fail, fenced, good, reply_text, say
from curved_map import CurvedMap

from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.objective import parse_objective
from llm_policy_improver.optimizers.protocol import ProposalError
from llm_policy_improver.optimizers.sas import SasPrompt
from llm_policy_improver.optimizers.trial_table import TableOptions
from llm_policy_improver.parameters import JOINTS, ParameterSpace, PolicyParameters
from llm_policy_improver.trace import ExecutionTrace

SPACE = ParameterSpace()
RIGHT = parse_objective('as far right as possible')
VALUES = [1.05, 0.95, 1.0, 1.1, 0.9, 1.2, 0.8, 1.15]
KEY = 'sk-very-secret-0123456789'


def trials(count: int) -> list[ExecutionTrace]:
    task, generator = CurvedMap(1), np.random.default_rng(0)
    return [task.run(PolicyParameters(task.space.sample(generator)), i) for i in range(count)]


HISTORY = trials(24)


def optimizer(server: ChatServer, **options: object) -> SasPrompt:
    endpoint = Endpoint(
        'test-model', server.url, timeout_s=1.0, max_retries=0, environment={'OPENAI_API_KEY': KEY}
    )
    return SasPrompt(endpoint, SPACE, **options)  # type: ignore[arg-type]


def text(history: list[ExecutionTrace], **options: object) -> str:
    with ChatServer() as server:
        return optimizer(server, **options).messages(history, RIGHT)[0][1]


@pytest.mark.parametrize('answer', [good(VALUES), fenced(VALUES), say(reply_text([], parameters=VALUES))])
def test_good_reply_becomes_a_proposal_with_its_explanation(answer: object) -> None:
    with ChatServer(answer) as server:  # type: ignore[arg-type]
        proposal = optimizer(server).propose(HISTORY, RIGHT)
    assert proposal.attenuation == tuple(VALUES)
    assert proposal.proposed_by == 'sas:test-model'
    assert proposal.reason == 'Raising g moves the landing right.'
    assert proposal.analysis == 'b: left, g: right'
    (exchange,) = proposal.exchanges
    assert exchange.verdict == 'accepted'
    assert exchange.model == 'test-model-answered'
    assert (exchange.prompt_tokens, exchange.completion_tokens) == (100, 20)


def test_what_is_sent_is_what_messages_shows() -> None:
    with ChatServer(good(VALUES)) as server:
        sas = optimizer(server)
        proposal = sas.propose(HISTORY, RIGHT)
        expected = sas.messages(HISTORY, RIGHT)
    assert [(m['role'], m['content']) for m in server.requests[0]['messages']] == list(expected)
    assert proposal.exchanges[0].messages == expected


@pytest.mark.parametrize(
    ('bad', 'told'),
    [
        (say('I would raise g.'), 'the reply holds no JSON object with "parameters"'),
        (good([1.0] * 7), 'missing: h'),
        (good([float('nan')] + [1.0] * 7), 'parameter a must be a finite number; got nan'),
        (good([1e9] + [1.0] * 7), 'a (slide_y) is 1e+09 and must be 0.6 to 1.4'),
        (say(''), 'the reply is empty'),
        (good(list(HISTORY[4].parameters.attenuation)), 'these parameters are those of trial 5 again'),
    ],
)
def test_bad_reply_is_repaired_once_and_told_what_was_wrong(bad: object, told: str) -> None:
    with ChatServer(good(VALUES)) as server:
        server.script(bad)  # type: ignore[arg-type]
        proposal = optimizer(server).propose(HISTORY, RIGHT)
    assert proposal.attenuation == tuple(VALUES)
    first, second = proposal.exchanges
    assert told in first.verdict
    assert second.verdict == 'accepted'
    chat = server.requests[1]['messages']
    assert [message['role'] for message in chat] == ['user', 'assistant', 'user']
    assert told in chat[2]['content']


def test_two_bad_replies_end_in_an_error_that_carries_the_exchanges() -> None:
    with ChatServer(good([1e9] * 8)) as server:
        server.script(say('hm'))
        sas = optimizer(server)
        with pytest.raises(
            ProposalError, match='no usable reply after 2 requests from test-model: out of'
        ) as caught:
            sas.propose(HISTORY, RIGHT)
    assert [exchange.verdict.split(':')[0] for exchange in caught.value.exchanges] == ['refused', 'refused']
    assert caught.value.exchanges[0].reply == 'hm'


def test_endpoint_failure_is_an_error_that_carries_the_exchange() -> None:
    with ChatServer(fail(500, f'your key is {KEY}')) as server:
        server.script(say('no JSON'))
        sas = optimizer(server)
        with pytest.raises(ProposalError, match='failed with HTTP 500') as caught:
            sas.propose(HISTORY, RIGHT)
    first, second = caught.value.exchanges
    assert first.reply == 'no JSON'
    assert second.reply == ''
    assert second.verdict.startswith('failed: ')
    assert KEY not in repr(caught.value.exchanges) + str(caught.value) + repr(vars(sas))


def test_slight_overshoot_is_clipped_and_recorded() -> None:
    with ChatServer(good([1.41, *VALUES[1:]])) as server:
        proposal = optimizer(server).propose(HISTORY, RIGHT)
    assert proposal.attenuation[0] == 1.4
    assert 'clipped to its bound: a (slide_y) 1.41 to 1.4' in proposal.exchanges[0].verdict


def test_prompt_is_filled_in_from_the_table_and_the_bounds() -> None:
    prompt = text(HISTORY)
    assert 'x from -0.7625 (left edge) to 0.7625 (right edge), y from 0 (net) to 1.37 (far end)' in prompt
    assert '"as far right as possible"' in prompt
    assert 'distance of the landing to the right edge of the table' in prompt
    for joint in JOINTS:
        assert f'({joint}, ' in prompt
    assert prompt.count(': 0.60 to 1.40') == 8
    assert '$' not in prompt


def test_prompt_shows_every_trial_and_the_computed_distance() -> None:
    prompt = text(HISTORY)
    for number, trace in enumerate(HISTORY, start=1):
        first = f'| {number} | {trace.parameters.attenuation[0]:.3f} |'
        assert first in prompt
    best = RIGHT.best(HISTORY)
    assert best is not None
    number = HISTORY.index(best) + 1
    assert f'Nearest to the objective: trial {number}, distance {RIGHT.distance(best):.3f} m.' in prompt
    assert '| g | ' in prompt.split('Computed effect')[1]


def test_stable_part_comes_first() -> None:
    before, after = text(HISTORY[:-1]), text(HISTORY)
    common = [one != other for one, other in zip(before, after, strict=False)].index(True)
    assert common > 0.6 * len(after)


def test_long_history_is_shown_in_part_and_said() -> None:
    history = trials(100)
    prompt = text(history)
    rows = re.findall(r'^\| \d+ \|.*$', prompt, re.MULTILINE)
    assert 30 <= len(rows) <= 40
    best = RIGHT.best(history)
    assert best is not None
    assert any(row.startswith(f'| {history.index(best) + 1} |') for row in rows)
    assert rows[-1].startswith('| 100 |')
    assert f'{100 - len(rows)} trials are left out of the table' in prompt


def test_aids_can_be_left_out() -> None:
    prompt = text(HISTORY, options=TableOptions(digits=2, distances=False, effects=False))
    assert 'Computed effect' not in prompt
    assert '| distance |' not in prompt
    assert 'Nearest to the objective' not in prompt
    assert f'| 1 | {HISTORY[0].parameters.attenuation[0]:.2f} |' in prompt


def test_known_noise_is_told() -> None:
    assert 'varies by about 0.020 m' in text(HISTORY, landing_noise=0.02)
    assert 'varies by about' not in text(HISTORY)


def test_objective_that_cannot_be_measured_still_reaches_the_model() -> None:
    objective = parse_objective('make the opponent run, $5 bet')
    with ChatServer(good(VALUES)) as server:
        optimizer(server).propose(HISTORY, objective)
    sent = server.requests[0]['messages'][0]['content']
    assert '"make the opponent run, $5 bet"' in sent
    assert 'No program can measure this' in sent


def test_no_trials_yet_is_said() -> None:
    assert 'There are none yet' in text([])
