import subprocess
import sys

import pytest

from llm_policy_improver.core.packages import MissingPackageError
from llm_policy_improver.tasks.registry import UnknownTaskError, make_environment


def test_an_unknown_task_is_told_the_names_that_come_close() -> None:
    with pytest.raises(UnknownTaskError, match='unknown task "cartpole"; did you mean cart_pole'):
        make_environment('cartpole')
    with pytest.raises(UnknownTaskError, match='there are noise_world_0, noise_world_1'):
        make_environment('chess against a grandmaster')


@pytest.mark.parametrize(
    ('name', 'id', 'module', 'package', 'extra'),
    [
        ('cart_pole', 'CartPole-v1', 'gymnasium', r'gymnasium\[classic-control,mujoco\]', 'suites'),
        ('point_maze', 'PointMaze_Large-v3', 'gymnasium_robotics', 'gymnasium-robotics', 'suites'),
        ('door_open', 'door-open-v3', 'metaworld', 'metaworld', 'metaworld'),
    ],
)
def test_a_missing_package_is_named_with_the_extra_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, name: str, id: str, module: str, package: str, extra: str
) -> None:
    if module == 'gymnasium_robotics':
        pytest.importorskip('gymnasium', reason="needs the extra 'suites'")
    monkeypatch.setitem(sys.modules, module, None)  # what Python takes for "not installed"
    wanted = rf"^task {id} needs the package {package}: pip install 'llm-policy-improver\[{extra}\]'$"
    with pytest.raises(MissingPackageError, match=wanted):
        make_environment(name)


def test_tasks_and_their_briefs_are_told_without_loading_a_simulator() -> None:
    code = (
        'import sys; from llm_policy_improver.tasks.registry import TASKS, episodic_task; '
        '[episodic_task(name).brief.text for name in TASKS]; '
        'print({"gymnasium", "gymnasium_robotics", "metaworld", "mujoco", "scipy"} & set(sys.modules))'
    )
    assert (
        subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout
        == 'set()\n'
    )
