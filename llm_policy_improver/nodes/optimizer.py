"""Node: runs improvements. The objective comes by service, action or parameter, the trials as messages.

The loop itself is `llm_policy_improver.loop.improvement`; here it waits for the controller and the trace logger
instead of calling them. What may take long (a language model, a rehearsal, a person's approval) runs in a worker
thread.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.exceptions import InvalidHandle
from std_srvs.srv import Trigger

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.core.gate import Gate, GateCase
from llm_policy_improver.core.objective import Objective, ObjectiveError, parse_objective
from llm_policy_improver.core.parameters import PolicyParameters as Parameters
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.loop.approval import Approval, ApprovalError
from llm_policy_improver.loop.choice import choose_optimizer
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.loop.improvement_result import ImprovementResult, Step, counts
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.msg import OptimizerStatus, PolicyParameters
from llm_policy_improver.nodes.declared import declared
from llm_policy_improver.nodes.improvement_messages import (
    best_in_words,
    feedback_message,
    result_message,
    status_message,
)
from llm_policy_improver.nodes.messages import parameters_message
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.nodes.running import run
from llm_policy_improver.nodes.trial_player import TrialPlayer
from llm_policy_improver.nodes.waiting import WaitingNode
from llm_policy_improver.runs.continuation import BegunRun
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import StoreError
from llm_policy_improver.srv import ApproveParameters, SetObjective
from llm_policy_improver.table_tennis.rehearsal import Rehearsal


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
        self._memory = RunMemory(self._settings.output_folder, self._settings.resume)
        self._rehearsal = (
            Rehearsal(self._settings.rehearsal, self._settings.seed) if self._settings.rehearse else None
        )
        self._approval: Approval | None = None
        self._improvement: Improvement | None = None
        self._step: Step | None = None
        self._running = False
        self._cancel_asked = False
        self._revert_asked = False
        self._last_objective = ''
        self.last_result: ImprovementResult | None = None
        self._parameters_out = self.create_publisher(PolicyParameters, 'policy_parameters', LATCHED)
        self._status = self.create_publisher(OptimizerStatus, 'optimizer/status', LATCHED)
        self._player = TrialPlayer(self, self._settings, self._memory)
        self.create_service(SetObjective, 'set_objective', self._on_objective)
        self.create_service(Trigger, 'cancel_improvement', self._on_cancel_improvement)
        self.create_service(ApproveParameters, 'optimizer/approve_parameters', self._on_approve)
        self.create_service(Trigger, 'optimizer/revert', self._on_revert)
        self._waits = self.create_guard_condition(self._on_wait)
        self._action = ActionServer(
            self, ImprovePolicy, 'improve_policy', execute_callback=self._on_execute,
            goal_callback=self._on_goal, cancel_callback=self._on_cancel,
        )  # fmt: skip
        self._say(OptimizerStatus.IDLE)
        if self._memory.in_force is not None:
            self._put_in_force(self._memory.in_force)
        left = self._left_behind()
        if left is not None or start is not None:
            self._start_once = self.create_timer(0.0, lambda: self._start(start, left))

    def destroy_node(self) -> None:
        """Close the store with the node; a request under way is not waited for."""
        if self._approval is not None:
            self._approval.close()
        self._memory.close()
        self._action.destroy()
        super().destroy_node()

    def _left_behind(self) -> BegunRun | None:
        """The run to go on with at the start, where one was broken off."""
        if not self._settings.resume:
            return None
        try:
            left = self._memory.broken_off(self._settings)
        except SettingsError as error:
            self.get_logger().warning(str(error))
            return None
        if left is not None:
            played = sum(trace is not None for _, trace in left.played)
            self.get_logger().info(
                f'goes on with "{left.objective.words}": {played} of {left.trials} trials are played'
            )
        return left

    def _objective(self, words: str) -> Objective:
        """Raises `ObjectiveError` where nobody here can work towards it."""
        objective = parse_objective(words)
        self._choice.require(objective)
        return objective

    def _start(self, objective: Objective | None, left: BegunRun | None) -> None:
        self._start_once.cancel()
        if left is not None:
            self._go_on(left)
        elif objective is not None and self._settings.resume and self._memory.ended(objective):
            # A node that is started again by itself must not move the arm for what is done.
            self.get_logger().info(
                f'the run towards "{objective.words}" has ended: call set_objective for another'
            )
        elif objective is not None:
            try:
                self._go_on(self._memory.begin(self._settings, objective, self._settings.trials))
            except StoreError as error:
                self.get_logger().error(str(error))

    def _go_on(self, run: BegunRun) -> None:
        self._running = True
        assert self.executor is not None  # a callback of this node is running
        self.executor.create_task(self._improve, run, None)

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
            # On record before it is accepted: whatever happens from now on, it is not forgotten.
            run = self._memory.begin(self._settings, objective, self._settings.trials)
        except (ObjectiveError, StoreError) as error:
            response.message = str(error)
            return response
        response.accepted, response.metric = True, objective.metric
        response.message = f'{self._settings.trials} trials start now; {self._choice.said}'
        self._go_on(run)
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
        good = self._memory.good_before(self._player.active_version)
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

    def _revert(self) -> None:
        try:
            good = self._memory.revert(self._player.active_version)
        except StoreError as error:  # going back must work with a full disk, too
            self.get_logger().error(str(error))
            good = replace(
                self._memory.good_before(self._player.active_version), version=self._memory.version
            )
        self._put_in_force(good)

    def _put_in_force(self, parameters: Parameters) -> None:
        self._memory.in_force = parameters
        self._parameters_out.publish(parameters_message(parameters, self.get_clock().now().nanoseconds))

    def _tell_waiting(self) -> None:
        """A proposal begins to wait for a person, or no longer does. Of the worker thread."""
        with suppress(InvalidHandle):  # the node has ended
            self._waits.trigger()

    def _on_wait(self) -> None:
        if not self._running or self._approval is None or self._improvement is None:
            return
        waiting = self._approval.pending
        if waiting is not None:
            try:
                self._memory.offer(waiting)
            except StoreError as error:
                self.get_logger().error(str(error))
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
        try:
            run = self._memory.begin(self._settings, self._objective(words), trials)
        except StoreError as error:
            self._running = False
            self.get_logger().error(f'the run failed: {error}')
            self._say(OptimizerStatus.FAILED, words)
            goal.abort()
            return ImprovePolicy.Result(message=f'the run failed: {error}')
        return await self._improve(run, goal)

    async def _improve(self, run: BegunRun, goal: ServerGoalHandle | None) -> ImprovePolicy.Result:
        """One run, from its first step or from where it was broken off, to the result."""
        words = run.objective.words
        self._running, self._last_objective, self._step = True, words, None

        def cancelled() -> bool:
            return self._cancel_asked or (goal is not None and goal.is_cancel_requested)

        await self.until(lambda: self._player.controller_known or cancelled())
        improvement = self._improvement = Improvement(
            run.objective, self._choice.optimizer, self._space, trials=run.trials,
            first_trials=self._settings.first_trials, seed=self._settings.seed, vary_balls=self._settings.vary_balls,
            history=run.history, fallback=self._choice.fallback, repeats_allowed=self._choice.repeats_allowed,
            first_version=max(self._player.active_version, self._memory.version) + 1, gates=self._gates(),
            in_force=self._memory.in_force,
        )  # fmt: skip
        improvement.restore(run.played)
        state, message = OptimizerStatus.FINISHED, ''
        try:
            while not improvement.done and not cancelled():
                self._publish(improvement, OptimizerStatus.RUNNING, self._step)
                proposed = await self.in_thread(improvement.propose, cancelled)
                if proposed is None:
                    break
                self._step = proposed
                if not await self._run_trial(improvement, proposed, run, goal, cancelled):
                    break
        except Exception as error:  # e.g. the disk is full: say it, keep what is stored, serve on
            state, message = OptimizerStatus.FAILED, f'the run failed: {error}'
            self.get_logger().error(message)
        if state != OptimizerStatus.FAILED and cancelled():
            state, message = OptimizerStatus.CANCELLED, 'cancelled'
        done = self.last_result = improvement.result()
        if done.stopped and not message:
            message = f'ended early: {done.stopped}'
            self.get_logger().error(message)
        message = message or f'{done.trials} trials, {done.returned:.0%} returned{best_in_words(done)}'
        self._settle(improvement, state, message)
        self._running = False
        if self._revert_asked:
            self._revert()
        self._cancel_asked = self._revert_asked = False
        self._publish(improvement, state, self._step)
        self.get_logger().info(f'"{words}": {message}')
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

    def _settle(self, improvement: Improvement, state: str, message: str) -> None:
        """The run is over: nothing waits any more, and what was kept from the arm is on record."""
        waiting = None if self._approval is None else self._approval.close()
        try:
            self._memory.end(state, message, improvement.next_version, improvement.unsettled, waiting)
        except StoreError as error:
            self.get_logger().error(str(error))

    async def _run_trial(
        self,
        improvement: Improvement,
        step: Step,
        run: BegunRun,
        goal: ServerGoalHandle | None,
        cancelled: Callable[[], bool],
    ) -> bool:
        """Publish a step's parameters, have a ball played with them, record it; False if cancelled before."""
        version, attempt = step.parameters.version, 1
        if run.waits(step):
            attempt += run.attempts  # it was published before the run was broken off
        else:
            self._memory.take_step(improvement.objective, step)
            self._player.forget()
        if cancelled():
            return False
        self._publish(improvement, OptimizerStatus.RUNNING, step)
        in_force = self._memory.in_force
        if in_force is None or version != in_force.version:
            self._put_in_force(step.parameters)
        while (trace := await self._player.play(step, cancelled)) is not None and not counts(trace, attempt):
            self.get_logger().warning(f'trial {trace.trial} says nothing, it is played again: {trace.note}')
            attempt += 1
        if trace is None:
            return False
        result = improvement.record(trace)
        self.get_logger().info(f'trial {result.trace.trial}: {result.trace.note}; {step.reason}')
        if goal is not None:
            goal.publish_feedback(feedback_message(result))
        return True

    def _say(self, state: str, objective: str = '') -> None:
        """A state beside any run."""
        self._status.publish(
            OptimizerStatus(state=state, objective=objective, optimizer=self._choice.optimizer.name)
        )

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
