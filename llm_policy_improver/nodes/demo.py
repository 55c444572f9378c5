"""The four nodes in one process, and an operator who asks them for an improvement."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import rclpy
from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.logging import LoggingSeverity, set_logger_level
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.core.interrupts import HeldInterrupt
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.text import clean_text
from llm_policy_improver.loop.improvement_result import ImprovementResult
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.nodes.attending import attend
from llm_policy_improver.nodes.controller import ControllerNode
from llm_policy_improver.nodes.improvement_goal import ImprovementGoal
from llm_policy_improver.nodes.improvement_messages import recommended_of
from llm_policy_improver.nodes.messages import line_of, name_of
from llm_policy_improver.nodes.optimizer import OptimizerNode
from llm_policy_improver.nodes.simulator import SimulatorNode
from llm_policy_improver.nodes.trace_logger import TraceLoggerNode
from llm_policy_improver.report.progress import TrialReport
from llm_policy_improver.table_tennis.settings import (
    ControllerSettings,
    SimulatorSettings,
    TraceLoggerSettings,
)

LAST_FEEDBACK: Final = 10.0
"""s after a result, within which the feedback of the run's last trial comes."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Of the four nodes.

    Attributes:
        simulator, controller, trace_logger, optimizer: as their parameters.
        understood: the objective, where it was read already.
    """

    simulator: SimulatorSettings
    controller: ControllerSettings
    trace_logger: TraceLoggerSettings
    optimizer: OptimizerSettings
    understood: Objective | None = None


class RunFailedError(RuntimeError):
    """The nodes did not accept the objective, or gave the run up; the message says why."""


class Demo:
    """The composed nodes. A context manager: leaving it ends them.

    Args:
        settings: of the nodes.
        namespace: keeps several demos on one machine apart.
    """

    def __init__(self, settings: DemoSettings, namespace: str) -> None:
        self._context = Context()
        # Interrupts are the caller's: the ball in flight is played to its end first.
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO, args=[])
        # The progress lines say what the nodes' log would; warnings still come through.
        set_logger_level(namespace, LoggingSeverity.WARN)
        arguments: dict[str, Any] = {'namespace': namespace, 'context': self._context}
        self._executor = SingleThreadedExecutor(context=self._context)
        self._nodes: list[Node] = []
        try:
            for make in (
                lambda: SimulatorNode(settings.simulator, **arguments),
                lambda: ControllerNode(settings.controller, **arguments),
                lambda: TraceLoggerNode(settings.trace_logger, **arguments),
            ):
                self._add(make())
            self._optimizer = OptimizerNode(settings.optimizer, settings.understood, **arguments)
            self._add(self._optimizer)
            operator = Node('operator', **arguments)
            self._add(operator)
            self._client = ActionClient(operator, ImprovePolicy, 'improve_policy')
        except BaseException:
            self.close()
            raise

    def _add(self, node: Node) -> None:
        self._nodes.append(node)
        self._executor.add_node(node)

    def __enter__(self) -> 'Demo':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the nodes."""
        for node in self._nodes:
            node.destroy_node()
        self._nodes.clear()
        self._executor.shutdown()
        self._context.try_shutdown()

    def improve(
        self, objective: str, trials: int, on_trial: Callable[[TrialReport], None]
    ) -> ImprovementResult:
        """Ask for an improvement and spin until its end; an interrupt cancels it after the ball in flight.

        Raises:
            RunFailedError: the goal was refused, or the run broke off.
            KeyboardInterrupt: a second interrupt.
        """
        goal = ImprovePolicy.Goal(objective=objective, trials=trials)
        self._until(self._client.server_is_ready, math.inf)
        feedback = TrialFeedback(on_trial)
        sent = ImprovementGoal(self._client, self._until, goal, feedback)
        if not sent.accepted:
            raise RunFailedError(f'the optimizer refused the objective "{objective}"; its log says why')
        # An interrupt in the middle of a callback would leave the nodes waiting for each other.
        with HeldInterrupt() as interrupt:
            answer = sent.result(lambda: interrupt.asked)
        done = self._optimizer.last_result
        if done is None or answer.status == GoalStatus.STATUS_ABORTED:
            raise RunFailedError(line_of(answer.result.message) or 'the run ended without a result')
        self._until(lambda: feedback.told >= answer.result.trials, LAST_FEEDBACK)
        return done

    def _until(self, condition: Callable[[], bool], patience: float) -> bool:
        return attend(self._executor, condition, patience)


class TrialFeedback:
    """Hands on the trials of a goal as reports.

    Args:
        on_trial: takes each.

    Attributes:
        told: number of the last one within the run. The result of a run may come before the feedback of its last trial.
    """

    def __init__(self, on_trial: Callable[[TrialReport], None]) -> None:
        self.told = 0
        self._on_trial = on_trial

    def __call__(self, message: Any) -> None:
        """One feedback message."""
        self.told = int(message.feedback.iteration)
        self._on_trial(report_of(message.feedback))


def report_of(feedback: ImprovePolicy.Feedback) -> TrialReport:
    """A trial as the action's feedback tells it."""

    def known(value: float) -> float | None:
        return None if math.isnan(value) else value

    landing = None if math.isnan(feedback.landing.x) else (feedback.landing.x, feedback.landing.y)
    return TrialReport(
        number=feedback.iteration,
        trial=feedback.trial,
        outcome=name_of(feedback.outcome),
        note=clean_text(feedback.note),
        landing=landing,
        distance=known(feedback.distance),
        best_distance=known(feedback.best_distance),
        parameters=dict(zip(map(name_of, feedback.parameter_names), feedback.values, strict=True)),
        proposed_by=name_of(feedback.proposed_by),
        reason=clean_text(feedback.reason),
        verdict=clean_text(feedback.verdict),
        recommended=recommended_of(feedback.recommended, feedback.proposed_by),
    )
