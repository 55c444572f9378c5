"""The visualizer's scene for an exported run: table, net, aim and landings as they were after each of its trials."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ament_index_python.packages import get_package_share_directory
from visualization_msgs.msg import MarkerArray

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.msg import OptimizerStatus
from llm_policy_improver.nodes.scene_markers import Landed, scene
from llm_policy_improver.runs.mcap_export import Shown
from llm_policy_improver.table_tennis.tracing.observed import landing_of

TOPIC: Final = 'visualizer/scene'
_KIND: Final = 'visualization_msgs/msg/MarkerArray'
_SEPARATOR: Final = '\n' + '=' * 80 + '\n'
_FIELD: Final = re.compile(r'^\s*(?:(\w+)/)?([A-Z]\w*)(?:\[[^\]]*\])?\s+\w+', re.MULTILINE)


def exported_scene(objective: Objective, objective_trials: int) -> Shown:
    """Of a run towards an objective.

    Args:
        objective: of the run.
        objective_trials: how many trials it has.
    """

    def after(trials: Sequence[Trial]) -> MarkerArray:
        best = objective.best(trials)
        distance = None if best is None else objective.distance(best)
        status = OptimizerStatus(
            state=OptimizerStatus.RUNNING,
            objective=objective.words,
            aim=objective.sentence,
            iteration=len(trials),
            trials=objective_trials,
            best_version=0 if best is None else best.version,
            best_distance=-1.0 if distance is None else distance,
        )
        return scene([_landed(trial) for trial in trials], status)

    return Shown(TOPIC, _KIND, definition_of(_KIND), after)


def _landed(trial: Trial) -> Landed:
    landing = landing_of(trial)
    return Landed(
        trial.number, trial.version, str(trial.outcome), None if landing is None else (landing.x, landing.y)
    )


def definition_of(kind: str) -> str:
    """The definition of a message type with those of all types it uses, as MCAP wants it; from the ROS installation.

    Args:
        kind: e.g. ``'visualization_msgs/msg/MarkerArray'``.

    Raises:
        LookupError, OSError: its package, or one that it uses, is not installed.
    """
    package, _, name = kind.split('/')
    found: dict[str, str] = {}
    wanted = [f'{package}/{name}']
    while wanted:
        each = wanted.pop(0)
        if each in found:
            continue
        package, name = each.split('/')
        path = _share(package) / 'msg' / f'{name}.msg'
        found[each] = '\n'.join(line.split('#')[0].rstrip() for line in path.read_text().splitlines())
        for other, used in _FIELD.findall(found[each]):
            wanted.append(f'{other or ("std_msgs" if used == "Header" else package)}/{used}')
    first, *rest = found.values()
    named = [f'MSG: {each}\n{text}' for each, text in zip(list(found)[1:], rest, strict=True)]
    return _SEPARATOR.join([first, *named])


def _share(package: str) -> Path:
    try:
        return Path(get_package_share_directory(package))
    except (LookupError, OSError):  # the wheels on PyPI have no prefix path: the environment is the prefix
        return Path(sys.prefix) / 'share' / package
