import re

import numpy as np
import pytest
from chat_server import ChatServer, fail, fenced, good, reply_text, say
from curved_map import CurvedMap

from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.method import Proposal, ProposalError
from llm_policy_improver.core.objective import parse_objective
from llm_policy_improver.core.parameters import JOINTS, ParameterSpace, PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.llm.tokens import count_tokens
from llm_policy_improver.methods.numeric.landing_model import LandingModel
from llm_policy_improver.methods.ranking import ranked
from llm_policy_improver.methods.sas.sas import SasPrompt
from llm_policy_improver.methods.sas.sas_options import SasOptions

SPACE = ParameterSpace()
RIGHT = parse_objective('as far right as possible')
VALUES = [1.05, 0.95, 1.0, 0.9, 1.1, 0.8, 0.95, 0.95]
KEY = 'sk-very-secret-0123456789'


def trials(count: int) -> list[ExecutionTrace]:
    task, generator = CurvedMap(1), np.random.default_rng(0)
    return [
        task.run(PolicyParameters(task.space.sample(generator), proposed_by='initial'), i)
        for i in range(count)
    ]


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
    assert [exchange.verdict.split()[0].rstrip(':') for exchange in caught.value.exchanges] == [
        'refused',
        'refused',
    ]
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


def rows_of(prompt: str) -> list[str]:
    table = prompt.split('net_clearance peak_height', 1)[1].split('\n\n', 1)[0]
    return [line.strip() for line in table.split('\n')[1:]]


def test_prompt_shows_every_trial_and_the_computed_distance() -> None:
    prompt = text(HISTORY)
    rows = rows_of(prompt)
    assert len(rows) == len(HISTORY)
    for number, (row, trace) in enumerate(zip(rows, HISTORY, strict=True), start=1):
        cells = row.split()
        assert cells[0] == str(number)
        assert cells[1:9] == [f'{value:.3f}' for value in trace.parameters.attenuation]
        assert cells[-1] == trace.outcome
        if trace.landing is not None and trace.landed:
            assert [float(cell) for cell in cells[9:11]] == pytest.approx(
                [trace.landing.x, trace.landing.y], abs=6e-4
            )
    best = RIGHT.best(HISTORY)
    assert best is not None
    assert (
        f'Nearest to the objective: trial {HISTORY.index(best) + 1} ({RIGHT.distance(best):.3f} m), '
        in prompt
    )
    assert '\ng ' in prompt.split('Computed effect')[1]


def test_reached_is_what_the_margins_leave() -> None:
    two_centimetres_inside_and_one_more = 'kept: x 0.74. A distance of 0.030 m or less counts as reached'
    assert two_centimetres_inside_and_one_more in text(HISTORY)


def claiming(trace: ExecutionTrace) -> Proposal:
    """A model's proposal that says and is told as much as one can."""
    everything = '; '.join(f'{name}: right, shorter, higher' for name in 'abcdefgh')
    reply = reply_text(list(trace.parameters.attenuation), expected={'x': 0.3, 'y': 0.5}, analysis=everything)
    exchange = Exchange((), reply, 'm')
    told = 'trust_region: ' + 'the step was shortened and ' * 20
    return Proposal(trace.parameters.attenuation, 'sas:m', verdict=told, exchanges=(exchange,))


@pytest.mark.parametrize('words', ['as far right as possible', 'high and short', 'make them run'])
def test_prompt_keeps_the_budget_and_begins_like_the_one_before(words: str) -> None:
    history, objective = trials(200), parse_objective(words)
    with ChatServer() as server:
        sas = optimizer(server)
        for count in (25, 28, 29, 30, 31, 32, 40, 59, 60, 61, 100, 200):
            made = [claiming(trace) for trace in history[24:count]]
            before = sas.messages(history[: count - 1], objective, made[:-1])[0][1]
            after = sas.messages(history[:count], objective, made)[0][1]
            pairs = enumerate(zip(before, after, strict=False))
            common = next(i for i, (one, other) in pairs if one != other)
            assert common >= 0.6 * len(after), count
            assert count_tokens(after) <= 4000, count


