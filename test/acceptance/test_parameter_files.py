"""Thousands of spoiled parameter files through all that reads them: settings, or one sentence, and never slow."""

import random
import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mutated_files import MUTATIONS
from paths import CONFIG

from llm_policy_improver.core.settings import (
    SettingsError,
    from_mapping,
    read_settings,
    to_mapping,
    with_settings,
)
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.table_tennis.rehearsal import arm_settings
from llm_policy_improver.table_tennis.rehearsal_config import RehearsalConfig
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings
from llm_policy_improver.table_tennis.visualizer_settings import VisualizerSettings

KINDS: dict[str, type[Any]] = {
    'simulator': SimulatorSettings,
    'controller': ControllerSettings,
    'trace_logger': TraceLoggerSettings,
    'optimizer': OptimizerSettings,
    'stand_in_arm': StandInSettings,
    'visualizer': VisualizerSettings,
}
LONGEST_TIME, MOST_MEMORY, LONGEST_MESSAGE = 2.0, 200.0, 300
"""s of computing, MB, characters."""
SEED = 8


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def readers(path: Path, text: bytes) -> dict[str, Callable[[], object]]:
    """By node: who reads the file; only those that it has a section for, and the arm that is rehearsed."""
    found: dict[str, Callable[[], object]] = {
        node: lambda kind=kind, node=node: settled(read_settings(path, kind, node))  # type: ignore[misc]
        for node, kind in KINDS.items()
        if f'/{node}:'.encode() in text
    }
    safety = str(CONFIG / 'safety.yaml')
    found['rehearsed arm'] = lambda: settled(arm_settings(RehearsalConfig(config=str(path), safety=safety)))
    found['limits'] = lambda: settled(arm_settings(RehearsalConfig(safety=str(path))))
    found['changed'] = lambda: with_settings(path, {'controller': {'lockstep': True}})
    return found


def settled(settings: Any) -> None:
    """What was taken is all finite numbers and short texts: it can be written, and read back as it is."""
    assert from_mapping(type(settings), to_mapping(settings), 'again') == settings


def test_spoiled_parameter_files_are_settings_or_one_sentence(
    tmp_path: Path, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    cases = pytestconfig.getoption('--spoiled-files')
    draw, path = random.Random(SEED), tmp_path / 'spoiled.yaml'
    texts = [each.read_text() for each in sorted(CONFIG.glob('*.yaml'))]
    came_to: Counter[str] = Counter()
    failures: list[str] = []
    longest, before = 0.0, peak_mb()
    for case in range(cases):
        mutate, text = draw.choice(MUTATIONS), draw.choice(texts)
        path.write_bytes(mutate(draw, text))
        reader, read = draw.choice(list(readers(path, text.encode()).items()))
        begun = time.process_time()  # others may keep the machine busy
        try:
            read()
            said = None
        except SettingsError as error:
            said = str(error)
        except Exception:
            failures.append(f'case {case}, {mutate.__name__}, {reader}: {traceback.format_exc(limit=-3)}')
            continue
        took = time.process_time() - begun
        longest = max(longest, took)
        came_to['refused' if said else 'taken'] += 1
        if said is not None and (len(said) >= LONGEST_MESSAGE or not said.isprintable()):
            failures.append(
                f'case {case}, {mutate.__name__}, {reader}: {len(said)} characters: {said[:400]!r}'
            )
        if took > LONGEST_TIME:
            failures.append(f'case {case}, {mutate.__name__}, {reader}: {took:.1f} s')
    memory = peak_mb() - before
    told = f'{cases} cases, {len(failures)} failures; {dict(came_to)}, longest {longest:.2f} s, {memory:.0f} MB more'
    record_property('spoiled parameter files', told)
    assert not failures, '\n'.join([told, *failures[:20]])
    assert memory < MOST_MEMORY
    assert came_to['taken'] > 0.02 * cases, 'mutations that always break the file show nothing'
