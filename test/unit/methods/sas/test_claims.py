import json
import random
import time
from pathlib import Path

import numpy as np
import pytest
from curved_map import CurvedMap
from paths import FAR_RIGHT

from llm_policy_improver.core.parameters import LETTERS, ParameterSpace, PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace, Landing, Outcome
from llm_policy_improver.methods.numeric.landing_model import LandingModel
from llm_policy_improver.methods.sas.claims import Claim, ClaimFinding, compare_claims, parse_claims

SPACE = ParameterSpace()
SHORT = {'x': 'x', 'y': 'y', 'peak_height': 'peak', 'net_clearance': 'clear'}


def read(text: str) -> str:
    """The claims of a text in brief, "g x+, g y0"."""
    return ', '.join(f'{c.name} {SHORT[c.quantity]}{"0+-"[c.sign]}' for c in parse_claims(text))


@pytest.mark.parametrize(
    ('text', 'claims'),
    [
        ('a: right, shorter; b: little effect; c: left and deeper, higher',
         'a x+, a y-, b x0, b y0, c x-, c y+, c peak+'),
        ('raising g moves the landing right', 'g x+'),
        ('Raising parameter g (axis_5) by 0.1 moves it right.', 'g x+'),
        ('increasing d shortens it', 'd y-'),
        ('lowering c -> left', 'c x+'),
        ('lower f: right, longer', 'f x-, f y-'),
        ('e +x, -y', 'e x+, e y-'),
        ('{"a": "right, higher", "b": "left"}', 'a x+, a peak+, b x-'),
        ('{"a": {"x": "+", "y": "-0.02"}}', 'a x+, a y-'),
        ('b: left, g: right', 'b x-, g x+'),
        ('- **f** (axis_4): strongly left, longer\n- **g**: no effect on x, slightly longer',
         'f x-, f y+, g x0, g y+'),
        ('| a | right | shorter |\n| b | left | - |', 'a x+, a y-, b x-'),
        ('a, b and c: right', 'a x+, b x+, c x+'),
        ('d and g: hardly any effect', 'd x0, d y0, g x0, g y0'),
        ('e: x none, a little longer', 'e x0, e y+'),
        ('g has little effect on y but pushes the ball right', 'g x+, g y0'),
        ('f: +0.01 x, -0.02 m in y', 'f x+, f y-'),
        ('a: x +0.009 ±0.005, y -0.048 ±0.010', 'a x+, a y-'),
        ('c -0.02 (+0.012 x, about -0.02 y), a +0.08 (+0.008 x, +0.03 y)', 'a x+, a y+, c x-, c y+'),
        ('g moves the ball further to the right and raises the height, h lowers x', 'g x+, g peak+, h x-'),
        ('h: higher over the net, lower arc, nearer to the net', 'h peak-, h clear+, h y-'),
        ('c: lowering it moves the landing right', 'c x-'),
        ('if a is raised, the ball goes right; a ↑ → longer; b ↓ → right', 'a x+, a y+, b x-'),
        ('a: x-direction +0.02', 'a x+'),
        ('slide_x: left', 'b x-'),
        ('G: RIGHT', 'g x+'),
        ('f: strongly left, with low c also shorter; g: right', 'f x-, f y-, g x+'),
        ('c: strongly left, longer (at its lower bound); d: no effect, at upper bound', 'c x-, c y+, d x0, d y0'),
        ('a: right. No, on a second look a: left', 'a x-'),
    ],
)  # fmt: skip
def test_claims_are_read(text: str, claims: str) -> None:
    assert sorted(read(text).split(', ')) == sorted(claims.split(', '))


@pytest.mark.parametrize(
    'text',
    [
        '',
        'd: unclear; e: no clear effect; f: cannot tell; g: not clear; h: no longer clear; a: right?',
        'a: not right; b: neither left nor right; c: does not move left',
        'a: right or left',
        'a little more left, a bit right and a right turn',
        'c: 1.09 -> 0.65, right',
        'From trial 17 the ball went right, further and higher.',
        'g: away from the right edge',
        'g: right behind the net',
        'The best landing is x 0.341, y 0.723 (trial 17).',
    ],
)
def test_what_is_denied_unclear_or_about_nothing_is_no_claim(text: str) -> None:
    assert parse_claims(text) == ()


def test_renamed_parameters_are_read_by_their_names() -> None:
    names = tuple(f'p{i}' for i in range(8))
    assert parse_claims('P3: right; raising p7 shortens it; a: left', names) == (
        Claim(3, 'x', 1), Claim(7, 'y', -1),
    )  # fmt: skip
    assert parse_claims('P3: right', names)[0].name == 'p3'


@pytest.mark.parametrize('reply', sorted(FAR_RIGHT.glob('*.reply.md')), ids=lambda path: path.stem[0])
def test_recorded_analyses_are_read_in_full(reply: Path) -> None:
    text = reply.read_text()
    claims = read(json.loads(text[text.index('{"summary"') :])['analysis'])
    expected = 'a x+, a y+, b x+, b y-, c x-, c y+, f x-, f y+, h x+, h peak+'
    if reply.name.startswith('1'):
        expected = expected.replace('f x-', 'e x0, e y+, f x-').replace('h peak+', 'h y+, h peak+')
    assert claims == expected