def test_long_history_fits_the_budget_with_the_best_and_the_latest() -> None:
    history = trials(200)
    prompt = text(history)
    assert count_tokens(prompt) <= 4000
    numbers = [int(row.split()[0]) for row in rows_of(prompt)]
    assert len(numbers) == len(set(numbers)) >= 25
    order = ranked(history, RIGHT)
    assert {position + 1 for position in order[:6]} <= set(numbers)
    assert {200, 199, 198} <= set(numbers)
    assert f'{200 - len(numbers)} trials are not shown: ' in prompt


def test_aids_can_be_left_out() -> None:
    options = SasOptions(digits=2, distances=False, effects=False, analysis=False)
    prompt = text(HISTORY, options=options)
    assert 'Computed effect' not in prompt
    assert 'peak_height distance' not in prompt
    assert 'Nearest to the objective' not in prompt
    assert 'Analysis' not in prompt
    assert f' 1 {HISTORY[0].parameters.attenuation[0]:.2f} ' in prompt


def test_parameters_can_be_renamed() -> None:
    names = ('p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8')
    with ChatServer(say(reply_text([], parameters=dict(zip(names, VALUES, strict=True))))) as server:
        sas = optimizer(server, options=SasOptions(names=names))
        proposal = sas.propose(HISTORY, RIGHT)
    assert proposal.attenuation == tuple(VALUES)
    sent = server.requests[0]['messages'][0]['content']
    assert '- p8 (axis_6, rotary axis)' in sent
    assert '"p8": <number>' in sent


def test_trials_can_be_ordered() -> None:
    rows = rows_of(text(HISTORY, options=SasOptions(order='best_last')))
    order = [position + 1 for position in ranked(HISTORY, RIGHT)]
    assert [int(row.split()[0]) for row in rows[-len(order) :]] == order[::-1]
    shuffled = rows_of(text(HISTORY, options=SasOptions(order='random')))
    assert sorted(shuffled) == sorted(rows_of(text(HISTORY)))
    assert shuffled != rows_of(text(HISTORY))


def test_best_of_several_candidates_is_tried_and_said() -> None:
    model = LandingModel.fit(HISTORY, SPACE)
    generator = np.random.default_rng(3)
    candidates = [[round(v, 3) for v in SPACE.sample(generator)] for _ in range(4)]
    reply = reply_text([], parameters=None, candidates=candidates)
    with ChatServer(say(reply)) as server:
        sas = optimizer(server, options=SasOptions(candidates=4))
        proposal = sas.propose(HISTORY, RIGHT)
    assert '"candidates": [{' in server.requests[0]['messages'][0]['content']
    assert re.search(r'candidate \d of 4: a regression predicts', proposal.verdict)
    xs = [model.predict(candidate)['x'] for candidate in candidates]
    tried = model.predict(proposal.attenuation)['x']
    assert tried > sorted(xs)[1]


def test_model_is_shown_its_expectation_beside_the_landing() -> None:
    task = CurvedMap(1)
    reply = reply_text(VALUES, expected={'x': 0.31, 'y': 0.62}, analysis='a: right; b: left')
    with ChatServer(say(reply)) as server:
        sas = optimizer(server)
        proposal = sas.propose(HISTORY, RIGHT)
        trace = task.run(PolicyParameters(proposal.attenuation), 0)
        (_, prompt) = sas.messages([*HISTORY, trace], RIGHT, [proposal])[0]
    assert trace.landing is not None
    assert (
        'For trial 25 you expected a landing at (+0.310, 0.620): it landed at '
        f'({trace.landing.x:+.3f}, {trace.landing.y:.3f}), off by x {trace.landing.x - 0.31:+.3f} and '
        f'y {trace.landing.y - 0.62:+.3f}.'
    ) in prompt


def test_repeated_trials_are_averaged_with_their_spread() -> None:
    noisy = CurvedMap(1, noise=0.02)
    repeated = [noisy.run(PolicyParameters(tuple(VALUES)), seed) for seed in range(6)]
    landings = np.array([(t.landing.x, t.landing.y) for t in repeated if t.landing is not None])
    prompt = text([*HISTORY, *repeated])
    assert f'mean x {landings[:, 0].mean():+.3f} ±{landings[:, 0].std(ddof=1):.3f}' in prompt
    pooled = np.sqrt(landings.var(axis=0, ddof=1).mean())
    assert f'varies by about {pooled:.3f} m' in prompt


def test_known_noise_is_told() -> None:
    assert 'varies by about 0.020 m' in text(HISTORY, noise=0.02)
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
