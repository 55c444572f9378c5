"""The attacks as a collection, and one of each theme; test/acceptance plays them all."""

from collections import Counter
from collections.abc import Iterator

import pytest
from paths import ROOT

from llm_policy_improver.sandbox.attacks.attack import Witness
from llm_policy_improver.sandbox.attacks.every import ATTACKS
from llm_policy_improver.sandbox.attacks.play import Arena

SAMPLE = (
    'read a file',
    'write a file by numpy.save',
    'send by UDP',
    'fork by the call clone',
    'kill another process',
    'share memory of System V',
    'fill memory with an array',
    'match a pattern forever',
    'walk over all classes to os.system',
    'read the environment',
    'return infinity',
    'send an answer in advance',
    'raise an exception that commands the terminal',
)


@pytest.fixture(scope='module')
def arena() -> Iterator[Arena]:
    with Arena() as made:
        yield made


def test_attacks_are_many_and_different() -> None:
    assert len(ATTACKS) >= 200
    assert f'plays {len(ATTACKS)} attacks' in (ROOT / 'docs' / 'sandbox.md').read_text()
    assert Counter(attack.name for attack in ATTACKS).most_common(1)[0][1] == 1
    assert {attack.witness for attack in ATTACKS} == set(Witness)


@pytest.mark.parametrize('name', SAMPLE)
def test_attack_works_without_protection_and_is_contained_in_the_sandbox(arena: Arena, name: str) -> None:
    (attack,) = (each for each in ATTACKS if each.name == name)
    assert arena.play_unprotected(attack).worked
    played = arena.play(attack)
    assert played.contained, played.told
    assert played.ended_well, played.told
