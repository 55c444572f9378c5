"""Node: runs improvements. The objective comes by service, action or parameter, the trials as messages.

The loop itself is `llm_policy_improver.improvement`; here it waits for the controller and the trace logger
instead of calling them. What may take long (a language model, a rehearsal, a person's approval) runs in a worker
thread.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.exceptions import InvalidHandle
from std_srvs.srv import Trigger

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.approval import Approval, ApprovalError, last_good, reverted, withdrawn
from llm_policy_improver.gates import Gate, GateCase
from llm_policy_improver.improvement import Improvement
from llm_policy_improver.improvement_record import store_audits, store_step
from llm_policy_improver.improvement_result import ImprovementResult, Step
from llm_policy_improver.msg import ControllerStatus, ExecutionTrace, OptimizerStatus, PolicyParameters
from llm_policy_improver.nodes.declared import declared
from llm_policy_improver.nodes.improvement_messages import (
    best_in_words,
    feedback_message,
    result_message,
    status_message,
)
from llm_policy_improver.nodes.messages import parameters_message, trace_of
from llm_policy_improver.nodes.qos import LATCHED, TRACES
from llm_policy_improver.nodes.running import run
from llm_policy_improver.nodes.waiting import WaitingNode
from llm_policy_improver.objective import Objective, ObjectiveError, parse_objective
from llm_policy_improver.optimizers.choice import choose_optimizer
from llm_policy_improver.parameters import PolicyParameters as Parameters
from llm_policy_improver.rehearsal import Rehearsal
from llm_policy_improver.settings import OptimizerSettings
from llm_policy_improver.srv import ApproveParameters, FeedBall, SetObjective
from llm_policy_improver.stored_run import RunSettings
from llm_policy_improver.trace import ExecutionTrace as Trace
from llm_policy_improver.tracing.store import RunStore, StoreError
from llm_policy_improver.tracing.store_records import utc_now

_RETRY = 0.2
"""s before a ball that was refused is asked for again."""
_USUAL = 3.0
"""s that nodes may take to find each other before anybody needs to know."""
_ANSWER = 2.0
"""s to wait for the answer to that."""


class OptimizerNode(WaitingNode):
    """Publishes ``policy_parameters`` and ``optimizer/status``; serves ``set_objective`` and ``improve_policy``.

    The trials of all its runs make one history: a second objective starts from what the first has seen. Where its
    settings ask for it, proposals are rehearsed in simulation and wait for ``optimizer/approve_parameters``;
    ``optimizer/revert`` goes back to the last good parameters.

    Attributes:
        last_result: what the last run came to.
    """

    def __init__(self, settings: OptimizerSettings | None = None, **node_arguments: Any) -> None:
        super().__init__('optimizer', **node_arguments)
        self._settings = declared(self, settings or OptimizerSettings())
        self._space = self._settings.space()
        self._choice = choose_optimizer(self._settings)
        self.get_logger().info(self._choice.said)
        start = self._objective(self._settings.objective) if self._settings.objective else None
        folder = self._settings.output_folder
        self._store = RunStore.join(Path(folder), {}) if folder else None
        self._history: list[Trace] = [] if self._store is None else list(self._store.trials())
        self._version = self._highest_version()
        self._rehearsal = (
            Rehearsal(self._settings.rehearsal, self._settings.seed) if self._settings.rehearse else None
        )
        self._approval: Approval | None = None
        self._improvement: Improvement | None = None
        self._step: Step | None = None
        self._in_force: Parameters | None = None
        self._running = False
        self._cancel_asked = False
        self._revert_asked = False
        self._last_objective = ''
        self.last_result: ImprovementResult | None = None
        self._controller: ControllerStatus | None = None
        self._arrived: dict[int, Trace] = {}
        self._parameters_out = self.create_publisher(PolicyParameters, 'policy_parameters', LATCHED)
        self._status = self.create_publisher(OptimizerStatus, 'optimizer/status', LATCHED)
        self.create_subscription(ControllerStatus, 'controller/status', self._on_controller, LATCHED)
        self.create_subscription(ExecutionTrace, 'execution_trace', self._on_trace, TRACES)
        self._feeder = self.create_client(FeedBall, 'feed_ball')
        self.create_service(SetObjective, 'set_objective', self._on_objective)
        self.create_service(Trigger, 'cancel_improvement', self._on_cancel_improvement)
        self.create_service(ApproveParameters, 'optimizer/approve_parameters', self._on_approve)
        self.create_service(Trigger, 'optimizer/revert', self._on_revert)
        self._waits = self.create_guard_condition(self._on_wait)
        self._action = ActionServer(
            self, ImprovePolicy, 'improve_policy', execute_callback=self._on_execute,
            goal_callback=self._on_goal, cancel_callback=self._on_cancel,
        )  # fmt: skip
        self._status.publish(
            OptimizerStatus(state=OptimizerStatus.IDLE, optimizer=self._choice.optimizer.name)
        )
        if start is not None:
            self._start_once = self.create_timer(0.0, lambda: self._start(start))

    def destroy_node(self) -> None:
        """Close the store with the node; a request under way is not waited for."""
        if self._approval is not None:
            self._approval.close()
        if self._store is not None:
            self._store.close()
        self._action.destroy()
        super().destroy_node()

    def _highest_version(self) -> int:
        """Of the parameters that this run's folder tells of."""
        versions = [trace.parameters.version for trace in self._history]
        if self._store is not None:
            versions += [step.parameters.version for step in self._store.steps()]
            versions += [stored.audit.version for stored in self._store.audits()]
        return max(versions, default=0)

    def _objective(self, words: str) -> Objective:
        """Raises `ObjectiveError` where nobody here can work towards it."""
        objective = parse_objective(words)
        self._choice.require(objective)
        return objective

    def _start(self, objective: Objective) -> None:
        self._start_once.cancel()
        self._begin(objective)

    def _begin(self, objective: Objective) -> None:
        self._running = True
        assert self.executor is not None  # a callback of this node is running
        self.executor.create_task(self._improve, objective, self._settings.trials, None)

    def _on_objective(
        self, request: SetObjective.Request, response: SetObjective.Response
    ) -> SetObjective.Response:
        try:
            if self._running:
                raise ObjectiveError(
                    f'an improvement towards "{self._last_objective}" is running: '
                    'wait for its end, or call cancel_improvement'
                )
            objective = self._objective(request.objective)
        except ObjectiveError as error:
            response.message = str(error)
            return response
        response.accepted, response.metric = True, objective.metric
        response.message = f'{self._settings.trials} trials start now; {self._choice.said}'
        self._begin(objective)
        return response

    def _on_cancel_improvement(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """End the run after the ball in flight, whoever started it."""
        response.success = self._running
        response.message = (
            'the run ends after the ball in flight' if self._running else 'no improvement is running'
        )
        self._cancel_asked = self._running
        self.notify()
        return response

    def _on_approve(
        self, request: ApproveParameters.Request, response: ApproveParameters.Response
    ) -> ApproveParameters.Response:
        try:
            if self._approval is None:
                raise ApprovalError('no proposal waits for approval')
            response.message = self._approval.decide(
                request.version,
                request.decision,
                request.decided_by,
                request.reason,
                tuple(request.attenuation),
            )
        except ApprovalError as error:
            response.message = str(error)
            return response
        response.accepted = True
        self.get_logger().info(f'{request.decided_by}: {response.message}')
        return response

    def _on_revert(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Go back to the last good parameters, whatever goes on; a run under way ends for it."""
        good = last_good(self._history, self._current())
        what = f'the parameters of version {good.version} come back' if good.version else (
            'the unchanged controller comes back, as no other trial landed'
        )  # fmt: skip
        response.success = True
        if self._running:
            self._revert_asked = self._cancel_asked = True
            response.message = f'the run ends after the ball in flight, then {what}'
            self.notify()
        else:
            response.message = what
            self._revert()
        return response

    def _current(self) -> Parameters:
        """The parameters in force, as far as this node knows."""
        if self._in_force is not None:
            return self._in_force
        active = 0 if self._controller is None else self._controller.active_version
        return next(
            (trace.parameters for trace in self._history if trace.parameters.version == active), Parameters()
        )

    def _revert(self) -> None:
        self._version += 1
        good = replace(last_good(self._history, self._current()), version=self._version)
        try:
            if self._store is not None:
                self._store.add_audit(reverted(good, 'optimizer/revert', utc_now()))
        except StoreError as error:  # going back must work with a full disk, too
            self.get_logger().error(str(error))
        self._put_in_force(good)

    def _put_in_force(self, parameters: Parameters) -> None:
        self._in_force = parameters
        self._parameters_out.publish(parameters_message(parameters, self.get_clock().now().nanoseconds))

    def _tell_waiting(self) -> None:
        """A proposal begins to wait for a person, or no longer does. Of the worker thread."""
        with suppress(InvalidHandle):  # the node has ended
            self._waits.trigger()

    def _on_wait(self) -> None:
        if not self._running or self._approval is None or self._improvement is None:
            return
        waiting = self._approval.pending
        state = OptimizerStatus.RUNNING if waiting is None else OptimizerStatus.WAITING_FOR_APPROVAL
        self._publish(self._improvement, state, self._step, waiting)
        if waiting is not None:
            self.get_logger().info(
                f'version {waiting.version} by {waiting.proposal.proposed_by} waits for optimizer/approve_parameters'
            )

    def _on_goal(self, goal: ImprovePolicy.Goal) -> GoalResponse:
        try:
            if self._running:
                raise ObjectiveError('an improvement is running already')
            self._objective(goal.objective or self._last_objective)
        except ObjectiveError as error:
            self.get_logger().error(f'goal refused: {error}')
            return GoalResponse.REJECT
        self._running = True
        return GoalResponse.ACCEPT

    def _on_cancel(self, _: ServerGoalHandle) -> CancelResponse:
        # The handle turns to "cancelling" only after this returns; the loop looks again on the next event.
        self.wake()
        return CancelResponse.ACCEPT

    async def _on_execute(self, goal: ServerGoalHandle) -> ImprovePolicy.Result:
        words = goal.request.objective or self._last_objective
        trials = int(goal.request.trials) or self._settings.trials
        return await self._improve(self._objective(words), trials, goal)

    def _on_controller(self, status: ControllerStatus) -> None:
        self._controller = status
        self.notify()

    def _on_trace(self, message: ExecutionTrace) -> None:
        trace = trace_of(message)
        if any(known.trial == trace.trial for known in self._history):
            return  # one of before this node joined, which the store had, too
        self._history.append(trace)
        self._arrived[trace.parameters.version] = trace
        self.notify()

    async def _improve(
        self, objective: Objective, trials: int, goal: ServerGoalHandle | None
    ) -> ImprovePolicy.Result:
        """One run, from the first step to the result."""
        self._running, self._last_objective, self._step = True, objective.words, None

        def cancelled() -> bool:
            return self._cancel_asked or (goal is not None and goal.is_cancel_requested)

        await self.until(lambda: self._controller is not None or cancelled())
        active = self._controller.active_version if self._controller is not None else 0
        improvement = self._improvement = Improvement(
            objective, self._choice.optimizer, self._space, trials=trials,
            first_trials=self._settings.first_trials, seed=self._settings.seed, vary_balls=self._settings.vary_balls,
            history=tuple(self._history), fallback=self._choice.fallback,
            repeats_allowed=self._choice.repeats_allowed, first_version=max(active, self._version) + 1,
            gates=self._gates(), in_force=self._in_force,
        )  # fmt: skip
        state, message = OptimizerStatus.FINISHED, ''
        try:
            if self._store is not None:
                made_with = replace(self._settings, objective=objective.words, trials=trials)
                RunSettings(made_with).store(self._store)
            while not improvement.done and not cancelled():
                self._publish(improvement, OptimizerStatus.RUNNING, self._step)
                proposed = await self.in_thread(improvement.propose, cancelled)
                if proposed is None:
                    break
                self._step = proposed
                if not await self._run_trial(improvement, proposed, goal, cancelled):
                    break
        except Exception as error:  # e.g. the disk is full: say it, keep what is stored, serve on
            state, message = OptimizerStatus.FAILED, f'the run failed: {error}'
            self.get_logger().error(message)
        if state != OptimizerStatus.FAILED and cancelled():
            state, message = OptimizerStatus.CANCELLED, 'cancelled'
        self._settle(improvement)
        self._running = False
        if self._revert_asked:
            self._revert()
        self._cancel_asked = self._revert_asked = False
        self._publish(improvement, state, self._step)
        done = self.last_result = improvement.result()
        if done.stopped and not message:
            message = f'ended early: {done.stopped}'
            self.get_logger().error(message)
        message = message or f'{done.trials} trials, {done.returned:.0%} returned{best_in_words(done)}'
        self.get_logger().info(f'"{objective.words}": {message}')
        if goal is not None:
            # Only a goal that its client cancels may end as cancelled; the service's cancel aborts it.
            asked = goal.canceled if goal.is_cancel_requested else goal.abort
            {'failed': goal.abort, 'cancelled': asked}.get(state, goal.succeed)()
        return result_message(improvement, message)

    def _gates(self) -> list[Gate]:
        """What a proposal of the coming run must pass, the approval last."""
        gates: list[Gate] = [] if self._rehearsal is None else [self._rehearsal]
        config = self._settings.approval
        self._approval = None
        if config.required:
            self._approval = Approval(
                self._space, config, repeats_allowed=self._choice.repeats_allowed, on_change=self._tell_waiting
            )  # fmt: skip
            gates.append(self._approval)
        return gates

    def _settle(self, improvement: Improvement) -> None:
        """The run is over: nothing waits any more, and what was kept from the arm is on record."""
        waiting = None if self._approval is None else self._approval.close()
        # What waited was seen under its version.
        seen = 0 if waiting is None else waiting.version
        self._version = max(self._version, improvement.next_version - 1, seen)
        if self._store is None:
            return
        left = [] if waiting is None else [withdrawn(waiting, utc_now())]
        try:
            store_audits(self._store, [*improvement.unsettled, *left])
        except StoreError as error:
            self.get_logger().error(str(error))

    async def _run_trial(
        self,
        improvement: Improvement,
        step: Step,
        goal: ServerGoalHandle | None,
        cancelled: Callable[[], bool],
    ) -> bool:
        """Publish a step's parameters, have a ball played with them, record it; False if cancelled before."""
        version = step.parameters.version
        if self._store is not None:
            store_step(self._store, improvement.objective, step)
        self._version = max(self._version, version)
        if cancelled():
            return False
        self._publish(improvement, OptimizerStatus.RUNNING, step)
        if self._in_force is None or version != self._in_force.version:
            self._put_in_force(step.parameters)
        self._arrived.clear()

        def ready() -> bool:
            status = self._controller
            return (
                status is not None
                and status.active_version == version
                and status.state == ControllerStatus.READY
            )

        await self.until(lambda: ready() or cancelled())
        if cancelled():
            return False
        fed = self._settings.feed_balls
        patience = self._settings.trial_timeout if fed else math.inf  # a person takes their time
        if fed and not await self._feed(step, cancelled):
            return False

        def over() -> bool:
            playing = self._controller is not None and self._controller.state == ControllerStatus.PLAYING
            return version in self._arrived or (cancelled() and not fed and not playing)

        if not await self.until(over, patience):
            raise TimeoutError(
                f'trial {step.number} was not reported within {patience:g} s: '
                'does the trace logger run, and can it store?'
            )
        if version not in self._arrived:
            return False
        result = improvement.record(self._arrived[version])
        self.get_logger().info(f'trial {result.trace.trial}: {result.trace.note}; {step.reason}')
        if goal is not None:
            goal.publish_feedback(feedback_message(result))
        return True

    async def _feed(self, step: Step, cancelled: Callable[[], bool]) -> bool:
        """Ask for the ball of this step until one is in play or the run is cancelled; whether one is in play."""
        refusals = 0
        while not cancelled():
            refusal = await self._ask_for_ball(step)
            if not refusal:
                return True
            refusals += 1
            if refusals * _RETRY > _USUAL:
                self.get_logger().warning(refusal, throttle_duration_sec=5.0)
            await self.until(cancelled, _RETRY)
        return False

    async def _ask_for_ball(self, step: Step) -> str:
        """Why there is no ball; empty where one is in play."""
        if not self._feeder.service_is_ready():
            return 'waiting for feed_ball: is the simulator running?'
        version = step.parameters.version
        asked = self._feeder.call_async(FeedBall.Request(trial=step.number, seed=step.seed))
        asked.add_done_callback(lambda _: self.notify())
        # A response can get lost while the nodes are still joining; the ball is in play all the same.
        if not await self.until(lambda: asked.done() or version in self._arrived, _ANSWER):
            self._feeder.remove_pending_request(asked)
            return 'feed_ball does not answer: is the simulator running?'
        if not asked.done() or asked.result().accepted:
            return ''
        return asked.result().message or 'feed_ball refuses the ball'

    def _publish(
        self, improvement: Improvement, state: str, step: Step | None, waiting: GateCase | None = None
    ) -> None:
        status = status_message(improvement, state, step, waiting)
        status.header.stamp = self.get_clock().now().to_msg()
        self._status.publish(status)


def main(args: list[str] | None = None) -> None:
    """Entry point of ``ros2 run llm_policy_improver optimizer``."""
    run(OptimizerNode, args)


if __name__ == '__main__':
    main()
