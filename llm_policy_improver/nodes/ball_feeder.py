"""Asks for balls: by the service ``feed_ball`` of the simulator, the stand-in arm or a ball launcher's node."""

from collections.abc import Callable
from typing import Final

from llm_policy_improver.loop.step import Step
from llm_policy_improver.nodes.messages import line_of
from llm_policy_improver.nodes.waiting import WaitingNode
from llm_policy_improver.srv import FeedBall

_RETRY: Final = 0.2
"""s before a ball that was refused is asked for again."""
_USUAL: Final = 3.0
"""s that nodes may take to find each other before anybody needs to know."""
_ANSWER: Final = 2.0
"""s to wait for the answer to that."""


class BallFeeder:
    """Of a node whose coroutines wait for balls."""

    def __init__(self, node: WaitingNode) -> None:
        self._node = node
        self._client = node.create_client(FeedBall, 'feed_ball')

    async def feed(self, step: Step, over: Callable[[], bool]) -> bool:
        """Ask for the ball of this step until one is in play, or there is nothing more to ask for; whether one is.

        Args:
            step: which trial, and the seed of its ball.
            over: whether its trial was reported or the run is cancelled.
        """
        refusals = 0
        while not over():
            refusal = await self._ask(step, over)
            if not refusal:
                return True
            refusals += 1
            if refusals * _RETRY > _USUAL:
                self._node.get_logger().warning(refusal, throttle_duration_sec=5.0)
            await self._node.until(over, _RETRY)
        return False

    async def _ask(self, step: Step, over: Callable[[], bool]) -> str:
        """Why there is no ball; empty where one is in play."""
        if not self._client.service_is_ready():
            return 'waiting for feed_ball: is the simulator running?'
        asked = self._client.call_async(FeedBall.Request(trial=step.number, seed=step.seed))
        asked.add_done_callback(lambda _: self._node.notify())
        # A response can get lost while the nodes are still joining; the ball is in play all the same.
        if not await self._node.until(lambda: asked.done() or over(), _ANSWER):
            self._client.remove_pending_request(asked)
            return 'feed_ball does not answer: is the simulator running?'
        if not asked.done() or asked.result().accepted:
            return ''
        return line_of(asked.result().message) or 'feed_ball refuses the ball'
