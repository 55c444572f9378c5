"""docs/extending.md followed literally: its files and lines go into a copy of the package, its commands run there."""

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat_server import Answer, ChatServer, say
from forked import run_module
from paths import ROOT

from llm_policy_improver.core.registered import registered
from llm_policy_improver.loop import settings_gates
from llm_policy_improver.methods.registry import METHODS
from llm_policy_improver.methods.sas import sections
from llm_policy_improver.tasks import problems

PAGE = (ROOT / 'docs' / 'extending.md').read_text()
FENCE = re.compile(r'(?P<before>[^\n]*\n\n|\n)?```(?P<kind>python|sh)\n(?P<text>.*?)```', re.DOTALL)


@dataclass(frozen=True)
class Section:
    """What the page tells a person to do.

    Attributes:
        files: their texts by path.
        lines: list, path and the line that goes into it.
        scripts: Python that is run afterwards.
        commands: that are run afterwards.
    """

    files: dict[str, str]
    lines: list[tuple[str, str, str]]
    scripts: list[str]
    commands: list[str]


def section(title: str) -> Section:
    """From the page."""
    text = PAGE.split(f'## {title}\n')[1].split('\n## ')[0]
    found = Section({}, [], [], [])
    for match in FENCE.finditer(text):
        before = (match['before'] or '').strip()
        if match['kind'] == 'sh':
            found.commands.extend(match['text'].splitlines())
        elif line := re.fullmatch(r'A line in `(\w+)` of `(\S+\.py)`:', before):
            found.lines.append((line[1], line[2], match['text']))
        elif path := re.search(r'`(\S+\.py)`:$', before):
            found.files[path[1]] = match['text']
        else:
            found.scripts.append(match['text'])
    return found


def followed(title: str, folder: Path, **surroundings: str) -> list[str]:
    """Do what the page says in a copy of the package; what its commands and scripts print, one after the other."""
    told = section(title)
    assert len(told.files) == len(told.lines) == 1
    package = folder / 'llm_policy_improver'
    if not package.exists():
        # With what Python compiled of the sources: it knows them by their times, which are copied, too.
        shutil.copytree(
            ROOT / 'llm_policy_improver', package, ignore=shutil.ignore_patterns('compiled-*', '*.so')
        )
        shutil.copytree(ROOT / 'config', folder / 'config')
    for path, text in told.files.items():
        assert not (folder / path).exists()
        (folder / path).write_text(text)
    for name, path, line in told.lines:
        whole = (folder / path).read_text()
        head = re.search(rf'^{name}\b[^\n]*[({{]\n( *MappingProxyType|    \{{\n)?', whole, re.MULTILINE)
        assert head is not None
        assert line.count('\n') == 1
        (folder / path).write_text(whole[: head.end()] + line + whole[head.end() :])
    commands = [['-m', *_module(command)] for command in told.commands]
    commands += [['-c', script] for script in told.scripts]
    assert commands
    # To compile everything anew for the copy would take longer than a few trials without.
    surroundings['NUMBA_DISABLE_JIT'] = '1'
    return [run_module(command, folder, surroundings) for command in commands]


def _module(command: str) -> list[str]:
    name, *arguments = re.findall(r'"[^"]*"|\S+', command)
    assert name == 'llm-policy-improver'
    return ['llm_policy_improver', *(argument.strip('"') for argument in arguments)]


def beside_the_best(request: dict[str, Any]) -> Answer:
    """Reads the prompt of the page's method: the parameters that it tells, a little larger."""
    told = str(request['messages'][0]['content'])
    best = json.loads(told.split('Best so far: ')[1].split(', which')[0].replace("'", '"'))
    # Another one each time that another one is the best.
    parameters = {name: value + 0.02 for name, value in best.items()}
    return say(json.dumps({'reason': 'Beside the best one.', 'parameters': parameters}))


def test_a_new_part_is_a_file_and_a_line(tmp_path: Path) -> None:
    (shown,) = followed('A method', tmp_path)
    assert 'coordinate proposes, a numeric optimizer and no language model' in shown
    assert 'Another ' in shown
    with ChatServer(beside_the_best) as server:
        endpoint = {'OPENAI_BASE_URL': server.url, 'OPENAI_API_KEY': 'none'}
        shown, table = followed('A method that asks a language model', tmp_path, **endpoint)
    assert 'from_the_best:gpt-4o at http://127.0.0.1' in shown
    assert 'proposes, from the best trial on' in shown
    assert 'Beside the best one.' in shown
    assert 'from_the_best:gpt-4o' in table
    (shown,) = followed('A measure', tmp_path)
    assert 1.0 < float(shown) < 4.0
    _, audit = followed('A gate', tmp_path)
    assert audit.count('of a range from changing nothing') >= 4
    (prompt,) = followed('A section of the prompt', tmp_path)
    assert 'The last trials ended: ' in prompt
    (table,) = followed('A problem of some numbers', tmp_path)
    assert 'Best kept: regret' in table
    assert table.index('least_squares') < table.index('knn ')
    (total,) = followed('An episodic task', tmp_path)
    assert -10.0 < float(total) < 0.0


def test_every_registered_place_is_there() -> None:
    assert all(callable(registered(where, problems.__package__)) for where in problems.PROBLEMS.values())
    assert all(callable(each.maker()) for each in METHODS.values())
    assert all(callable(registered(where, settings_gates.__package__)) for where in settings_gates.GATES)
    assert all(callable(registered(each.where, sections.__name__)) for each in sections.SECTIONS)
