import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from chat_server import ChatServer, fail, fenced, good, reply_text, say
from curved_map import CurvedMap

from llm_policy_improver.core.chat import Ending, Exchange
from llm_policy_improver.core.finding import Agreement, ClaimedEffect, Finding
from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.llm.tokens import count_tokens
from llm_policy_improver.methods.numeric.effect_model import EffectModel
from llm_policy_improver.methods.ranking import ranked
from llm_policy_improver.methods.sas.sas import SasPrompt
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief
from llm_policy_improver.table_tennis.tracing.observed import landing_of

SPACE = parameter_space()
BRIEF = make_brief(SPACE)
RIGHT = parse_objective('as far right as possible')
VALUES = [1.05, 0.95, 1.0, 0.9, 1.1, 0.8, 0.95, 0.95]
KEY = 'sk-very-secret-0123456789'


def trials(count: int) -> list[Trial]:
    task, generator = CurvedMap(1), np.random.default_rng(0)
    played = (task.run(task.space.sample(generator), i) for i in range(count))
    return [replace(trial, proposed_by='initial') for trial in played]


HISTORY = trials(24)


def optimizer(server: ChatServer, **options: Any) -> SasPrompt:
    endpoint = Endpoint(
        'test-model', server.url, timeout_s=1.0, max_retries=0, environment={'OPENAI_API_KEY': KEY}
    )
    return SasPrompt(endpoint, BRIEF, **options)


def text(history: list[Trial], **options: Any) -> str:
    with ChatServer() as server:
        return optimizer(server, **options).messages(history, RIGHT)[0][1]


@pytest.mark.parametrize('answer', [good(VALUES), fenced(VALUES), say(reply_text([], parameters=VALUES))])
def test_good_reply_becomes_a_proposal_with_its_explanation(answer: object) -> None:
    with ChatServer(answer) as server:  # type: ignore[arg-type]
        proposal = optimizer(server).propose(HISTORY, RIGHT)
    assert proposal.policy == SPACE.at(VALUES)
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
        (good(list(HISTORY[4].parameters.values)), 'these parameters are those of trial 5 again'),
    ],
)
def test_bad_reply_is_repaired_once_and_told_what_was_wrong(bad: object, told: str) -> None:
    with ChatServer(good(VALUES)) as server:
        server.script(bad)  # type: ignore[arg-type]
        proposal = optimizer(server).propose(HISTORY, RIGHT)
    assert proposal.policy == SPACE.at(VALUES)
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
    assert [exchange.ending for exchange in caught.value.exchanges] == ['refused', 'refused']
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
    assert second.ending is Ending.FAILED
    assert 'HTTP 500' in second.verdict
    assert KEY not in repr(caught.value.exchanges) + str(caught.value) + repr(vars(sas))


def test_slight_overshoot_is_clipped_and_recorded() -> None:
    with ChatServer(good([1.41, *VALUES[1:]])) as server:
        proposal = optimizer(server).propose(HISTORY, RIGHT)
    assert proposal.parameters.values[0] == 1.4
    assert 'clipped to its bound: a (slide_y) 1.41 to 1.4' in proposal.exchanges[0].verdict


def test_prompt_is_filled_in_from_the_table_and_the_bounds() -> None:
    prompt = text(HISTORY)
    assert 'x from -0.7625 (left edge) to 0.7625 (right edge), y from 0 (net) to 1.37 (far end)' in prompt
    assert '"as far right as possible"' in prompt
    assert 'Understood as: as far right as possible.' in prompt
    for joint in JOINTS:
        assert f' ({joint}): 0.60 to 1.40\n' in prompt
    assert prompt.count(': 0.60 to 1.40') == 8
    assert '$' not in prompt


def rows_of(prompt: str) -> list[str]:
    table = prompt.split('x y peak_height net_clearance', 1)[1].split('\n\n', 1)[0]
    return [line.strip() for line in table.split('\n')[1:]]


