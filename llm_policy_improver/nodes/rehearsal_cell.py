"""The stand-in arm and the nodes of the physical arm, each in a process of its own, and a scripted operator.

with RehearsalCell(settings, folder) as cell:
cell.make_ready()
cell.throw(1, seed=0)
"""

import os
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
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.core.interrupts import HeldInterrupt
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.settings import to_mapping
from llm_policy_improver.loop.improvement_result import End
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.msg import ControllerStatus, ExecutionTrace
from llm_policy_improver.nodes.attending import attend
from llm_policy_improver.nodes.demo import LAST_FEEDBACK, RunFailedError, TrialFeedback
from llm_policy_improver.nodes.diagnostics import TOPIC
from llm_policy_improver.nodes.enclaves import REHEARSE, enclave_arguments
from llm_policy_improver.nodes.improvement_goal import ImprovementGoal
from llm_policy_improver.nodes.improvement_messages import recommended_of
from llm_policy_improver.nodes.limited import LONGEST_TRIAL, subscribe
from llm_policy_improver.nodes.messages import line_of
from llm_policy_improver.nodes.node_process import NodeProcess
from llm_policy_improver.nodes.qos import TRACES
from llm_policy_improver.nodes.scripted_operator import ANSWER, LOOKING, ScriptedOperator
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.nodes.transport import on_this_machine
from llm_policy_improver.report.progress import TrialReport
from llm_policy_improver.srv import FeedBall
from llm_policy_improver.table_tennis.settings import ControllerSettings, TraceLoggerSettings
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings

