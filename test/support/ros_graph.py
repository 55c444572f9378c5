"""A ROS graph of a test's own: nodes composed in one process, or started as processes, and a probe beside them.

    with RosGraph() as graph:
        graph.add(ControllerNode, ControllerSettings())
        states = graph.collect(ControllerStatus, 'controller/status', LATCHED)
        graph.spin_until(lambda: states, 'a status of the controller')

Every graph has a namespace and a context of its own, so tests do not meet.
"""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar
from uuid import uuid4

from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy, QoSProfile

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.nodes.attending import attend
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.optimizer import OptimizerNode
from llm_policy_improver.nodes.qos import RELIABLE
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.srv import FeedBall
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)

TIMEOUT: Final = 60.0
"""s of wall clock in which anything a test waits for must have come; nothing but a fault takes so long."""

COMMAND: Final = str(Path(sys.executable).parent / 'llm-policy-improver')

EVERY: Final = QoSProfile(depth=1000, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
"""Of a subscriber that needs each message of a latched topic, and not only the latest one at each look."""
MANY: Final = QoSProfile(depth=1000)
"""Of a subscriber that needs each message of a stream that is faster than a busy machine reads it."""
_LOOK: Final = 0.01
"""s of waiting for something to handle, where that is done for a while."""
_AGAIN: Final = 5.0
"""s without an answer after which it may have got lost: those of other processes do while nodes are still joining."""

_numbers = itertools.count(1)

AnyNode = TypeVar('AnyNode', bound=Node)


class Run:
    """A goal of ``improve_policy`` under way.

    Attributes:
        feedback: what has come so far.
    """

    def __init__(self, graph: 'RosGraph', client: ActionClient, goal: ImprovePolicy.Goal) -> None:
        self._graph = graph
        self.feedback: list[ImprovePolicy.Feedback] = []
        same, sent = ImprovePolicy.Impl.FeedbackMessage().goal_id, list[Any]()
        same.uuid = list(uuid4().bytes)

        def ask() -> Any:
            sent.append(
                client.send_goal_async(
                    goal, lambda message: self.feedback.append(message.feedback), goal_uuid=same
                )
            )
            return sent[-1]

        self._handle = graph.answer(ask, f'an answer to the goal "{goal.objective}"', again=_AGAIN)
        # Asked again, the server refuses what it has accepted under the same name before.
        self.accepted = bool(self._handle.accepted) or len(sent) > 1
        self._results = [self._handle.get_result_async()] if self.accepted else []

    def cancel(self) -> None:
        """Asks for the end of the run; returns when the server has agreed."""
        answer = self._graph.wait(self._handle.cancel_goal_async(), 'an answer to the cancel request')
        assert answer.goals_canceling

    def trials(self, count: int, timeout: float = TIMEOUT) -> list[ImprovePolicy.Feedback]:
        """Waits for the feedback of that many trials."""
        self._graph.spin_until(
            lambda: len(self.feedback) >= count, f'the feedback of {count} trials', timeout
        )
        return self.feedback

    @property
    def over(self) -> bool:
        return any(asked.done() for asked in self._results)

    def result(self, timeout: float = TIMEOUT) -> tuple[int, ImprovePolicy.Result]:
        """Waits for the end; the goal's status and its result."""
        assert self.accepted, 'the goal was refused'
        end = time.monotonic() + timeout
        while not self.over:
            assert time.monotonic() < end, (
                f'no result after {timeout:g} s, and the feedback of {len(self.feedback)} trials'
            )
            # A request can get lost while nodes are still joining.
            self._results.append(self._handle.get_result_async())
            self._graph.holds(lambda: self.over, min(_AGAIN, timeout))
        self._graph.spin_rounds()  # what was said on other topics before the end
        answer = next(asked.result() for asked in self._results if asked.done())
        return answer.status, answer.result


class RosGraph:
    """Nodes with a context, an executor and a namespace of their own.

    Attributes:
        probe: the test's own node.
    """

    def __init__(self) -> None:
        self.namespace = f'/test_{os.getpid()}_{next(_numbers)}'
        self.context = Context()
        self.context.init(args=[])
        self.executor = SingleThreadedExecutor(context=self.context)
        self._nodes: list[Node] = []
        self._clients: list[ActionClient] = []
        self.probe = self.join(Node('probe', namespace=self.namespace, context=self.context))

    def __enter__(self) -> 'RosGraph':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            client.destroy()
        for node in reversed(self._nodes):
            self._end(node)
        self.executor.shutdown()
        self.context.try_shutdown()

    def join(self, node: AnyNode) -> AnyNode:
        """Takes in a node that was made with this graph's namespace and context."""
        self._nodes.append(node)
        self.executor.add_node(node)
        return node

    def add(self, kind: Callable[..., AnyNode], settings: Any) -> AnyNode:
        """Composes a node."""
        return self.join(kind(settings, namespace=self.namespace, context=self.context))

    def play_in(self, folder: Path, **optimizer: Any) -> OptimizerNode:
        """Composes all four nodes; the run is stored in the folder."""
        self.add(SimulatorNode, SimulatorSettings())
        self.add(ControllerNode, ControllerSettings())
        self.add(TraceLoggerNode, TraceLoggerSettings(output_folder=str(folder)))
        return self.add(OptimizerNode, OptimizerSettings(output_folder=str(folder), **optimizer))

    def remove(self, node: Node) -> None:
        """Ends a node, as if its process had ended."""
        self._nodes.remove(node)
        self.executor.remove_node(node)
        self._end(node)

    @staticmethod
    def _end(node: Node) -> None:
        node.destroy_node()
        # A lifecycle node's would keep the DDS participant until the garbage collector comes, and participants of
        # tests that are over can bring those of one that runs to a standstill.
        vars(node).pop('_state_machine', None)

    def spin_until(self, condition: Callable[[], Any], what: str, timeout: float = TIMEOUT) -> None:
        """Handles what arrives until ``condition`` holds; fails, saying what was missing, after ``timeout`` s."""
        assert self.holds(condition, timeout), f'still waiting after {timeout:g} s for {what}'

    def holds(self, condition: Callable[[], Any], timeout: float) -> bool:
        """Handles what arrives until ``condition`` holds, for ``timeout`` s at most; whether it does."""
        return attend(self.executor, condition, timeout)

    def spin_for(self, seconds: float) -> None:
        """Handles what arrives for a while: only to see that something does not happen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=_LOOK)  # always the same, as in `attend`

    def spin_rounds(self, count: int = 2) -> None:
        """Handles what has arrived: every topic and service is asked so often for one message.

        Whoever waits for one message may see it before an earlier one of another topic: rclpy asks actions first, and
        each topic for one message in a round.
        """
        for _ in range(count + 1):  # the first one may end a round that has begun
            self.wait(self.executor.create_task(lambda: None), 'a round of the executor')

    def spin_until_quiet(self, received: Sequence[Any], what: str, seconds: float = 0.3) -> None:
        """Handles what arrives until nothing more is received for a while: what was sent before may still come."""
        end = time.monotonic() + TIMEOUT
        count = -1
        while len(received) != count:
            assert time.monotonic() < end, f'{what} still come after {TIMEOUT:g} s'
            count = len(received)
            self.spin_for(seconds)
            self.spin_rounds()  # this process may have stood still for as long, with messages in the queue

    def wait(self, future: Any, what: str, timeout: float = TIMEOUT) -> Any:
        """The future's result."""
        self.spin_until(future.done, what, timeout)
        return future.result()

    def collect(self, kind: Any, topic: str, qos: QoSProfile = RELIABLE) -> list[Any]:
        """A list that grows with every message on the topic."""
        received: list[Any] = []
        self.probe.create_subscription(kind, topic, received.append, qos)
        return received

    def publisher(self, kind: Any, topic: str, qos: QoSProfile = RELIABLE, readers: int = 1) -> Any:
        """A publisher that has found its readers."""
        publisher = self.probe.create_publisher(kind, topic, qos)
        self.spin_until(
            lambda: publisher.get_subscription_count() >= readers, f'{readers} subscribers of {topic}'
        )
        return publisher

    def answer(self, ask: Callable[[], Any], what: str, again: float = TIMEOUT) -> Any:
        """What was asked for.

        Args:
            ask: asks; gives a future.
            what: is waited for.
            again: s after which it is asked for once more, where the answer may have got lost.
        """
        end = time.monotonic() + TIMEOUT
        asked: list[Any] = []
        while not any(future.done() for future in asked):
            assert time.monotonic() < end, f'still waiting after {TIMEOUT:g} s for {what}'
            asked.append(ask())
            self.holds(lambda: any(future.done() for future in asked), again)
        return next(future.result() for future in asked if future.done())

    def call(self, kind: Any, service: str, request: Any, again: float = TIMEOUT) -> Any:
        """A service's response.

        Args:
            again: s after which the request is made once more; of another process, and where that does no harm.
        """
        client = self.probe.create_client(kind, service)
        self.spin_until(client.service_is_ready, f'the service {service}')
        response = self.answer(lambda: client.call_async(request), f'a response of {service}', again)
        self.probe.destroy_client(client)
        return response

    def feed(self, trial: int, seed: int) -> None:
        """Has the simulator play a ball; asks again while the nodes are still joining."""
        client = self.probe.create_client(FeedBall, 'feed_ball')
        end = time.monotonic() + TIMEOUT
        accepted = False
        while not accepted:
            assert time.monotonic() < end, 'no ball was fed'
            self.spin_until(client.service_is_ready, 'the service feed_ball')
            asked = client.call_async(FeedBall.Request(trial=trial, seed=seed))
            # Responses get lost while nodes are still joining.
            accepted = self.holds(asked.done, 2.0) and asked.result().accepted
            if not accepted:
                self.spin_for(0.1)
        self.probe.destroy_client(client)

    def improve(self, objective: str, trials: int = 0, method: str = '') -> Run:
        """Sends a goal to the optimizer node."""
        if not self._clients:
            self._clients.append(ActionClient(self.probe, ImprovePolicy, 'improve_policy'))
        self.spin_until(self._clients[0].server_is_ready, 'the action improve_policy')
        goal = ImprovePolicy.Goal(objective=objective, trials=trials, method=method)
        return Run(self, self._clients[0], goal)


def environment(**changed: str | None) -> dict[str, str]:
    """Of a process to start: as a user's own, not as left behind by the start-up hook of the ROS wheels."""
    result = {name: value for name, value in os.environ.items() if not name.startswith('_ROS_WHEELS')}
    for name, value in changed.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


class Process:
    """A program under test; its output goes to files, so that no pipe can fill up."""

    def __init__(self, command: list[str], folder: Path, **changed: str | None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._command = command
        self._out, self._err = folder / f'{next(_numbers)}.out', folder / f'{next(_numbers)}.err'
        with self._out.open('wb') as out, self._err.open('wb') as err:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment(**changed),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def told(self) -> str:
        """All that it has printed."""
        return f'{" ".join(self._command)}:\n{self.out}\n{self.err}'

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def wait_until(self, condition: Callable[[], Any], what: str, timeout: float = TIMEOUT) -> None:
        """Looks again and again, as a process has no event to wait for, until ``condition`` holds."""
        end = time.monotonic() + timeout
        while not condition():
            assert self.running, f'ended with {self._process.returncode} before {what}:\n{self.err}'
            assert time.monotonic() < end, f'still waiting after {timeout:g} s for {what}:\n{self.err}'
            time.sleep(0.02)

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.signal(signal.SIGINT)

    def signal(self, number: signal.Signals) -> None:
        """Send it one."""
        self._process.send_signal(number)

    def end(self, timeout: float = TIMEOUT) -> int:
        """Waits for the process to end by itself; its exit status."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'has not ended after {timeout:g} s:\n{self.err}') from None

    def kill(self) -> None:
        """Whatever happens, nothing stays behind."""
        if self.running:
            self._process.kill()
            self._process.wait()


RUNNING: Final[list[Process]] = []
"""What `process` has started and not ended yet: shown where a test fails whose fixture holds it."""


@contextmanager
def process(command: list[str], folder: Path, **changed: str | None) -> Iterator[Process]:
    """A program, ended at the latest with the block."""
    started = Process(command, folder, **changed)
    RUNNING.append(started)
    try:
        yield started
    except BaseException:
        print(started.told, file=sys.stderr)  # pytest shows it
        raise
    finally:
        RUNNING.remove(started)
        started.kill()


def node_command(executable: str, namespace: str, **parameters: Any) -> list[str]:
    """Starts a node as a process; dots in names of parameters are written as two underscores."""
    command = [
        sys.executable,
        '-m',
        f'llm_policy_improver.nodes.{executable}',
        '--ros-args',
        '-r',
        f'__ns:={namespace}',
    ]
    for name, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        command += ['-p', f'{name.replace("__", ".")}:={text}']
    return command


def nodes_of(rehearsed: Process) -> list[str]:
    """Command lines of the nodes of a rehearsal that run."""
    namespace = f'__ns:=/rehearsal_{rehearsed.pid} '
    found = []
    for entry in Path('/proc').glob('[0-9]*/cmdline'):
        try:
            text = entry.read_bytes().replace(b'\0', b' ').decode(errors='replace')
        except OSError:
            continue
        if namespace in text:
            found.append(text)
    return found
