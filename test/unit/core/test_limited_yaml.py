"""YAML with limits: what would hang, fill the memory or end in a traceback is refused in a clause."""

import time
from pathlib import Path

import pytest

from llm_policy_improver.core.limited_yaml import LARGEST, YamlError, parse_yaml, read_yaml
from llm_policy_improver.core.settings import SettingsError, read_settings, with_settings
from llm_policy_improver.table_tennis.settings import ControllerSettings

BOMB = 'a0: &a0 [x]\n' + ''.join(f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 9)}]\n' for n in range(1, 10))
REFUSED = {
    'maps that multiply': (BOMB, r'an alias \(\*name\): ROS 2 reads none; write its value out \(line 2,'),
    'list that holds itself': ('a: &a [*a]', r'an alias'),
    'map that holds itself': ('&a {b: *a}', r'an alias'),
    'deep lists': ('[' * 3000, r'more than 20 maps or lists within each other'),
    'deep maps': ('{a: ' * 3000, r'more than 20 maps or lists within each other'),
    'many values': ('- 1\n' * 12_000, r'more than 10,000 keys and values'),
    'number of 5,000 digits': ('a: ' + '9' * 5000, r'a number of 5,000 characters; 40 are the most'),
    'hexadecimal number': ('a: 0x' + 'f' * 5000, r'a number of 5,002 characters'),
    'number that is none': ('a: 0x_', r'"0x_", which is no int'),
    'text as a number': ('a: !!int five', r'"five", which is no int'),
    'text as a truth value': ('a: !!bool maybe', r'"maybe", which is no bool'),
    'text as a map': ('a: !!map some', r'a map that is none'),
    'letter that there is not': ('a: "\\U99999999"', r'a number or a letter that there is not'),
    'the same key twice': ('a: 1\nb: 2\na: 3', r'"a" twice in one map: keep one of them \(line 3,'),
    'number as a key': ('1: 2', r'a key that is no name'),
    'list as a key': ('[1, 2]: 3', r'a key that is no name'),
    'Python object': ('!!python/object/apply:os.getcwd []', r'could not determine a constructor'),
    'binary data': ('a: !!binary "eA=="', r'could not determine a constructor'),
    'two documents': ('a: 1\n---\nb: 2', r'another document'),
}  # fmt: skip


@pytest.mark.parametrize('name', REFUSED)
def test_what_a_file_must_not_hold_is_refused_in_a_clause_at_once(name: str) -> None:
    text, clause = REFUSED[name]
    begun = time.perf_counter()
    with pytest.raises(YamlError, match=f'^is no valid YAML: .*{clause}') as refused:
        parse_yaml(text)
    assert len(str(refused.value)) < 200
    assert str(refused.value).isprintable()
    assert time.perf_counter() - begun < 1.0


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('a: [1, 2.5, -3]', {'a': [1, 2.5, -3]}),
        ('a: {b: true, c: no, d: null}', {'a': {'b': True, 'c': False, 'd': None}}),
        ('a: 2026-11-23', {'a': '2026-11-23'}),
        ('a: 0x10', {'a': 16}),
        ('a: 1.0e-3', {'a': 0.001}),
        ('"1": x', {'1': 'x'}),
        ('<<: {a: 1}', {'<<': {'a': 1}}),
        ('', None),
    ],
)
def test_plain_data_is_read(text: str, value: object) -> None:
    assert parse_yaml(text) == value


def test_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    (tmp_path / 'large.yaml').write_text('#' * (LARGEST + 1))
    with pytest.raises(YamlError, match=r'^is larger than 64 KiB'):
        read_yaml(tmp_path / 'large.yaml')
    (tmp_path / 'large.yaml').write_text('#' * LARGEST)
    assert read_yaml(tmp_path / 'large.yaml') is None


@pytest.mark.parametrize('path', ['/dev/zero', '.', 'missing.yaml'])
def test_what_is_no_file_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(OSError, match=r'no file|No such file'):
        read_yaml(tmp_path / path)


def controller(text: str, folder: Path) -> Path:
    path = folder / 'settings.yaml'
    path.write_text(f'/**/controller:\n  ros__parameters:\n    {text}\n')
    return path


@pytest.mark.parametrize(
    ('text', 'sentence'),
    [
        ('lockstep: true\n    lockstep: false', '"lockstep" twice in one map'),
        ('controller.period: 0.02\n    controller: {period: 0.01}', "setting 'controller.period' is given twice"),
        ('safety: {velocity: &a [*a]}', 'an alias'),
        (f'peers: {"9" * 5000}', 'a number of 5,000 characters'),
        (f'peers: [{", ".join(["x"] * 9000)}]', 'peers must be different nodes'),
        (f'peers: {"x" * 60_000}', 'peers must be a list; got'),
        (f'{"x" * 900}: 1', 'unknown setting "xxxx'),
        (f'"controller\\n\\e[2J{"y" * 500}": 1', 'unknown setting "controller [2Jyyy'),
        ('lockstep: "\\ud800"', 'no Unicode: half of a letter'),
    ],
)  # fmt: skip
def test_spoiled_settings_are_one_short_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = controller(text, tmp_path)
    with pytest.raises(SettingsError) as refused:
        read_settings(path, ControllerSettings, 'controller')
    said = str(refused.value)
    assert sentence in said
    assert len(said) < 300
    assert said.isprintable()


def test_file_that_is_none_is_not_taken_over_into_another(tmp_path: Path) -> None:
    path = controller('safety: {velocity: &a [*a]}', tmp_path)
    with pytest.raises(SettingsError, match='an alias'):
        with_settings(path, {'controller': {'lockstep': True}})


def test_long_paths_leave_room_for_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / ('long' * 50) / ('name' * 50) / 'missing.yaml'
    with pytest.raises(
        SettingsError, match=r' \.\.\. .*missing.yaml: cannot be read \(.*\); name an existing'
    ) as said:
        read_settings(path, ControllerSettings, 'controller')
    assert len(str(said.value)) < 300
