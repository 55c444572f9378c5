"""A goal of ``improve_policy`` from the side of whoever asks: every request is made again until it is answered.

While nodes still find each other a server may know the one who asks before it has found the way back; then its answer
gets lost, and nobody is told.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import uuid4

from rclpy.action import ActionClient

from llm_policy_improver.action import ImprovePolicy

AGAIN: Final = 3.0
"""s without an answer after which a request is made again."""
_SELDOM: Final = 30.0
"""s between two requests for the result, at most: each stays open until the end of the run."""
_PATIENCE: Final = 180.0
"""s in which a goal must have been answered."""

Until = Callable[[Callable[[], bool], float], bool]
"""Attends to everything until a condition holds, for so many s at most; whether it does."""


class ImprovementGoal:
    """Sends a goal and waits until it is answered.

    Args:
        client: of the action.
        until: waits.
        goal: what is asked for.
        feedback: takes the messages about each trial.

    Attributes:
        accepted: whether the optimizer has taken the goal.
    """

    def __init__(
        self, client: ActionClient, until: Until, goal: ImprovePolicy.Goal, feedback: Callable[[Any], None]
    ) -> None:
        self._until = until
        same, sent = ImprovePolicy.Impl.FeedbackMessage().goal_id, list[Any]()
        same.uuid = list(uuid4().bytes)
        for _ in range(round(_PATIENCE / AGAIN)):
            sent.append(client.send_goal_async(goal, feedback_callback=feedback, goal_uuid=same))
            if until(lambda: _answered(sent), AGAIN):
                break
        self._handle = _answer(sent)
        # A server refuses what it has accepted under the same name before.
        self.accepted = self._handle is not None and (self._handle.accepted or len(sent) > 1)

    def result(self, cancel: Callable[[], bool]) -> Any:
        """Wait for the end of the run.

        Args:
            cancel: whether the run is to end after the ball in flight.

        Returns:
            The goal's status and result.
        """
        asked, cancelled, patience = list[Any](), list[Any](), AGAIN
        while not _answered(asked):
            asked.append(self._handle.get_result_async())
            if cancel() and not _answered(cancelled):
                cancelled.append(self._handle.cancel_goal_async())
            self._until(lambda: _answered(asked) or (cancel() and not cancelled), patience)
            patience = AGAIN if cancel() else min(2.0 * patience, _SELDOM)
        return _answer(asked)


def _answered(asked: Sequence[Any]) -> bool:
    return any(future.done() for future in asked)


def _answer(asked: Sequence[Any]) -> Any:
    return next((future.result() for future in asked if future.done()), None)