def test_prompt_shows_every_trial_and_the_computed_distance() -> None:
    prompt = text(HISTORY)
    rows = rows_of(prompt)
    assert len(rows) == len(HISTORY)
    for number, (row, trial) in enumerate(zip(rows, HISTORY, strict=True), start=1):
        cells = row.split()
        assert cells[0] == str(number)
        assert cells[1:9] == [f'{value:.3f}' for value in trial.parameters.values]
        assert cells[-1] == trial.outcome
        landing = landing_of(trial)
        if landing is not None and trial.succeeded:
            measured = [landing.x, landing.y, trial.measures['peak_height'], trial.measures['net_clearance']]
            assert [float(cell) for cell in cells[9:13]] == pytest.approx(measured, abs=6e-4)
            assert float(cells[13]) == pytest.approx(RIGHT.distance(trial), abs=6e-4)
    best = RIGHT.best(HISTORY)
    assert best is not None
    nearest = f'Nearest to the objective: trial {HISTORY.index(best) + 1} ({RIGHT.distance(best):.3f}), '
    assert nearest in prompt
    assert '\ng ' in prompt.split('Computed effect')[1]


def test_reached_is_what_the_margins_leave() -> None:
    two_centimetres_inside_and_one_more = 'kept: x 0.74. A distance of 0.030 or less counts as reached'
    assert two_centimetres_inside_and_one_more in text(HISTORY)


def claiming(trial: Trial) -> Proposal:
    """A model's proposal that says and is told as much as one can."""
    claims = tuple(
        ClaimedEffect(name, measure.name, sign, Agreement.CONTRADICTED, 0.123, 0.045)
        for name in SPACE.names
        for measure, sign in zip(BRIEF.measures[:4], (1, -1, 1, 0), strict=True)
    )
    finding = Finding('trust_region', 'the step was shortened and ' * 20, changed=True)
    return Proposal(
        trial.policy, 'sas:m', expected={'landing_x': 0.3, 'landing_y': 0.5}, findings=(finding,), claims=claims,
        exchanges=(Exchange((), 'reply', 'm'),),
    )  # fmt: skip


@pytest.mark.parametrize('words', ['as far right as possible', 'high and short', 'make them run'])
def test_prompt_keeps_the_budget_and_begins_like_the_one_before(words: str) -> None:
    history, objective = trials(200), parse_objective(words)
    with ChatServer() as server:
        sas = optimizer(server)
        for count in (25, 28, 29, 30, 31, 32, 40, 59, 60, 61, 100, 200):
            made = [claiming(trial) for trial in history[24:count]]
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


def test_attenuations_and_residuals_together_are_named_with_their_units_and_fit_the_budget() -> None:
    brief = make_brief(parameter_space(Searched.BOTH))
    generator = np.random.default_rng(0)
    history = [replace(trial, policy=brief.space.sample(generator)) for trial in trials(60)]
    with ChatServer() as server:
        endpoint = Endpoint('test-model', server.url, environment={'OPENAI_API_KEY': KEY})
        prompt = SasPrompt(endpoint, brief).messages(history, RIGHT)[0][1]
    assert count_tokens(prompt) <= 4000
    assert len(rows_of(prompt)) >= 8
    assert '16 parameters; a to h at 1.00 and i to p at 0.00 leave the controller unchanged' in prompt
    assert '- h (axis_6): 0.60 to 1.40\n- i (slide_y residual): -0.40 to 0.40 m/s\n' in prompt
    assert '- p (axis_6 residual): -0.40 to 0.40 rad/s' in prompt


def test_aids_can_be_left_out() -> None:
    options = SasOptions(digits=2, distances=False, effects=False, analysis=False)
    prompt = text(HISTORY, options=options)
    assert 'Computed effect' not in prompt
    assert 'net_clearance distance' not in prompt
    assert 'net_clearance outcome' in prompt
    assert 'Nearest to the objective' not in prompt
    assert 'Analysis' not in prompt
    assert f' 1 {HISTORY[0].parameters.values[0]:.2f} ' in prompt


def test_parameters_can_be_renamed() -> None:
    names = ('p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8')
    with ChatServer(say(reply_text([], parameters=dict(zip(names, VALUES, strict=True))))) as server:
        sas = optimizer(server, options=SasOptions(names=names))
        proposal = sas.propose(HISTORY, RIGHT)
    assert proposal.policy == SPACE.at(VALUES)
    sent = server.requests[0]['messages'][0]['content']
    assert '- p8 (axis_6): 0.60 to 1.40' in sent
    assert '"p8": <number>' in sent


def test_trials_can_be_ordered() -> None:
    rows = rows_of(text(HISTORY, options=SasOptions(order='best_last')))
    order = [position + 1 for position in ranked(HISTORY, RIGHT)]
    assert [int(row.split()[0]) for row in rows[-len(order) :]] == order[::-1]
    shuffled = rows_of(text(HISTORY, options=SasOptions(order='random')))
    assert sorted(shuffled) == sorted(rows_of(text(HISTORY)))
    assert shuffled != rows_of(text(HISTORY))