_READY: Final = 180.0
"""s that the nodes may take to start; what they compile for the first time takes long."""
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

    def with_keys_in(self, folder: Path) -> 'RehearsalSettings':
        """The same with keys of this cell alone, which are made when they are first read."""
        own = SecuritySettings(str(folder / 'run.key'), str(folder / 'operator.key'))
        optimizer = None if self.optimizer is None else replace(self.optimizer, security=own)
        return replace(
            self, controller=replace(self.controller, security=own),
            trace_logger=replace(self.trace_logger, security=own), optimizer=optimizer,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CameTo:
    """The end of an improvement.

    Attributes:
        end: why it is over; None where it was cancelled.
        recommended: what to keep, where trials are noisy and the method has a model of them.
    """

    end: End | None
    recommended: Proposal | None


class RehearsalCell:
    """The processes and the operator. A context manager: leaving it ends them, the controller first.

    Args:
        settings: of the nodes.
        folder: for the parameter file and the logs of the nodes.
        namespace: keeps rehearsals on one machine apart.
        measured: whether empty timers run beside the nodes.

    Attributes:
        node: of the operator, in the namespace of the others.
        processes: in the order in which they were started.
        diagnostics: the latest status of every node by its name.
        traces: all trials, as they came.
        on_diagnostics: told the name of a node and its values, whenever they come.
    """

    def __init__(
        self, settings: RehearsalSettings, folder: Path, namespace: str, measured: bool = False
    ) -> None:
        self.diagnostics: dict[str, dict[str, str]] = {}
        self.traces: list[ExecutionTrace] = []
        self.on_diagnostics: Callable[[str, dict[str, str]], None] = lambda name, values: None
        self.processes: list[NodeProcess] = []
        self._context = Context()
        self._closing = ExitStack()
        self._closing.callback(self._end_processes)
        try:
            with HeldInterrupt() as interrupt:  # a process that is being started would be left behind
                settings = settings.with_keys_in(folder.absolute())
                self._start_processes(settings.relative(), folder, namespace, measured)
            if interrupt.asked:
                raise KeyboardInterrupt
            # Interrupts are the caller's: the ball in flight is played to its end first.
            own = ['--ros-args', *enclave_arguments(f'{REHEARSE}operator')]
            rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO, args=own)
            self._closing.callback(self._context.try_shutdown)
            self._executor = SingleThreadedExecutor(context=self._context)
            self._closing.callback(self._executor.shutdown)
            self.node = Node('operator', namespace=namespace, context=self._context)
            self._closing.callback(self.node.destroy_node)
            self._executor.add_node(self.node)
            self._connect(settings.controller.security)
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
        if measured:  # with the controller's priority: what this machine can do for anything
            priority = settings.controller.realtime_priority
            sections['/**/empty_timer'] = {'ros__parameters': {'realtime_priority': priority}}
        parameters.write_text(yaml.safe_dump(sections, sort_keys=False))
        environment = on_this_machine(os.environ)
        for name in (*settings.of_nodes, *(['empty_timer'] if measured else [])):
            self.processes.append(
                NodeProcess(name, namespace, parameters, folder / f'{name}.log', environment)
            )

    def _connect(self, security: SecuritySettings) -> None:
        node, seals = self.node, Seals(self.node, security)
        self._operator = ScriptedOperator(node, security)
        subscribe(
            node, ExecutionTrace, 'execution_trace', seals.guarded(self.traces.append), TRACES, LONGEST_TRIAL
        )
        node.create_subscription(DiagnosticArray, TOPIC, self._on_diagnostics, 10)
        self._feed = node.create_client(FeedBall, 'feed_ball')
        self._goals = ActionClient(node, ImprovePolicy, 'improve_policy')

    def close(self) -> None:
        """End the processes, the stand-in arm last: the controller slows its arm down first."""
        self._closing.close()

    def _end_processes(self) -> None:
        try:
            with HeldInterrupt():
                for process in sorted(self.processes, key=_place):
                    process.end()
        finally:  # whoever interrupts again and again does not want to wait
            for process in self.processes:
                process.kill()

    @property
    def state(self) -> str:
        """Of the controller; empty before it has said anything."""
        return self._operator.state

    @property
    def run(self) -> str:
        """State of the optimizer; empty before it has said anything."""
        return self._operator.run

    @property
    def faults(self) -> list[str]:
        """Why the arm was stopped, each time."""
        return self._operator.faults

    def make_ready(self) -> None:
        """Wait until all nodes run and the operator has armed the arm.

        Raises:
            RunFailedError: a node ended, or they took too long.
        """
        if not self.until(lambda: self.state == ControllerStatus.READY, _READY):
            raise RunFailedError(
                f'the arm was not armed within {_READY:g} s: '
                f'{self._operator.last_refusal or "the nodes have not found each other"}'
            )

    def throw(self, trial: int, seed: int) -> ExecutionTrace | None:
        """Have one ball thrown as soon as the arm is ready; its trial, None where none was reported.

        Raises:
            RunFailedError: a node ended, or there were too many faults.
        """
        before = len(self.traces)
        while True:
            self.until(lambda: self.state == ControllerStatus.READY, _READY)
            asked = self._feed.call_async(FeedBall.Request(trial=trial, seed=seed))
            self.until(asked.done, ANSWER)
            if asked.done() and asked.result().accepted:
                break
            self.until(lambda: False, LOOKING)
        self.until(lambda: len(self.traces) > before, _TRIAL)
        return self.traces[-1] if len(self.traces) > before else None

    def improve(
        self, objective: str, trials: int, on_trial: Callable[[TrialReport], None], method: str = ''
    ) -> CameTo:
        """Ask for an improvement and attend it to its end; an interrupt cancels it after the ball in flight.

        Args:
            objective: plain words.
            trials: balls to play.
            on_trial: called after each.
            method: who proposes; as in the settings where empty.

        Returns:
            Why it is over, and what to keep of it.

        Raises:
            RunFailedError: the objective was refused, the run broke off, a node ended, or there were too many faults.
            KeyboardInterrupt: a second interrupt.
        """
        if not self.until(self._goals.server_is_ready, _READY):
            raise RunFailedError('the optimizer did not start in time')
        feedback = TrialFeedback(on_trial)
        goal = ImprovePolicy.Goal(objective=objective, trials=trials, method=method)
        sent = ImprovementGoal(self._goals, self.until, goal, feedback)
        if not sent.accepted:
            raise RunFailedError('the optimizer did not take the goal')
        with HeldInterrupt() as interrupt:
            answer = sent.result(lambda: interrupt.asked)
        if answer.status == GoalStatus.STATUS_ABORTED:
            raise RunFailedError(line_of(answer.result.message))
        self.until(lambda: feedback.told >= answer.result.trials, LAST_FEEDBACK)
        end = End(answer.result.end) if answer.result.end else None
        return CameTo(end, recommended_of(answer.result.recommended))

    @property
    def now(self) -> float:
        """s, of a clock that nobody sets."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """Attend to everything for a while."""
        self.until(lambda: False, seconds)

    def until(self, condition: Callable[[], bool], patience: float) -> bool:
        """Attend to everything until it holds, for ``patience`` s at most; whether it does."""
        return attend(self._executor, condition, patience, self.check)

    def check(self) -> None:
        """What is looked at all the time.

        Raises:
            RunFailedError: a node ended, or the operator gives up.
        """
        for process in self.processes:
            if not process.running:
                raise RunFailedError(f'{process.name} ended: {process.last_words}')
        if self._operator.refusals > _MOST_REFUSALS:
            raise RunFailedError(f'a proposal could not be approved: {self._operator.last_refusal}')
        if len(self.faults) > _MOST_FAULTS:
            raise RunFailedError(
                f'the arm was stopped {len(self.faults)} times, at last because {self.faults[-1]}'
            )

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        namespace = self.node.get_namespace()
        status: DiagnosticStatus
        for status in message.status:
            name = status.name.partition(':')[0]
            if name.startswith(f'{namespace}/'):
                values = {value.key: value.value for value in status.values}
                self.diagnostics[name.removeprefix(f'{namespace}/')] = values
                self.on_diagnostics(name.removeprefix(f'{namespace}/'), values)


def _place(process: NodeProcess) -> int:
    """In the order of ending: who commands before what is commanded."""
    return {'controller': 0, 'stand_in_arm': 2}.get(process.name, 1)
