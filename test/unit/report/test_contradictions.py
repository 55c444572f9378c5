"""Contradictions between what a proposal says, what it does, and what the trials show."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from paths import ROOT

from llm_policy_improver.core.finding import Agreement, ClaimedEffect
from llm_policy_improver.report.contradictions import claims_against, reason_against
from llm_policy_improver.report.reason_words import trials_named
from llm_policy_improver.table_tennis.measures.landing import LANDING_X
from llm_policy_improver.table_tennis.space import Searched, parameter_space

SPACE = parameter_space()
BEST = dict.fromkeys(SPACE.names, 0.8)


def said(reason: str, *others: dict[str, float], **changed: float) -> tuple[str, ...]:
    """Against a policy that differs from the best trial in these parameters."""
    bases = [list((BEST | other).values()) for other in ({}, *others)]
    return reason_against(reason, SPACE, bases, list((BEST | changed).values()))


@pytest.mark.parametrize(
    'reason',
    [
        'I lowered g to bring the ball left.',
        'Joint f keeps it long, while g and h are lowered.',
        'Reducing axis_5 brings the ball left.',
        'Axes 3 and 5 are slowed.',
        'g (axis_5) is reduced, as the ball was too far right.',
        'Decreases the g (axis_5), so that it lands shorter.',
    ],
)
def test_change_to_the_other_side_than_the_reason_says_is_told(reason: str) -> None:
    expected = ('The reason says g (axis_5) is lowered; it was raised, 0.800 → 1.000.',)
    assert said(reason, g=1.0, h=0.7, e=0.7) == expected
    assert said(reason, g=0.7, h=0.7, e=0.7) == ()
    assert said(reason, h=0.7, e=0.7) == (), 'what is left as it was is no change to the other side'


@pytest.mark.parametrize(
    'reason',
    [
        'I would have lowered g, but the net is near.',
        'Lowering g brought the ball left.',
        'Less g sent the ball left, so the opposite is tried.',
        'g is not lowered.',
        'The ball is lowered by g.',
        'A lower ball with g as it is.',
        'Slower balls need more of axis_5.',
        'A slower g than the 1.2 of trial 3.',
        'This weighs 3 g less.',
        'Less e.g. means less.',
        'Lower h, raise g.',
    ],
)
def test_what_is_not_said_of_this_change_is_no_contradiction(reason: str) -> None:
    assert said(reason, g=1.0, h=0.7) == ()


def test_change_may_be_counted_from_another_trial_and_a_level_from_the_neutral_value() -> None:
    assert said('g is lowered.', {'g': 1.2}, g=1.0) == ()
    assert said('A slower g keeps it short.', g=0.9) == ()
    assert said('A slower g keeps it short.', g=1.1) != ()
    assert trials_named('Between trial 7 and Trials 12') == {7, 12}


def test_an_article_is_not_the_parameter_a() -> None:
    raised = ('The reason says a (slide_y) is lowered; it was raised, 0.800 → 1.100.',)
    assert said('A lower a and e keep it short.', a=1.1, e=0.7) == raised
    assert said('Joints h and a are lowered.', a=1.1, h=0.7) == raised
    assert said('Less speed and lower a bit of height.', a=0.9) == ()


def test_number_that_was_not_played_is_told() -> None:
    reason = 'Changes mostly g (axis_5) 0.80 to 1.20; expects x 0.742 m.'
    assert said(reason, g=1.0) == ('The reason says g (axis_5) to 1.2; 1.000 was played.',)
    assert said(reason, g=1.197) == ()
    assert said(f'{reason} The proposal was refined, g (axis_5) 1.20 to 1.00.', g=1.0) == ()


def test_words_of_speed_tell_no_sign_of_a_residual() -> None:
    space = parameter_space(Searched.RESIDUAL)
    name = space.names[6]
    after = [0.0] * 6 + [0.2, 0.0]
    assert reason_against(f'A slower {name}.', space, [[0.1] * 8], after) == ()
    assert reason_against(f'{name} is lowered.', space, [[0.1] * 8], after) != ()


def test_claimed_direction_that_the_trials_contradict_is_told_of_parameters_that_were_changed() -> None:
    def claim(name: str, sign: int, agreement: Agreement, measure: str = 'landing_x') -> ClaimedEffect:
        return ClaimedEffect(name, measure, sign, agreement, -0.045, 0.01)

    claims = (
        claim('f', 1, Agreement.CONTRADICTED), claim('g', 1, Agreement.CONTRADICTED),
        claim('h', 1, Agreement.UNDECIDED), claim('e', 0, Agreement.CONTRADICTED),
        claim('d', 1, Agreement.CONTRADICTED, 'peak_height'),
    )  # fmt: skip
    changed = {SPACE.labels[name] for name in 'defh'}
    assert claims_against(claims, SPACE, [LANDING_X], changed) == (
        'It claims that raising f (axis_4) moves x right; the trials before it say left, -0.045 m for +0.1.',
    )


@dataclass(frozen=True)
class Recorded:
    """A reason as a reader wrote it, from which policies it may count, and what was played."""

    reason: str
    bases: list[list[float]]
    after: list[float]


ROW = re.compile(r'^\s*(\d+)((?:\s+\d\.\d+){8})\s.*$', re.MULTILINE)


def recorded(folder: Path) -> Iterator[Recorded]:
    rows: dict[int, list[float]] = {}
    distances: dict[int, float] = {}
    prompts = [each.read_text() for each in sorted(folder.glob('*.prompt.md'))]
    for prompt in prompts:
        heading = re.search(r'^trial a b c d e f g h.*$', prompt, re.MULTILINE)
        for row in ROW.finditer(prompt) if heading else ():
            cells = dict(zip(heading[0].split(), row[0].split(), strict=False)) if heading else {}
            rows[int(row[1])] = [float(value) for value in row[2].split()]
            if re.fullmatch(r'[\d.]+', cells.get('distance', '')):
                distances[int(row[1])] = float(cells['distance'])
    first = max((int(row[1]) for row in ROW.finditer(prompts[0])), default=0) if prompts else 0
    for number, path in enumerate(sorted(folder.glob('*.reply.md')), first + 1):
        found = re.search(r'\{.*\}', path.read_text(), re.DOTALL)
        reply = json.loads(found[0]) if found else {}
        answered = reply.get('parameters') or {}
        if number not in rows and set(answered) == set(SPACE.names):
            rows[number] = list(answered.values())
        before = {each: left for each, left in distances.items() if each < number}
        if number in rows and before and 'reason' in reply:
            best = min(before, key=before.__getitem__)
            others = [number - 1, reply.get('nearest', 0), *trials_named(reply['reason'])]
            yield Recorded(reply['reason'], [rows[each] for each in (best, *others) if each in rows], rows[number])


def test_no_recorded_reason_is_taken_for_a_contradiction_and_most_are_where_the_change_is_turned_round() -> None:
    places = (ROOT / 'docs' / 'recordings', ROOT / 'test' / 'recordings')
    folders = sorted({path.parent for place in places for path in place.rglob('*.reply.md')})
    reasons = [each for folder in folders for each in recorded(folder)]
    assert len(reasons) > 120
    assert [each.reason for each in reasons if reason_against(each.reason, SPACE, each.bases, each.after)] == []
    # The same words with each change from the best trial turned round, as far as the bounds let it.
    turned = [
        reason_against(
            each.reason,
            SPACE,
            each.bases,
            [min(max(2 * old - new, 0.6), 1.4) for old, new in zip(each.bases[0], each.after, strict=True)],
        )
        for each in reasons
    ]
    assert sum(map(bool, turned)) >= 30