def test_best_of_several_candidates_is_tried_and_said() -> None:
    model = EffectModel.fit(HISTORY, BRIEF, RIGHT)
    generator = np.random.default_rng(3)
    candidates = [SPACE.at(SPACE.rounded(SPACE.sample(generator).values)) for _ in range(4)]
    reply = reply_text([], parameters=None, candidates=[list(each.values) for each in candidates])
    with ChatServer(say(reply)) as server:
        sas = optimizer(server, options=SasOptions(candidates=4))
        proposal = sas.propose(HISTORY, RIGHT)
    assert '"candidates": [{' in server.requests[0]['messages'][0]['content']
    (chosen,) = (finding for finding in proposal.findings if finding.rule == 'candidates')
    assert re.match(r'\d of 4: a regression predicts x ', chosen.reason)
    xs = [model.predict(candidate)['landing_x'] for candidate in candidates]
    tried = model.predict(proposal.policy)['landing_x']
    assert tried > sorted(xs)[1]


def shown_next(reply: str, history: list[Trial]) -> tuple[Proposal, Trial, str]:
    """What the model proposed, the trial of it, and the prompt after that."""
    with ChatServer(say(reply)) as server:
        sas = optimizer(server)
        proposal = sas.propose(history, RIGHT)
        trial = CurvedMap(1).run(proposal.parameters, 0)
        (_, prompt) = sas.messages([*history, trial], RIGHT, [proposal])[0]
    return proposal, trial, prompt


def test_model_is_shown_its_expectation_beside_the_landing() -> None:
    reply = reply_text(VALUES, expected={'x': 0.31, 'y': 0.62, 'hit_speed': 5, 'z': 1})
    proposal, trial, prompt = shown_next(reply, HISTORY)
    assert proposal.expected == {'landing_x': 0.31, 'landing_y': 0.62}
    landing = landing_of(trial)
    assert landing is not None
    assert (
        'For trial 25 you expected x +0.310, y 0.620: it came out off by '
        f'x {landing.x - 0.31:+.3f}, y {landing.y - 0.62:+.3f}.'
    ) in prompt


def test_what_was_expected_of_other_parameters_is_not_held_against_the_model() -> None:
    clipped = reply_text([1.41, *VALUES[1:]], expected={'x': 0.31, 'y': 0.62})
    proposal, _, prompt = shown_next(clipped, HISTORY)
    assert proposal.expected == {}
    assert 'you expected' not in prompt
    assert 'Your proposal for trial 25: bounds: clipped to its bound: a (slide_y) 1.41 to 1.4.' in prompt


def test_model_is_asked_for_effects_and_shown_how_they_compare() -> None:
    said = {'b': {'x': 'right', 'y': 'none'}, 'g': {'x': 'left', 'y': 'unclear'}}
    proposal, _, prompt = shown_next(reply_text(VALUES, effects=said), HISTORY)
    claimed = [(claim.parameter, claim.measure, claim.sign) for claim in proposal.claims]
    assert claimed == [('b', 'landing_x', 1), ('b', 'landing_y', 0), ('g', 'landing_x', -1)]
    assert '"a": {"x": "right|left|none|unclear", "y": "further|shorter|none|unclear"}' in prompt
    decided = [claim for claim in proposal.claims if claim.agreement is not Agreement.UNDECIDED]
    assert decided
    agreeing = sum(claim.agreement is Agreement.AGREES for claim in decided)
    assert (
        f'Of the effects in your last reply, {agreeing} of the {len(decided)} that the trials can decide'
        in prompt
    )


def test_repeated_trials_are_averaged_with_their_spread() -> None:
    noisy = CurvedMap(1, noise=0.02)
    repeated = [noisy.run(SPACE.at(VALUES), seed) for seed in range(6)]
    landings = np.array([(landing.x, landing.y) for t in repeated if (landing := landing_of(t))])
    prompt = text([*HISTORY, *repeated])
    assert f'mean x {landings[:, 0].mean():+.3f} ±{landings[:, 0].std(ddof=1):.3f}' in prompt
    pooled = np.sqrt(landings.var(axis=0, ddof=1).mean())
    assert f'varies by about {pooled:.3f} even' in prompt


def test_known_noise_is_told() -> None:
    assert 'varies by about 0.020 even' in text(HISTORY, noise=0.02, options=SasOptions(landing_model=False))
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
