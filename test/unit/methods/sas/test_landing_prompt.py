"""The prompt where trials are noisy, with what the landing model says, and the replies to it."""

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from noisy_arm import BRIEF, NOISE, POINT, PRIOR, RIGHT, SPACE, Scripted, advice, arm, history

from llm_policy_improver.core.chat import Ending
from llm_policy_improver.core.method import MisreadError, ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.llm.tokens import count_tokens
from llm_policy_improver.methods.registry import make_with_model
from llm_policy_improver.methods.sas.reading import DOUBTED
from llm_policy_improver.methods.sas.sas import SasPrompt
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.methods.setup import MethodSetup
from llm_policy_improver.table_tennis.objectives import parse_objective

OWN = (1.05, 1.1, 0.8, 0.9, 1.1, 1.15, 1.0, 0.95)


def sas(*replies: str, noise: float = NOISE, **options: Any) -> tuple[SasPrompt, Scripted]:
    model = Scripted(*replies)
    return SasPrompt(model, BRIEF, options=SasOptions(**options), noise=noise, prior=PRIOR), model


def text(objective: Objective = RIGHT, noise: float = NOISE, count: int = 24, **options: Any) -> str:
    return sas(noise=noise, **options)[0].messages(history(count), objective)[0][1]


def reply(**said: Any) -> str:
    return json.dumps({'summary': 's', 'reason': 'r', **said})


def own(**said: Any) -> str:
    return reply(parameters=dict(zip(SPACE.names, OWN, strict=True)), **said)


def proposed(*replies: str, **options: Any) -> tuple[Proposal, Scripted]:
    method, model = sas(*replies, **options)
    return method.propose(history(), RIGHT), model


# The prompt.


def test_candidates_stand_in_the_prompt_with_all_that_is_expected_of_them() -> None:
    prompt = text()
    for each in advice().candidates:
        values = ' '.join(f'{value:.2f}' for value in each.values)
        (line,) = re.findall(rf'^{each.letter} {values} (.*)$', prompt, re.MULTILINE)
        expected = each.expected
        assert line == (
            f'{expected.measures["landing_x"]:+.2f} {expected.low:.2f}..{expected.high:.2f} {expected.success:.0%} '
            f'{each.loss:.2f} {each.better:.0%} {each.kind}'
        )
    assert 'Computed effect' not in prompt
    assert '$' not in prompt


def test_trials_to_weigh_against_them_are_told_as_if_played_again() -> None:
    told = advice()
    again = re.findall(r'^trial (\d+) .* (\d\.\d\d) if played again$', text(), re.MULTILINE)
    assert told.best is not None
    assert told.luckiest is not None
    numbers = dict.fromkeys((told.best + 1, told.luckiest + 1))
    assert [int(number) for number, _ in again] == list(numbers)
    assert [float(loss) for _, loss in again] == pytest.approx(
        [told.losses[number - 1] for number in numbers], abs=0.0051
    )


def test_trial_that_contradicts_all_others_is_named() -> None:
    trials = history()
    measures = dict(trials[9].measures)
    wrong = replace(trials[9], measures=measures | {'landing_x': -measures['landing_x'] - 1.0})
    prompt = sas()[0].messages([*trials[:9], wrong, *trials[10:]], RIGHT)[0][1]
    assert re.search(r'^Trial 10 hardly counts: ', prompt, re.MULTILINE)
    assert 'hardly count' not in text()


def test_parameters_come_by_what_they_do_with_the_room_they_have() -> None:
    prompt, around = text(), advice().around
    rows = prompt.split('parameter A room x succeeds\n')[1].strip().split('\n')
    assert [row.split()[0] for row in rows] == [SPACE.names[index] for index in around.order]
    for row, index in zip(rows, around.order, strict=True):
        name, value, down, up, effect, _ = row.split()
        assert float(value) + float(down) == pytest.approx(0.6, abs=1e-9)
        assert float(value) + float(up) == pytest.approx(1.4, abs=1e-9)
        assert effect.endswith('?') == (not around.measures['landing_x'][index].clear), name


def test_only_measures_that_count_have_columns() -> None:
    right, point = text(RIGHT), text(POINT)
    assert 'trial a b c d e f g h x y failure' in right
    assert 'trial a b c d e f g h x y distance failure' in point
    assert 'parameter A room nearer x y succeeds' in point


def test_trial_that_went_out_is_told_with_its_place_and_one_in_the_net_with_its_height() -> None:
    generator = np.random.default_rng(0)
    drawn = [arm().run(SPACE.sample(generator), 900_000 + seed) for seed in range(60)]
    out = next(trial for trial in drawn if trial.outcome == 'out')
    net = next(trial for trial in drawn if trial.outcome == 'net' and trial.measures['net_clearance'] < 0.0)
    prompt = sas()[0].messages([*history(), out, net], RIGHT)[0][1]
    rows = prompt.split('failure\n')[1].split('\n\n')[0].split('\n')
    assert rows[24].endswith(f' {out.measures["out_x"]:+.2f} {out.measures["out_y"]:.2f} out')
    assert rows[25].endswith(f' net, net_clearance {net.measures["net_clearance"]:+.2f}')


