"""Has a ball played with the parameters that were published, and waits for its trial."""

import math
from collections.abc import Callable
from typing import Final

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import Step
from llm_policy_improver.msg import ControllerStatus, ExecutionTrace
from llm_policy_improver.nodes.ball_feeder import BallFeeder
from llm_policy_improver.nodes.controller_view import ControllerView
from llm_policy_improver.nodes.limited import LONGEST_TRIAL, subscribe
from llm_policy_improver.nodes.messages import MessageError, trial_in
from llm_policy_improver.nodes.qos import TRACES
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.nodes.waiting import WaitingNode
from llm_policy_improver.runs.run_memory import RunMemory, RunMemoryError

_THROWS: Final = 3
"""Balls asked for until one of them is reported."""


class TrialPlayer:
    """Between the optimizer on one side, controller, trace logger and ball launcher on the other.

    Args:
        node: whose coroutines wait here.
        settings: of the optimizer.
        memory: takes in every trial that is reported.
        controller: plays the balls.
        seals: of the run.
    """

    def __init__(
        self,
        node: WaitingNode,
        settings: OptimizerSettings,
        memory: RunMemory,
        controller: ControllerView,
        seals: Seals,
    ) -> None:
        self._node = node
        self._memory = memory
        self._controller = controller
        self._seals = seals
        self._fed, self._timeout = settings.feed_balls, settings.trial_timeout
        self._arrived: dict[int, Trial] = {}
        self._stray: dict[int, RunMemoryError] = {}
        self._feeder = BallFeeder(node)
        self._traces = subscribe(
            node, ExecutionTrace, 'execution_trace', seals.guarded(self._on_trace), TRACES, LONGEST_TRIAL
        )

    def _on_trace(self, message: ExecutionTrace) -> None:
        if message.run not in ('', self._memory.run):
            self._seals.leave_out(f'trial {message.trial} of another run')
            return
        try:
            trial = trial_in(message)
        except MessageError as error:
            self._node.get_logger().error(f'left out: {error}')
            return
        try:
            if not self._memory.learn(trial):
                return  # one of before this node joined, which the store had, too
            self._arrived[trial.version] = trial
        except RunMemoryError as error:
            self._node.get_logger().error(str(error))
            self._stray[trial.version] = error
        self._node.notify()

    def forget(self) -> None:
        """What was reported so far is no trial of the step to come, even if that has the same version."""
        self._arrived.clear()
        self._stray.clear()

    async def _stand_by(self, step: Step, ready: Callable[[], bool], over: Callable[[], bool]) -> None:
        """Until the arm is ready for the ball of this step and somebody records it; or there is none to play."""
        why_never = self._controller.why_never
        await self._node.until(lambda: ready() or bool(why_never(step.version)) or over())
        if (why := why_never(step.version)) and not over():
            raise RuntimeError(f'the policy of trial {step.number} is not used: {why}')
        if not self._fed:
            return
        recorded = self._traces.get_publisher_count
        await self._node.until(lambda: recorded() > 0 or over(), self._timeout)
        if not recorded() and not over():
            raise TimeoutError(
                f'nobody published execution_trace within {self._timeout:g} s: does the trace logger run?'
            )

    async def play(self, step: Step, cancelled: Callable[[], bool]) -> Trial | None:
        """The next trial with the parameters of this step; None if cancelled before.

        Args:
            step: whose parameters were published.
            cancelled: whether the run was cancelled meanwhile; a ball in flight is waited for.

        Raises:
            TimeoutError: balls that were asked for were not reported, again and again.
            RuntimeError: the controller refuses its policy, or uses a newer one that somebody else has published;
                its trial has the number of another.
        """
        version, fed, controller = step.version, self._fed, self._controller

        def ready() -> bool:
            return controller.version == version and controller.is_in(ControllerStatus.READY)

        def arrived_or_cancelled() -> bool:
            return version in self._arrived or cancelled()

        def over() -> bool:
            playing = controller.is_in(ControllerStatus.PLAYING)
            told = version in self._arrived or version in self._stray
            return told or (cancelled() and not fed and not playing)

        for _ in range(_THROWS):
            await self._stand_by(step, ready, arrived_or_cancelled)
            in_play = not arrived_or_cancelled()
            if fed:
                in_play = await self._feeder.feed(step, arrived_or_cancelled)
            patience = self._timeout if fed else math.inf  # a person takes their time
            if not in_play or await self._node.until(over, patience):
                if version in self._stray:
                    raise self._stray.pop(version)
                return self._arrived.pop(version, None)
            self._node.get_logger().warning(f'trial {step.number} was not reported within {patience:g} s')
        raise TimeoutError(
            f'trial {step.number} was not reported within {self._timeout:g} s, {_THROWS} times: '
            'does the trace logger run, and can it store?'
        )
