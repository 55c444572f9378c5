"""Whoever asks for an improvement is answered in the end, also where answers get lost on their way."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.task import Future
from ros_graph import RosGraph

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.nodes import improvement_goal
from llm_policy_improver.nodes.improvement_goal import ImprovementGoal
from llm_policy_improver.nodes.optimizer import OptimizerNode


class ForgetfulClient(ActionClient):
    """Loses the first answer of each kind."""

    def __init__(self, graph: RosGraph) -> None:
        super().__init__(graph.probe, ImprovePolicy, 'improve_policy')
        self.lost: list[str] = []

    def _lost(self, what: str, asked: Future) -> Future:
        if what in self.lost:
            return asked
        self.lost.append(what)
        return Future()

    def send_goal_async(self, *arguments: Any, **named: Any) -> Future:
        return self._lost('goal', super().send_goal_async(*arguments, **named))

    def _get_result_async(self, handle: Any) -> Future:
        return self._lost('result', super()._get_result_async(handle))

    def _cancel_goal_async(self, handle: Any) -> Future:
        return self._lost('cancel', super()._cancel_goal_async(handle))


@pytest.mark.parametrize('cancelled', [False, True])
def test_goal_whose_answers_get_lost_is_run_once_and_gives_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    monkeypatch.setattr(improvement_goal, 'AGAIN', 0.3)
    with RosGraph() as graph:
        if cancelled:
            graph.add(OptimizerNode, OptimizerSettings(first_trials=2))  # waits for a controller
        else:
            graph.play_in(tmp_path, first_trials=2)

        def until(condition: Callable[[], bool], patience: float) -> bool:
            with suppress(AssertionError):
                graph.spin_until(condition, 'it', patience)
            return condition()

        client = ForgetfulClient(graph)
        try:
            assert until(client.server_is_ready, 60.0)
            told: list[Any] = []
            goal = ImprovementGoal(
                client, until, ImprovePolicy.Goal(objective='far right', trials=2), told.append
            )
            assert goal.accepted
            answer = goal.result(lambda: cancelled)
            graph.spin_rounds()  # what was told of the last trial
        finally:
            client.destroy()
        assert client.lost == ['goal', 'result', 'cancel'][: 2 + cancelled]
        assert answer.status == (GoalStatus.STATUS_CANCELED if cancelled else GoalStatus.STATUS_SUCCEEDED)
        assert answer.result.trials == (0 if cancelled else 2)
        assert len({message.feedback.trial for message in told}) == answer.result.trials