@pytest.mark.parametrize(('objective', 'saved'), [(RIGHT, 0.1), (POINT, 0.03)])
def test_it_is_shorter_than_with_the_regression(objective: Objective, saved: float) -> None:
    for count in (24, 44):
        now, before = (
            count_tokens(text(objective, count=count, landing_model=landing)) for landing in (True, False)
        )
        assert now < (1.0 - saved) * before, count


def test_regression_and_the_plain_prompt_remain_as_options_and_without_noise() -> None:
    quiet = text(noise=0.0)
    assert 'Computed effect of raising' in quiet
    assert 'Candidates for' not in quiet
    assert 'Computed effect of raising' in text(landing_model=False)
    plain = text(distances=False, effects=False, feedback=False)
    assert 'Candidates for' not in plain
    assert 'Computed effect' not in plain
    assert '"take"' not in plain
    assert 'Candidates for' not in text(parse_objective('make the opponent run'))


# Replies.


@pytest.mark.parametrize('said', ['B', 'b', 'candidate B', 'B (cautious)'])
def test_a_letter_is_enough(said: str) -> None:
    proposal, model = proposed(reply(take=said))
    candidate = advice().candidates[1]
    assert proposal.parameters.values == candidate.values
    assert proposal.expected == {'landing_x': candidate.expected.measures['landing_x']}
    assert float(proposal.memos['expected_loss']) == pytest.approx(candidate.expected.loss, abs=1e-4)
    assert proposal.findings == ()
    assert len(model.asked) == 1


def test_parameters_beside_a_letter_are_in_place_of_the_candidates() -> None:
    first = advice().candidates[0].values
    proposal, _ = proposed(reply(take='A', parameters={'c': 0.75, 'h': 1.1}))
    changed = proposal.parameters.values
    assert (changed[2], changed[7]) == (0.75, 1.1)
    assert [changed[index] for index in (0, 1, 3, 4, 5, 6)] == [first[index] for index in (0, 1, 3, 4, 5, 6)]
    nulled, _ = proposed(reply(take='A', parameters=None))
    assert nulled.parameters.values == first


def test_letter_that_is_not_there_is_sent_back() -> None:
    proposal, model = proposed(reply(take='F'), reply(take='A'))
    assert proposal.parameters.values == advice().candidates[0].values
    assert '"take" must be one of A, B, C' in model.asked[1][-1][1]


@pytest.mark.parametrize('said', ['own', '', 'none'])
def test_own_parameters_need_no_letter(said: str) -> None:
    assert proposed(own(take=said))[0].parameters.values == OWN


def test_best_of_several_is_the_one_of_least_expected_loss() -> None:
    good, bad = advice().candidates[0].values, (0.7, 0.7, 1.3, 1.0, 1.0, 1.0, 1.0, 1.0)
    several = [dict(zip(SPACE.names, values, strict=True)) for values in (bad, good)]
    proposal, _ = proposed(reply(candidates=several), candidates=2)
    assert proposal.parameters.values == good
    assert 'least expected loss' in str(proposal.findings[0])


def test_letters_may_stand_among_several_proposals() -> None:
    method, _ = sas(reply(candidates=['B', dict(zip(SPACE.names, OWN, strict=True)), 'A']), candidates=4)
    assert '"candidates": ["<letter>", {"a": <number>, ...}, ...]' in method.messages(history(), RIGHT)[0][1]
    proposal = method.propose(history(), RIGHT)
    assert proposal.parameters.values in [each.values for each in advice().candidates[:2]]
    assert ' of 3: least expected loss' in str(proposal.findings[0])
    taken = sas(reply(take='B'), candidates=4)[0].propose(history(), RIGHT)
    assert taken.parameters.values == advice().candidates[1].values


def claimed(right: bool) -> dict[str, dict[str, str]]:
    """Of the effect that the landing model is surest of: what it says, or the contrary."""
    effects = advice().around.measures['landing_x']
    surest = max(effects, key=lambda effect: abs(effect.change) / effect.error)
    assert abs(surest.change) > 4.0 * surest.error
    return {SPACE.names[surest.index]: {'x': 'right' if (surest.change > 0.0) == right else 'left'}}


def test_claim_that_is_wrong_for_sure_is_sent_back_before_a_ball_is_spent() -> None:
    proposal, model = proposed(own(effects=claimed(False)), own(effects=claimed(True)))
    assert len(model.asked) == 2
    assert 'speaks clearly against some of the effects: ' in model.asked[1][-1][1]
    first, second = proposal.exchanges
    assert (first.ending, second.ending) == (Ending.REFUSED, Ending.ACCEPTED)
    assert first.verdict.startswith('sent back: ')
    assert [finding.rule for finding in proposal.findings] == []
    assert proposal.claims[0].agreement == 'agrees'


