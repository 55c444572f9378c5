"""What the controller has said, for whoever publishes its policies and has them played."""

from collections.abc import Callable

from llm_policy_improver.msg import ControllerStatus
from llm_policy_improver.nodes.limited import subscribe
from llm_policy_improver.nodes.messages import line_of
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.nodes.waiting import WaitingNode


class ControllerView:
    """The controller as the optimizer knows it.

    Args:
        node: subscribes ``controller/status``; its coroutines are woken by each message.
        seals: of the run.

    Attributes:
        began: called when a controller is heard for the first time, and when it was started again.
    """

    def __init__(self, node: WaitingNode, seals: Seals) -> None:
        self.began: Callable[[], None] = lambda: None
        self._node = node
        self._status: ControllerStatus | None = None
        self._refused, self._why = 0, ''
        subscribe(node, ControllerStatus, 'controller/status', seals.latest(self._on_status), LATCHED)

    @property
    def known(self) -> bool:
        """Whether it has said anything."""
        return self._status is not None

    @property
    def start(self) -> str:
        """Name of its start; empty before it has said anything."""
        return '' if self._status is None else str(self._status.start)

    @property
    def version(self) -> int:
        """Of the policy that it uses; 0 where it has said nothing, or was never given one."""
        return 0 if self._status is None else int(self._status.active_version)

    def is_in(self, state: str) -> bool:
        """Whether this is its state: one of the constants of ``ControllerStatus``."""
        return self._status is not None and self._status.state == state

    def why_never(self, version: int) -> str:
        """Why it will not use this version any more; empty where it does or may."""
        if 0 < version == self._refused:
            return self._why
        if self.version > version:
            return f'somebody else has published version {self.version}, newer than {version}'
        return ''

    def _on_status(self, status: ControllerStatus) -> None:
        before = self._status
        self._status = status
        if status.start != ('' if before is None else before.start):
            self.began()
        if status.refused_version != self._refused:  # kept, as later messages speak of other things
            self._refused, self._why = int(status.refused_version), line_of(status.message)
            if self._refused:
                self._node.get_logger().error(f'the controller does not take what was published: {self._why}')
        self._node.notify()
