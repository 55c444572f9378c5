"""docs/tasks.md against the briefs."""

import re
from pathlib import Path

import pytest

from llm_policy_improver.tasks.arm_varied_balls import ArmVariedBallsTask
from llm_policy_improver.tasks.gymnasium.task import GymnasiumTask
from llm_policy_improver.tasks.meta_world.task import MetaWorldTask
from llm_policy_improver.tasks.noise_world.environment import NoiseWorldTask
from llm_policy_improver.tasks.problems import PROBLEMS
from llm_policy_improver.tasks.registry import TASKS, episodic_task

NUMBERS, TEXT = (Path(__file__).parents[3] / 'docs' / 'tasks.md').read_text().split('## Episodes')
ROWS = {
    name: [cell.strip() for cell in line.strip('|').split('|')][1:]
    for line in TEXT.splitlines()
    if line.startswith('| `')
    for name in re.findall(r'`(\w+)`', line.split('|')[1])
}


def test_the_table_has_every_task_and_no_other() -> None:
    assert set(ROWS) == set(TASKS)


@pytest.mark.parametrize('name', TASKS)
def test_a_line_of_the_table_says_what_the_brief_says(name: str) -> None:
    task = episodic_task(name)
    brief = task.brief
    suite, observation, action, horizon, _, reached, extra = ROWS[name]
    assert observation == str(len(brief.observation))
    assert horizon == str(brief.horizon)
    count = len(brief.action)
    assert action == (
        f'{len(brief.choices)} choices' if brief.choices else f'{count} value{"s" if count > 1 else ""}'
    )
    if isinstance(task, NoiseWorldTask):
        assert (suite, extra) == ('NoiseWorld', 'none')
        assert reached.startswith(f'{task.board.optimum} optimum')
    elif isinstance(task, ArmVariedBallsTask):
        assert (suite, extra) == ('table tennis', 'none')
    else:
        assert isinstance(task, GymnasiumTask | MetaWorldTask)
        assert suite.endswith(f' {task.id}')
        assert extra == ('`metaworld`' if isinstance(task, MetaWorldTask) else '`suites`')


def test_the_table_of_problems_has_every_problem_and_no_other() -> None:
    rows = [line for line in NUMBERS.splitlines() if line.startswith('| `')]
    assert {name for row in rows for name in re.findall(r'`(\w+)`', row.split('|')[1])} == set(PROBLEMS)