def test_claim_that_is_right_or_of_a_candidate_is_not_sent_back() -> None:
    assert len(proposed(own(effects=claimed(True)))[1].asked) == 1
    assert len(proposed(reply(take='A', effects=claimed(False)))[1].asked) == 1


@pytest.mark.parametrize(
    ('second', 'repairs', 'asked'), [(own(effects=claimed(False)), 1, 2), ('no JSON', 1, 2), ('', 0, 1)]
)
def test_doubted_reply_is_used_with_a_finding_where_asking_again_does_not_help(
    second: str, repairs: int, asked: int
) -> None:
    proposal, model = proposed(own(effects=claimed(False)), second, repairs=repairs)
    assert len(model.asked) == len(proposal.exchanges) == asked
    assert proposal.parameters.values == OWN
    assert [finding.rule for finding in proposal.findings] == [DOUBTED]


def test_nearest_that_is_far_is_sent_back_and_one_as_good_as_the_best_is_not() -> None:
    order = np.argsort([RIGHT.distance(trial) or 9.0 for trial in history()])
    best, far = history()[order[0]].number, history()[order[-6]].number
    assert len(proposed(own(nearest=best))[1].asked) == 1
    proposal, model = proposed(own(nearest=far), own(nearest=best))
    assert len(model.asked) == 2
    assert f'"nearest" names trial {far}, which ' in model.asked[1][-1][1]
    assert proposal.nearest == best
    assert 'trial 99, which is not there' in proposed(own(nearest=99), own())[1].asked[1][-1][1]


def test_lucky_trial_may_be_called_the_nearest() -> None:
    # A second one as near as the best by the noise alone.
    trials = list(history())
    best = int(np.argmin([RIGHT.distance(trial) or 9.0 for trial in trials]))
    worst = int(np.argmax([RIGHT.distance(trial) or 0.0 for trial in trials]))
    measures = dict(trials[best].measures)
    lucky = measures | {'landing_x': measures['landing_x'] - 0.005}
    trials[worst] = replace(trials[worst], measures=lucky)
    method, model = sas(own(nearest=trials[worst].number))
    method.propose(trials, RIGHT)
    assert len(model.asked) == 1


# Misread words.


@pytest.mark.parametrize('noise', [NOISE, 0.0])
def test_misread_words_end_the_asking_without_parameters(noise: float) -> None:
    method, model = sas(reply(misread='as far left as possible'), noise=noise)
    assert '{"misread": "what they ask for"}' in method.messages(history(), RIGHT)[0][1]
    with pytest.raises(MisreadError, match='something else: as far left as possible') as caught:
        method.propose(history(), RIGHT)
    assert caught.value.asked == 'as far left as possible'
    assert [exchange.verdict for exchange in caught.value.exchanges] == ['misread: as far left as possible']
    assert len(model.asked) == 1


@pytest.mark.parametrize('empty', ['', None, 'none', 'No.', 'null', False])
def test_empty_misread_is_none(empty: object) -> None:
    assert proposed(own(misread=empty))[0].parameters.values == OWN


def test_nothing_is_misread_where_nothing_is_measured() -> None:
    method, _ = sas(reply(misread='something'))
    objective = parse_objective('make the opponent run')
    assert 'misread' not in method.messages(history(), objective)[0][1]
    with pytest.raises(ProposalError, match='holds no JSON object with "parameters"'):
        method.propose(history(), objective)


# The hybrid, and what to keep.


def test_hybrid_passes_candidates_and_replaces_what_is_worse_for_sure() -> None:
    def hybrid(*replies: str) -> Proposal:
        setup = MethodSetup(Scripted(*replies), BRIEF, noise=NOISE, prior=PRIOR)
        return make_with_model('hybrid', setup).propose(history(), RIGHT)

    taken = hybrid(reply(take='B'))
    assert taken.parameters.values == advice().candidates[1].values
    assert 'passed, as a candidate' in str(taken.findings[-1])
    left = dict(zip(SPACE.names, (0.8, 0.7, 1.3, 1.0, 1.0, 0.8, 1.0, 1.0), strict=True))
    replaced = hybrid(reply(parameters=left))
    assert replaced.parameters.values == advice().candidates[0].values
    assert 'replaced: candidate A is better with ' in str(replaced.findings[-1])


def test_what_to_keep_is_said_by_the_landing_model_where_trials_are_noisy() -> None:
    kept = sas()[0].recommend(history(), RIGHT)
    assert kept is not None
    assert 'expected_loss' in kept.memos
    assert sas(noise=0.0)[0].recommend(history(), RIGHT) is None
