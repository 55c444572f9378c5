"""A node's lease of its role: there is one controller, optimizer, trace logger and simulator in a namespace.

Each says so on ``leases``, latched, and again every `claims.BEAT` s. A node that is a program of its own listens first,
for `_FINDING` s, and ends with one sentence where somebody else holds its role; where that is found only later, the
newcomer of the two ends. One that has been up for longer stays, and is told what is amiss: an arm stops then. A program
that composes nodes has a context and a namespace of its own for them: they neither wait nor end, and are told as well.

A lease is worth no more than the network: whoever forges heartbeats can keep nodes from starting and the arm from being
armed, as everybody may stop it, and can move nothing.
"""

import math
import os
import socket
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from secrets import token_hex
from threading import Thread
from typing import Final

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.utilities import get_default_context

from llm_policy_improver.nodes.attending import attend
from llm_policy_improver.nodes.claims import BEAT, SILENT, Claim, Claims, Timing
from llm_policy_improver.nodes.limited import subscribe
from llm_policy_improver.nodes.messages import name_of
from llm_policy_improver.nodes.qos import EACH_LATCHED, LATCHED

TOPIC: Final = 'leases'
SIMULATOR: Final = 'simulator'
"""Role of whoever plays the arm: `nodes.simulator` in lockstep, `nodes.stand_in_arm` by the clock."""
_FINDING: Final = 0.5
"""s in which a program that starts finds those that are there; on a busy machine it may take longer."""
_NEW: Final = 10.0
"""s in which a node that runs and finds one that was there before is a newcomer, and ends."""


class RoleTakenError(RuntimeError):
    """Another node holds the role; one sentence says which, and what to do."""


class Lease:
    """Held from the start of a node to its end.

    Args:
        node: that holds it.
        role: which no other node in its namespace may have.
        timing: what the node goes by.

    Attributes:
        changed: called with what is amiss, in words, whenever that becomes another; with an empty text when it is over.

    Raises:
        RoleTakenError: somebody else holds it.
    """

    def __init__(self, node: Node, role: str, timing: Timing) -> None:
        self._node = node
        self._own_program = node.context is get_default_context()
        self._running_since = math.inf
        self._told = ''
        self.changed: Callable[[str], None] = lambda amiss: None
        claim = Claim(role, node.get_fully_qualified_name(), timing, token_hex(8), _process())
        if self._own_program:
            _require_alone(node, claim)
        self._claims = Claims(claim, time.monotonic_ns())
        subscribe(node, DiagnosticStatus, TOPIC, self._on_claim, EACH_LATCHED)
        # Simulated time may stand still.
        node.create_timer(BEAT, self._on_time, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._out = node.create_publisher(DiagnosticStatus, TOPIC, LATCHED)
        self._publish()
        # A thread, as what a node makes or compiles at its start can take longer than it may be silent.
        Thread(target=_beat, args=(weakref.ref(self),), name='lease', daemon=True).start()

    @property
    def amiss(self) -> str:
        """Which two nodes are there that may not be together, in words; empty where there are none."""
        return self._claims.amiss(time.monotonic_ns())

    def _on_claim(self, message: DiagnosticStatus) -> None:
        claim = claim_in(message)
        if claim is not None:
            self._claims.hear(claim, time.monotonic_ns())
            self._look()

    def _on_time(self) -> None:
        self._running_since = min(self._running_since, time.monotonic())
        self._look()

    def _look(self) -> None:
        """Tell what has changed.

        Raises:
            RoleTakenError: this is the newcomer of two, in a program of its own.
        """
        now = time.monotonic_ns()
        if self._own_program and time.monotonic() - self._running_since < _NEW:
            own = self._claims.own(now)
            for rival in self._claims.rivals(now, beats=2):
                if own.came_after(rival):
                    raise RoleTakenError(_refusal(own, rival))
        amiss = self._claims.amiss(now)
        if amiss != self._told:
            self._told = amiss
            if amiss:
                self._node.get_logger().error(amiss)
            self.changed(amiss)

    def _publish(self) -> None:
        own = self._claims.own(time.monotonic_ns())
        values = {'role': own.role, 'timing': own.timing, 'process': own.process, 'age [s]': f'{own.age:.3f}'}
        self._out.publish(
            DiagnosticStatus(
                level=DiagnosticStatus.OK,
                name=own.node,
                message=f'is the {own.role}',
                hardware_id=own.holder,
                values=[KeyValue(key=key, value=value) for key, value in values.items()],
            )
        )


def _beat(lease: 'weakref.ref[Lease]') -> None:
    """A heartbeat after the other, until the lease or its publisher is gone."""
    with suppress(RuntimeError, InvalidHandle):
        while (held := lease()) is not None:
            held._publish()
            del held
            time.sleep(BEAT)


def _require_alone(node: Node, claim: Claim) -> None:
    """Listen, and where somebody is heard, for as long as it takes to tell whether that one still lives.

    By a node of its own: the one that asks has only begun to be made.

    Raises:
        RoleTakenError: somebody does.
    """
    claims = Claims(claim, time.monotonic_ns())

    def rivals(beats: int) -> list[Claim]:
        return claims.rivals(time.monotonic_ns(), beats)

    def on_claim(message: DiagnosticStatus) -> None:
        heard = claim_in(message)
        if heard is not None:
            claims.hear(heard, time.monotonic_ns())

    asking = Node(
        f'{claim.role}_{claim.holder}', namespace=node.get_namespace(), context=node.context,
        use_global_arguments=False, enable_rosout=False, start_parameter_services=False,
    )  # fmt: skip
    subscribe(asking, DiagnosticStatus, node.resolve_topic_name(TOPIC), on_claim, EACH_LATCHED)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(asking)
    try:
        if attend(executor, lambda: bool(rivals(1)), _FINDING):
            attend(executor, lambda: bool(rivals(2)) or not rivals(1), 2.0 * SILENT)
    finally:
        executor.shutdown()
        asking.destroy_node()
    for rival in rivals(2):
        raise RoleTakenError(_refusal(claim, rival))


def _refusal(own: Claim, rival: Claim) -> str:
    what = f'{rival} has been the {own.role} here for {rival.age:.0f} s'
    if rival.role != own.role:
        what = f'{rival} goes by {rival.timing}, and this {own.role} by {own.timing}: simulation and arm do not mix'
    return f'{what}; end it, or start this one with another namespace or ROS_DOMAIN_ID'


def claim_in(message: DiagnosticStatus) -> Claim | None:
    """What a heartbeat says; None where it is none."""
    values = {str(each.key): name_of(each.value) for each in message.values[:8]}
    try:
        return Claim(
            role=values['role'],
            node=name_of(message.name),
            timing=Timing(values['timing']),
            holder=name_of(message.hardware_id),
            process=values['process'],
            age=_seconds(values['age [s]']),
        )
    except (KeyError, ValueError):
        return None


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.0 <= seconds < math.inf:
        raise ValueError(text)
    return seconds


def _process() -> str:
    return f'process {os.getpid()} on {socket.gethostname()}'
