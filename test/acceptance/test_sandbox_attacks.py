"""The attacks on the sandbox: each is one, and none gets through, as the user of the tests and as one without rights.

In the quick form some are shown to be attacks, in the full form all.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ordinary_user import as_ordinary_user

from llm_policy_improver.sandbox.attacks.attack import NOT_ROOT, ROOT, USER_NAMESPACES, X32, X86, Attack
from llm_policy_improver.sandbox.attacks.every import ATTACKS
from llm_policy_improver.sandbox.attacks.play import Arena
from llm_policy_improver.sandbox.inside.protection import Protection

_NOT_SHOWN = """
from llm_policy_improver.sandbox.attacks.attack import NOT_ROOT
from llm_policy_improver.sandbox.attacks.every import ATTACKS
from llm_policy_improver.sandbox.attacks.play import Arena

with Arena() as arena:
    attacks = [each for each in ATTACKS if each.needs == NOT_ROOT]
    print([each.name for each in attacks if not arena.play_unprotected(each).worked])
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if 'shown' in metafunc.fixturenames:
        count = min(int(metafunc.config.getoption('sandbox_attacks')), len(ATTACKS))
        some = [ATTACKS[k * len(ATTACKS) // count] for k in range(count)]
        metafunc.parametrize('shown', some, ids=lambda attack: attack.name)


@pytest.fixture(scope='module')
def arena() -> Iterator[Arena]:
    with Arena() as made:
        yield made


def can_work_here(attack: Attack) -> bool:
    """Whether this machine, and the user of the tests, have what it needs without protection."""
    root = os.geteuid() == 0
    return {
        '': True,
        ROOT: root,
        NOT_ROOT: not root,
        X86: os.uname().machine == 'x86_64',
        USER_NAMESPACES: root,
        X32: False,  # no distribution builds it; test_seccomp.py shows that its numbers are refused
    }[attack.needs]


@pytest.mark.parametrize('attack', ATTACKS, ids=lambda attack: attack.name)
def test_attack_is_contained(arena: Arena, attack: Attack) -> None:
    played = arena.play(attack)
    assert played.contained, played.told
    assert played.ended_well, played.told


def test_attack_works_without_protection(arena: Arena, shown: Attack) -> None:
    if not can_work_here(shown):
        pytest.skip(f'it needs {shown.needs}')
    assert arena.play_unprotected(shown).worked


@pytest.mark.skipif(os.geteuid() != 0, reason='the user of the tests is an ordinary one already')
def test_ordinary_user_is_protected_as_well(tmp_path: Path) -> None:
    done = as_ordinary_user(['-m', 'llm_policy_improver', 'sandbox', 'check', '--json'], tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said['contained'] == said['attacks'] == len(ATTACKS)
    assert {Protection.SECCOMP, Protection.UNPRIVILEGED_USER} <= set(said['protections'])


@pytest.mark.skipif(os.geteuid() != 0, reason='shown by the tests above')
def test_attacks_of_an_ordinary_user_are_attacks(tmp_path: Path) -> None:
    done = as_ordinary_user(['-c', _NOT_SHOWN], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == '[]\n'
