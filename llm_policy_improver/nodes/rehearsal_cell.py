"""The stand-in arm and the nodes of the physical arm, each in a process of its own, and a scripted operator.

    with RehearsalCell(settings, folder) as cell:
        cell.make_ready()
        cell.throw(1, seed=0)

What a person does on the arm, the operator does by the same services: arm it, approve proposals, resume after a fault.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import rclpy
import yaml
from action_msgs.msg import GoalStatus
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.action import ActionClient
from rclpy.client import Client
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import SetBool, Trigger

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.approval import APPROVE
from llm_policy_improver.interrupts import HeldInterrupt
from llm_policy_improver.msg import ControllerStatus, ExecutionTrace, OptimizerStatus
from llm_policy_improver.nodes.demo import RunFailedError, report_of
from llm_policy_improver.nodes.diagnostics import TOPIC
from llm_policy_improver.nodes.qos import LATCHED, TRACES
from llm_policy_improver.report.progress import TrialReport
from llm_policy_improver.settings import (
    ControllerSettings,
    OptimizerSettings,
    TraceLoggerSettings,
    to_mapping,
)
from llm_policy_improver.srv import ApproveParameters, FeedBall
from llm_policy_improver.stand_in_settings import StandInSettings

OPERATOR: Final = 'scripted operator'
"""Who decides, for the audit records."""
_READY: Final = 180.0
"""s that the nodes may take to start; what they compile for the first time takes long."""
_ENDING: Final = 10.0
"""s that a process is given to end; the controller slows the arm down before."""
_ANSWER: Final = 3.0
"""s to wait for a service."""
_ATTENDING: Final = 0.2
"""s between two looks of the operator."""
_MOST_FAULTS: Final = 5
"""After so many a person would not go on."""
_MOST_REFUSALS: Final = 3
"""Of an approval: the proposal may just have been withdrawn, but not again and again."""
_TRIAL: Final = 15.0
"""s in which a ball that was thrown must have been reported."""


@dataclass(frozen=True, slots=True)
class RehearsalSettings:
    """Of the processes; without an optimizer where None."""

    stand_in_arm: StandInSettings
    controller: ControllerSettings
    trace_logger: TraceLoggerSettings
    optimizer: OptimizerSettings | None = None

    def relative(self) -> Self:
        """The same with topics in the namespace of the nodes: no arm that is out there can hear them."""

        def moved(settings: Any) -> Any:
            names = [name for name in to_mapping(settings) if name.endswith('_topic')]
            return replace(settings, **{name: getattr(settings, name).lstrip('/') for name in names})

        return replace(
            self, stand_in_arm=moved(self.stand_in_arm), controller=moved(self.controller),
            trace_logger=moved(self.trace_logger),
        )  # fmt: skip

    @property
    def of_nodes(self) -> dict[str, Any]:
        """The settings of every node by its name, in the order in which they are started."""
        nodes: dict[str, Any] = {
            'stand_in_arm': self.stand_in_arm,
            'controller': self.controller,
            'trace_logger': self.trace_logger,
        }
        return nodes | ({'optimizer': self.optimizer} if self.optimizer is not None else {})


class NodeProcess:
    """A node in a process of its own, out of reach of a Ctrl-C in the terminal; its output goes to a file."""

    def __init__(self, name: str, namespace: str, parameters: Path | None, log: Path) -> None:
        self.name = name
        self._log = log
        command = [
            sys.executable,
            '-m',
            f'llm_policy_improver.nodes.{name}',
            '--ros-args',
            '-r',
            f'__ns:={namespace}',
        ]
        if parameters is not None:
            command += ['--params-file', str(parameters)]
        with log.open('wb') as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    @property
    def last_words(self) -> str:
        """The last line it has written."""
        lines = self._log.read_text(errors='replace').strip().splitlines()
        return lines[-1] if lines else f'it ended with status {self._process.poll()}'

    def end(self) -> None:
        """As by Ctrl-C; by force where that does not help."""
        if self.running:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """By force."""
        if self.running:
            self._process.kill()
            self._process.wait()


class RehearsalCell:
    """The processes and the operator. A context manager: leaving it ends them, the controller first.

    Args:
        settings: of the nodes.
        folder: for the parameter file and the logs of the nodes.
        namespace: keeps rehearsals on one machine apart.
        measured: whether empty timers run beside the nodes.

    Attributes:
        faults: why the arm was stopped, each time.
        diagnostics: the latest status of every node by its name.
        traces: all trials.
        on_diagnostics: told the name of a node and its values, whenever they come.
    """

    def __init__(
        self, settings: RehearsalSettings, folder: Path, namespace: str, measured: bool = False
    ) -> None:
        self.faults: list[str] = []
        self.diagnostics: dict[str, dict[str, str]] = {}
        self.traces: list[ExecutionTrace] = []
        self.on_diagnostics: Callable[[str, dict[str, str]], None] = lambda name, values: None
        self._controller: ControllerStatus | None = None
        self._optimizer: OptimizerStatus | None = None
        self._processes: list[NodeProcess] = []
        self._context = Context()
        self._waiting: dict[str, Any] = {}
        self._decided = 0
        self._refusals = 0
        self._last_refusal = ''
        self._closing = ExitStack()
        self._closing.callback(self._end_processes)
        try:
            self._start_processes(settings.relative(), folder, namespace, measured)
            # Interrupts are the caller's: the ball in flight is played to its end first.
            rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO, args=[])
            self._closing.callback(self._context.try_shutdown)
            self._executor = SingleThreadedExecutor(context=self._context)
            self._closing.callback(self._executor.shutdown)
            self._node = Node('operator', namespace=namespace, context=self._context)
            self._closing.callback(self._node.destroy_node)
            self._executor.add_node(self._node)
            self._connect()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start_processes(
        self, settings: RehearsalSettings, folder: Path, namespace: str, measured: bool
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        parameters = folder / 'rehearsal.yaml'
        sections = {
            f'/**/{name}': {'ros__parameters': to_mapping(of_node)}
            for name, of_node in settings.of_nodes.items()
        }
        parameters.write_text(yaml.safe_dump(sections, sort_keys=False))
        for name in settings.of_nodes:
            self._processes.append(NodeProcess(name, namespace, parameters, folder / f'{name}.log'))
        if measured:
            self._processes.append(NodeProcess('empty_timer', namespace, None, folder / 'empty_timer.log'))

    def _connect(self) -> None:
        node = self._node
        node.create_subscription(ControllerStatus, 'controller/status', self._on_controller, LATCHED)
        node.create_subscription(OptimizerStatus, 'optimizer/status', self._on_optimizer, LATCHED)
        node.create_subscription(ExecutionTrace, 'execution_trace', self.traces.append, TRACES)
        node.create_subscription(DiagnosticArray, TOPIC, self._on_diagnostics, 10)
        self._enable = node.create_client(SetBool, 'controller/enable')
        self._resume = node.create_client(Trigger, 'controller/resume')
        self._approve = node.create_client(ApproveParameters, 'optimizer/approve_parameters')
        self._feed = node.create_client(FeedBall, 'feed_ball')
        self._goals = ActionClient(node, ImprovePolicy, 'improve_policy')
        node.create_timer(_ATTENDING, self._attend)

    def close(self) -> None:
        """End the processes, the stand-in arm last: the controller slows its arm down first."""
        self._closing.close()

    def _end_processes(self) -> None:
        try:
            with HeldInterrupt():
                for process in sorted(self._processes, key=_place):
                    process.end()
        finally:  # whoever interrupts again and again does not want to wait
            for process in self._processes:
                process.kill()

    @property
    def state(self) -> str:
        """Of the controller; empty before it has said anything."""
        return '' if self._controller is None else str(self._controller.state)

    def make_ready(self) -> None:
        """Wait until all nodes run and the operator has armed the arm.

        Raises:
            RunFailedError: a node ended, or they took too long.
        """
        if not self._until(lambda: self.state == ControllerStatus.READY, _READY):
            raise RunFailedError(
                f'the arm was not armed within {_READY:g} s: '
                f'{self._last_refusal or "the nodes have not found each other"}'
            )

    def throw(self, trial: int, seed: int) -> ExecutionTrace | None:
        """Have one ball thrown as soon as the arm is ready; its trial, None where none was reported.

        Raises:
            RunFailedError: a node ended, or there were too many faults.
        """
        before = len(self.traces)
        while True:
            self._until(lambda: self.state == ControllerStatus.READY, _READY)
            asked = self._feed.call_async(FeedBall.Request(trial=trial, seed=seed))
            self._until(asked.done, _ANSWER)
            if asked.done() and asked.result().accepted:
                break
            self._until(lambda: False, _ATTENDING)
        self._until(lambda: len(self.traces) > before, _TRIAL)
        return self.traces[-1] if len(self.traces) > before else None

    def improve(self, objective: str, trials: int, on_trial: Callable[[TrialReport], None]) -> str:
        """Ask for an improvement and attend it to its end; an interrupt cancels it after the ball in flight.

        Returns:
            What it came to, in one sentence.

        Raises:
            RunFailedError: the goal was refused, the run broke off, a node ended, or there were too many faults.
            KeyboardInterrupt: a second interrupt.
        """
        if not self._until(self._goals.server_is_ready, _READY):
            raise RunFailedError('the optimizer did not start in time')
        sent = self._goals.send_goal_async(
            ImprovePolicy.Goal(objective=objective, trials=trials),
            feedback_callback=lambda message: on_trial(report_of(message.feedback)),
        )
        self._until(sent.done, _READY)
        handle = sent.result()
        if handle is None or not handle.accepted:
            raise RunFailedError(f'the optimizer refused the objective "{objective}"; its log says why')
        result = handle.get_result_async()
        with HeldInterrupt() as interrupt:
            cancelled = False
            while not self._until(lambda: result.done() or (interrupt.asked and not cancelled), _READY):
                pass
            if not result.done():
                cancelled = True
                handle.cancel_goal_async()
                while not self._until(result.done, _READY):
                    pass
        answer = result.result()
        if answer is None or answer.status == GoalStatus.STATUS_ABORTED:
            raise RunFailedError(
                'the run ended without a result' if answer is None else answer.result.message
            )
        return str(answer.result.message)

    @property
    def now(self) -> float:
        """s, of a clock that nobody sets."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Attend to everything for a while."""
        self._until(lambda: False, seconds)

    def _until(self, condition: Callable[[], bool], patience: float) -> bool:
        """Attend to everything until it holds, for ``patience`` s at most; whether it does."""
        end = time.monotonic() + patience
        while not condition() and (left := end - time.monotonic()) > 0.0:
            self._executor.spin_once(timeout_sec=min(left, 0.1))
            ended = next((process for process in self._processes if not process.running), None)
            if ended is not None:
                raise RunFailedError(f'{ended.name} ended: {ended.last_words}')
            if self._refusals > _MOST_REFUSALS:
                raise RunFailedError(f'a proposal could not be approved: {self._last_refusal}')
            if len(self.faults) > _MOST_FAULTS:
                raise RunFailedError(
                    f'the arm was stopped {len(self.faults)} times, at last because {self.faults[-1]}'
                )
        return condition()

    def _on_controller(self, status: ControllerStatus) -> None:
        before = self._controller
        self._controller = status
        if status.state == ControllerStatus.FAULT and (before is None or before.fault != status.fault):
            self.faults.append(status.fault)

    def _on_optimizer(self, status: OptimizerStatus) -> None:
        self._optimizer = status

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        namespace = self._node.get_namespace()
        status: DiagnosticStatus
        for status in message.status:
            name = status.name.partition(':')[0]
            if name.startswith(f'{namespace}/'):
                values = {value.key: value.value for value in status.values}
                self.diagnostics[name.removeprefix(f'{namespace}/')] = values
                self.on_diagnostics(name.removeprefix(f'{namespace}/'), values)

    def _attend(self) -> None:
        """What the operator does now: resume, arm, approve; one question at a time of each."""
        if self.state == ControllerStatus.FAULT:
            self._ask('resume', self._resume, Trigger.Request())
        elif self.state == ControllerStatus.DISARMED:
            self._ask('enable', self._enable, SetBool.Request(data=True))
        status = self._optimizer
        if (
            status is not None
            and status.state == OptimizerStatus.WAITING_FOR_APPROVAL
            and status.proposed_version > self._decided
        ):
            request = ApproveParameters.Request(
                version=status.proposed_version, decision=APPROVE, decided_by=OPERATOR, reason='a rehearsal'
            )
            self._ask('approve', self._approve, request)

    def _ask(self, what: str, client: Client, request: Any) -> None:
        asked, since = self._waiting.get(what, (None, 0.0))
        if asked is not None and not asked.done():
            if time.monotonic() - since < _ANSWER:
                return
            client.remove_pending_request(asked)  # an answer can get lost while the nodes find each other
        if not client.service_is_ready():
            return
        asked = client.call_async(request)
        asked.add_done_callback(lambda answered: self._answered(request, answered.result()))
        self._waiting[what] = asked, time.monotonic()

    def _answered(self, request: Any, response: Any) -> None:
        if isinstance(request, ApproveParameters.Request):
            if response.accepted:
                self._decided = max(self._decided, request.version)
                self._refusals = 0
            else:
                self._refusals += 1
                self._last_refusal = response.message
        elif not response.success:
            self._last_refusal = response.message


def _place(process: NodeProcess) -> int:
    """In the order of ending: who commands before what is commanded."""
    return {'controller': 0, 'stand_in_arm': 2}.get(process.name, 1)