def test_any_text_is_read_in_linear_time() -> None:
    generator = random.Random(1)
    words = [
        *LETTERS, 'raising', 'lower', 'right', 'no', 'not', 'x', 'y', '+', '-', '->', ':', ',', ';', '.', '(', ')',
        '\n', '|', '+0.1', '٣', '\ud800', '"', '{', '}', 'a', 'little', 'is', 'and', 'effect', 'clear', '\x00', 'ß',
    ]  # fmt: skip
    for _ in range(3_000):
        for claim in parse_claims(' '.join(generator.choices(words, k=generator.randrange(40)))):
            assert 0 <= claim.index < 8
            assert claim.sign in (-1, 0, 1)
            assert claim.quantity in SHORT
    seconds = time.perf_counter()
    for piece in ('a, ', 'a-', 'raising the ', 'a: right, ', '(', '9', '+-', 'a very '):
        parse_claims(piece * (100_000 // len(piece)))
    assert time.perf_counter() - seconds < 8.0


# Claims beside the trials.


def played(noise: float, count: int = 40) -> list[ExecutionTrace]:
    """x grows with a by 0.05 m per 0.10 and falls with b by 0.03; y grows with c by 0.06; nothing else acts."""
    generator = np.random.default_rng(5)
    traces = []
    for _ in range(count):
        place = SPACE.sample(generator)
        a, b, c = (value - 1.0 for value in place[:3])
        x, y = 0.5 * a - 0.3 * b, 0.65 + 0.6 * c
        dx, dy = noise * generator.normal(size=2)
        traces.append(
            ExecutionTrace(PolicyParameters(place), Outcome.LANDED, Landing(x + dx, y + dy, 0.5), 0.1, 0.4)
        )
    return traces


def findings(text: str, history: list[ExecutionTrace]) -> list[str]:
    report = compare_claims(parse_claims(text), history, SPACE)
    return [str(judgement.finding) for judgement in report.judgements]


def test_claims_are_held_against_the_trials() -> None:
    history = played(0.01)
    assert findings('a: right; b: left; c: longer', history) == ['agreement'] * 3
    assert findings('a: left; b: right; c: shorter', history) == ['contradiction'] * 3
    assert findings('d: right; e: shorter; c: higher', history) == ['too little data'] * 3


def test_little_effect_is_contradicted_only_by_a_clearly_large_one() -> None:
    assert findings('a: little effect on x', played(0.01)) == ['contradiction']
    assert findings('d: little effect', played(0.01)) == ['agreement'] * 2
    few = played(0.06, 14)
    assert findings('b: little effect on x; d: no effect on x', few) == ['too little data'] * 2


def test_too_few_trials_decide_nothing() -> None:
    report = compare_claims(parse_claims('a: right; b: little effect'), played(0.01)[:3], SPACE)
    assert (report.agreements, report.contradictions, report.undecided) == (0, 0, 3)
    assert report.feedback == ''
    assert report.judgements[0].sentence == 'a moves it right; too few trials landed to tell'


def test_report_names_the_contradictions_to_model_and_person() -> None:
    report = compare_claims(parse_claims('a: left; b: left; c: longer; d: right'), played(0.01), SPACE)
    assert (report.agreements, report.contradictions, report.undecided) == (2, 1, 1)
    contradicted = 'a moves it left; the trials say right (+0.049 ± 0.001 m per 0.10)'
    assert report.summary.startswith(
        'claimed effects: agreement 2, contradiction 1, too little data 1 (claimed: '
    )
    assert contradicted in report.summary
    assert report.judgements[0].sentence == contradicted
    assert report.feedback.startswith(
        'Of the effects claimed in your last analysis, 2 of the 3 that the trials can decide agree with them. '
        'Look again at these, and believe the trials around the nearest one before the regression: you said that '
        f'{contradicted}'
    )
    assert 'd moves it' not in report.feedback
    assert compare_claims((), played(0.01), SPACE).summary == ''


def test_feedback_and_summary_stay_short() -> None:
    claims = [Claim(index, quantity, -1) for index in range(8) for quantity in ('x', 'y')]
    history = [
        CurvedMap(2).run(PolicyParameters(SPACE.sample(np.random.default_rng(i))), i) for i in range(80)
    ]
    report = compare_claims(claims, history, SPACE)
    assert report.contradictions > 4
    assert len(report.feedback) < 600
    assert f'; and {report.contradictions - 4} more.' in report.feedback
    assert report.summary.count('claimed: ') == 4
    assert report.summary.endswith(f', and {report.contradictions - 4} more)')


def test_true_claims_are_rarely_called_contradictions() -> None:
    """Of claims read off the true linear map, at most the share that two standard errors allow is refuted."""
    decided = wrong = 0
    for seed in range(12):
        history = played(0.02, 28 + seed)
        report = compare_claims(parse_claims('a: right; b: left; c: longer'), history, SPACE)
        decided += report.agreements + report.contradictions
        wrong += report.contradictions
        model = LandingModel.fit(history, SPACE)
        assert all(j.effect in model.effects(j.claim.quantity) for j in report.judgements)
        assert all(j.finding is not ClaimFinding.CONTRADICTION for j in report.judgements)
    assert decided >= 30
    assert wrong == 0
