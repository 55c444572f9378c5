import stat
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from llm_policy_improver.core.security import SecuritySettings, key_at, packed
from llm_policy_improver.core.settings import SettingsError


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / 'keys' / 'run.key'
    seal = key_at(path).seal('this', b'content')
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again = key_at(path)
    assert again.holds(seal, 'this', b'content')
    assert not again.holds(seal, 'that', b'content')
    assert not again.holds(seal, 'this', b'content!')
    assert not again.holds('', 'this', b'content')
    assert not again.holds('é', 'this', b'content')
    assert [each.name for each in path.parent.iterdir()] == ['run.key']


def test_programs_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / 'run.key'
    with ThreadPool(16) as pool:
        seals = pool.map(lambda _: key_at(path).seal('', b''), range(64))
    assert len(set(seals)) == 1


def test_other_keys_make_other_seals(tmp_path: Path) -> None:
    one, other = key_at(tmp_path / 'one'), key_at(tmp_path / 'other')
    assert not other.holds(one.seal('', b''), '', b'')


def test_parts_cannot_be_moved_into_each_other() -> None:
    assert len({packed(b'ab', b'c'), packed(b'a', b'bc'), packed(b'abc'), packed(b'', b'abc')}) == 4


@pytest.mark.parametrize(('text', 'mode', 'said'), [
    ('0' * 64, 0o640, 'is open to others: chmod 600 it, or remove it for a new key'),
    ('0' * 62, 0o600, 'must hold 64 hexadecimal digits'),
    ('secret', 0o600, 'must hold 64 hexadecimal digits'),
    ('', 0o600, 'must hold 64 hexadecimal digits'),
])  # fmt: skip
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, text: str, mode: int, said: str) -> None:
    path = tmp_path / 'run.key'
    path.write_text(text)
    path.chmod(mode)
    with pytest.raises(SettingsError, match=said):
        key_at(path)


def test_a_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(SettingsError, match=r'the key file .*run.key cannot be used: '):
        key_at(tmp_path / 'file' / 'run.key')


def test_who_operates_must_be_said_where_messages_are_sealed(tmp_path: Path) -> None:
    named = SecuritySettings(str(tmp_path / 'run.key'))
    with pytest.raises(SettingsError, match='operator_file is empty'):
        named.operator()
    assert named.key() is not None
    for open_ in (SecuritySettings(), SecuritySettings(str(tmp_path / 'run.key'), insecure=True)):
        assert (open_.key(), open_.operator()) == (None, None)
