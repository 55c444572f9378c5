"""Node: runs improvements. The objective comes by service, action or parameter, the trials as messages.

The loop itself is `llm_policy_improver.loop.improvement`; here it waits for the controller and the trace logger
instead of calling them. What may take long (a language model, a rehearsal, a person's approval) runs in a worker
thread.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from std_srvs.srv import Trigger

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.core.gate import Gate, GateCase
from llm_policy_improver.core.objective import Objective, ObjectiveError
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.loop.approval import NEUTRAL, Approval, ApprovalError
from llm_policy_improver.loop.build import Assembly, assemble
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.loop.improvement_result import End, ImprovementResult
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import Step, counts
from llm_policy_improver.msg import OptimizerStatus
from llm_policy_improver.nodes.controller_view import ControllerView
from llm_policy_improver.nodes.declared import declared
from llm_policy_improver.nodes.improvement_messages import (
    feedback_message,
    result_message,
    status_message,
)
from llm_policy_improver.nodes.policy_in_force import PolicyInForce
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.nodes.running import run
from llm_policy_improver.nodes.trial_player import TrialPlayer
from llm_policy_improver.nodes.waiting import WaitingNode
from llm_policy_improver.report.wording import aim_text, best_text
from llm_policy_improver.runs.checkpoint import Checkpoint
from llm_policy_improver.runs.objective_folder import to_draw
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.srv import ApproveParameters, SetObjective
from llm_policy_improver.table_tennis.rehearsal import Rehearsal
from llm_policy_improver.table_tennis.settings import ControllerSettings


class OptimizerNode(WaitingNode):
    """Publishes ``policy_parameters`` and ``optimizer/status``; serves ``set_objective`` and ``improve_policy``.

    The trials of all its runs make one history: a second objective starts from what the first has seen. A goal of
    ``improve_policy`` may name another method than the settings do, for its own run. Where the settings ask for it,
    proposals are rehearsed in simulation and wait for ``optimizer/approve_parameters``; ``optimizer/revert`` goes back
    to the last good parameters.

    Attributes:
        last_result: what the last run came to.
    """

    def __init__(self, settings: OptimizerSettings | None = None, **node_arguments: Any) -> None:
        super().__init__('optimizer', **node_arguments)
        self._settings = declared(self, settings or OptimizerSettings())
        self._assembly = assemble(self._settings)
        self._space = self._assembly.brief.space
        self.get_logger().info(self._assembly.said)
        words = self._settings.objective
        start = self._assembly.objective(words) if words else None
        self._memory = RunMemory(self._space, self._settings.output_folder, self._settings.resume)
        self._approval: Approval | None = None
        self._arms: list[ControllerSettings] | None = None
        # What is wrong with their settings ends the node now, and not the first run.
        self._gates(self._assembly)
        self._approval = None
        self._improvement: Improvement | None = None
        self._step: Step | None = None
        self._running = False
        self._cancel_asked = False
        self._revert_asked = False
        self._last_objective = ''
        self.last_result: ImprovementResult | None = None
        self._status = self.create_publisher(OptimizerStatus, 'optimizer/status', LATCHED)
        self._controller = ControllerView(self)
        self._in_force = PolicyInForce(self, self._space, self._memory, self._controller)
        self._player = TrialPlayer(self, self._settings, self._memory, self._controller)
        # These may wait, for a language model that reads the objective or for the controller; all else goes on.
        asked = ReentrantCallbackGroup()
        self.create_service(SetObjective, 'set_objective', self._on_objective, callback_group=asked)
        self.create_service(Trigger, 'cancel_improvement', self._on_cancel_improvement)
        self.create_service(ApproveParameters, 'optimizer/approve_parameters', self._on_approve)
        self.create_service(Trigger, 'optimizer/revert', self._on_revert, callback_group=asked)
        self._told: GateCase | None = None
        self._action = ActionServer(
            self, ImprovePolicy, 'improve_policy', execute_callback=self._on_execute,
            cancel_callback=self._on_cancel, callback_group=asked,
        )  # fmt: skip
        self._say(OptimizerStatus.IDLE)
        if self._memory.in_force is not None:
            self._in_force.publish(*self._memory.in_force, self._memory.bounds_in_force)
        left = self._left_behind()
        if left is not None or start is not None:
            self._start_once = self.create_timer(0.0, lambda: self._start(start, left))

    def destroy_node(self) -> None:
        """Close the store with the node; a request under way is not waited for."""
        if self._approval is not None:
            self._approval.close()
        self._memory.close()
        self._assembly.close()
        self._action.destroy()
        super().destroy_node()

    def _assembled(self, method: str) -> Assembly:
        """What the settings come to with this method; that of the settings where it is empty.

        Raises:
            SettingsError: there is none of this name, or it cannot be used here.
            EndpointError: it asks a language model, which cannot be reached.
        """
        if method in ('', self._settings.method):
            return self._assembly
        return assemble(replace(self._settings, method=method), self._assembly.model)

    def _let_go(self, assembly: Assembly) -> None:
        if assembly is not self._assembly:
            assembly.close()

    def _left_behind(self) -> tuple[Checkpoint, Assembly] | None:
        """The run to go on with at the start, where one was interrupted, and who proposes in it."""
        if not self._settings.resume:
            return None
        try:
            left = self._memory.interrupted(self._settings)
            if left is None:
                return None
            assembly = self._assembled(left.method)
        except (SettingsError, EndpointError) as error:
            self.get_logger().warning(str(error))
            return None
        played = sum(trial is not None for _, trial in left.played)
        self.get_logger().info(
            f'resumes "{left.objective.words}": {played} of {left.trials} trials are played; {assembly.said}'
        )
        return left, assembly

    def _start(self, objective: Objective | None, left: tuple[Checkpoint, Assembly] | None) -> None:
        self._start_once.cancel()
        if left is not None:
            self._go_on(*left)
        elif objective is not None and self._settings.resume and self._memory.ended(objective):
            # A node that is started again by itself must not move the arm for what is done.
            self.get_logger().info(
                f'the run towards "{objective.words}" has ended: call set_objective for another'
            )
        elif objective is not None:
            try:
                run = self._memory.begin(self._settings, objective, self._settings.trials)
                self._go_on(run, self._assembly)
            except StoreError as error:
                self.get_logger().error(str(error))

    def _go_on(self, run: Checkpoint, assembly: Assembly) -> None:
        self._running = True
        assert self.executor is not None  # a callback of this node is running
        self.executor.create_task(self._improve, run, assembly, None)

    async def _on_objective(
        self, request: SetObjective.Request, response: SetObjective.Response
    ) -> SetObjective.Response:
        try:
            _, objective = await self._asked_for(request.objective)
            # On record before it is accepted: whatever happens from now on, it is not forgotten.
            run = self._memory.begin(self._settings, objective, self._settings.trials)
        except (ObjectiveError, EndpointError, StoreError) as error:
            response.message = str(error)
            return response
        response.accepted, response.aim = True, objective.sentence
        response.message = f'{self._settings.trials} trials start now; {self._assembly.said}'
        self._go_on(run, self._assembly)
        return response

    async def _asked_for(self, words: str, method: str = '') -> tuple[Assembly, Objective]:
        """Who is to propose, and what the words ask for.

        A language model that must be asked is waited for without holding up the node.

        Raises:
            ObjectiveError: a run is under way, or the words are not understood.
            SettingsError: there is no such method, or it cannot be used here.
            EndpointError: the language model did not answer.
        """

        def work() -> tuple[Assembly, Objective]:
            assembly = self._assembled(method)
            try:
                return assembly, assembly.objective(words)
            except BaseException:
                self._let_go(assembly)
                raise

        self._require_idle()
        found = await self.in_thread(work, lambda: False)
        assert found is not None  # nothing cancels it
        try:
            self._require_idle()  # another may have come meanwhile
        except ObjectiveError:
            self._let_go(found[0])
            raise
        return found

    def _require_idle(self) -> None:
        if self._running:
            raise ObjectiveError(
                f'an improvement towards "{self._last_objective}" is running: '
                'wait for its end, or call cancel_improvement'
            )

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
                tuple(request.values),
            )
        except ApprovalError as error:
            response.message = str(error)
            return response
        response.accepted = True
        self.get_logger().info(f'{request.decided_by}: {response.message}')
        return response

    async def _on_revert(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Go back to the last good parameters, whatever goes on; a run under way ends for it."""
        good = self._memory.good_before(self._controller.version)
        what = 'the last good policy comes back' if good.proposed_by != NEUTRAL else (
            'the unchanged controller comes back, as no other trial landed'
        )  # fmt: skip
        if self._running:
            self._revert_asked = self._cancel_asked = True
            response.success, response.message = True, f'the run ends after the ball in flight, then {what}'
            self.notify()
            return response
        version = self._in_force.revert()
        why = await self._in_force.why_unused(version)
        response.success = not why
        response.message = f'{what}: the controller uses it as version {version}'
        if why:
            response.message = f'version {version} is published to revert, but not in use: {why}'
        return response

    def notify(self) -> None:
        """The same, and a proposal that begins to wait for a person, or no longer does, is told."""
        self._tell_waiting()
        super().notify()

    def _tell_waiting(self) -> None:
        if not self._running or self._approval is None or self._improvement is None:
            return
        waiting = self._approval.pending
        if waiting is self._told:
            return
        self._told = waiting
        if waiting is not None:
            try:
                self._memory.offer(waiting)
            except StoreError as error:
                self.get_logger().error(str(error))
        state = OptimizerStatus.RUNNING if waiting is None else OptimizerStatus.WAITING_FOR_APPROVAL
        self._publish(self._improvement, state, self._step, waiting)
        if waiting is not None:
            self.get_logger().info(
                f'version {waiting.version} by {waiting.proposal.proposed_by} waits for optimizer/approve_parameters; '
                f'aim: {aim_text(waiting.objective)}'
            )

    def _on_cancel(self, _: ServerGoalHandle) -> CancelResponse:
        # The handle turns to "cancelling" only after this returns; the loop looks again on the next event.
        self.wake()
        return CancelResponse.ACCEPT

    async def _on_execute(self, goal: ServerGoalHandle) -> ImprovePolicy.Result:
        # Every goal is accepted, as one that is rejected cannot say why; what cannot be run is aborted with the reason.
        trials, words = int(goal.request.trials) or self._settings.trials, goal.request.objective
        assembly = self._assembly
        try:
            assembly, objective = await self._asked_for(words or self._last_objective, goal.request.method)
            run = self._memory.begin(assembly.settings, objective, trials)
        except (ObjectiveError, SettingsError, EndpointError, StoreError) as error:
            self._let_go(assembly)
            self.get_logger().error(f'the goal "{words}" was not begun: {error}')
            if isinstance(error, StoreError):
                self._say(OptimizerStatus.FAILED, words)
            goal.abort()
            return ImprovePolicy.Result(message=str(error))
        return await self._improve(run, assembly, goal)

    async def _improve(
        self, run: Checkpoint, assembly: Assembly, goal: ServerGoalHandle | None
    ) -> ImprovePolicy.Result:
        """One run, from its first step or from where it was interrupted, to the result."""
        words = run.objective.words
        self._running, self._last_objective, self._step, self._improvement = True, words, None, None
        try:
            return await self._improved(run, assembly, goal)
        except Exception as error:  # e.g. a file of the settings is broken by now: say it, serve on
            message = f'the run failed: {error}'
            self.get_logger().error(message)
            self._settle(OptimizerStatus.FAILED, message)
            self._say(OptimizerStatus.FAILED, words)
            if goal is not None and goal.is_active:
                goal.abort()
            return ImprovePolicy.Result(message=message)
        finally:
            self._let_go(assembly)
            self._running = self._cancel_asked = self._revert_asked = False

    async def _improved(
        self, run: Checkpoint, assembly: Assembly, goal: ServerGoalHandle | None
    ) -> ImprovePolicy.Result:
        def cancelled() -> bool:
            return self._cancel_asked or (goal is not None and goal.is_cancel_requested)

        await self.until(lambda: self._controller.known or cancelled())
        in_force = self._memory.in_force
        improvement = self._improvement = assembly.improvement(
            run.objective, trials=run.trials, history=run.history, gates=self._gates(assembly),
            first_version=max(self._controller.version, self._memory.version) + 1,
            in_force=None if in_force is None else in_force[1],
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
                if not await self._run_trial(assembly, improvement, proposed, run, goal, cancelled):
                    break
        except Exception as error:  # e.g. the disk is full: what was played so far is the result
            state, message = OptimizerStatus.FAILED, f'the run failed: {error}'
            self.get_logger().error(message)
        if state != OptimizerStatus.FAILED and cancelled():
            state, message = OptimizerStatus.CANCELLED, 'cancelled'
        done = self.last_result = improvement.result()
        if done.end is End.NO_PROPOSALS and not message:
            message = f'ended early: {done.stopped}'
            self.get_logger().error(message)
        played = f'{done.trials} trial{"s" * (done.trials != 1)}, {done.returned:.0%} returned'
        reached = 'the objective is reached: ' * (done.end is End.REACHED)
        best = best_text(done)
        message = message or f'{reached}{played}' + f'; best is {best}' * bool(best)
        self._settle(state, message, improvement)
        if self._settings.draw_landings and self._settings.output_folder:
            self._draw(improvement)
        self._publish(improvement, state, self._step)
        self.get_logger().info(f'"{run.objective.words}": {message}')
        if goal is not None:
            # Only a goal that its client cancels may end as cancelled; the service's cancel aborts it.
            asked = goal.canceled if goal.is_cancel_requested else goal.abort
            {'failed': goal.abort, 'cancelled': asked}.get(state, goal.succeed)()
        return result_message(improvement, message)

    def _draw(self, improvement: Improvement) -> None:
        """Draw the run's landings, in a thread of its own: the node serves on and ends only with a whole picture."""
        settings, objective, method = self._settings, improvement.objective, improvement.method.name
        try:  # now: before the picture is drawn the next run may have begun, which has a folder of its own
            with RunStore.open(Path(settings.output_folder)) as store:
                picture, trials, first, aim = to_draw(store, objective, settings.first_trials)
        except StoreError as error:
            self.get_logger().error(f'landings.png was not drawn: {error}')
            return

        def draw() -> None:
            from llm_policy_improver.report.landing_map import draw_landing_map  # loading it takes a second

            try:
                draw_landing_map(picture, trials, aim, first, method)
            except Exception as error:
                self.get_logger().error(f'landings.png was not drawn: {error}')

        if not trials:
            return
        Thread(target=draw, name='drawing').start()

    def _gates(self, assembly: Assembly) -> tuple[Gate, ...]:
        """What a proposal of the coming run must pass.

        Raises:
            SettingsError: files of the arm cannot be read, or say something else than at this node's start, while the
                controller goes by what it has read at its own.
        """
        self._approval = Approval(
            self._space, self._settings.approval, repeats_allowed=assembly.repeats_allowed,
            on_change=self.wake,
        )  # fmt: skip
        gates = assembly.gates(self._approval)
        arms = [gate.arm for gate in gates if isinstance(gate, Rehearsal)]
        if self._arms is None:
            self._arms = arms
        elif arms != self._arms:
            raise SettingsError(
                'the files of the arm that rehearsals go by were changed since the optimizer was started: '
                'start controller and optimizer again'
            )
        return gates

    def _settle(self, state: str, message: str, improvement: Improvement | None = None) -> None:
        """The run is over: nothing waits any more, what was kept from the arm is on record; reverted where asked."""
        waiting = None if self._approval is None else self._approval.close()
        next_version, unsettled = (
            (0, ()) if improvement is None else (improvement.next_version, improvement.unsettled)
        )
        try:
            self._memory.end(state, message, next_version, unsettled, waiting)
        except StoreError as error:
            self.get_logger().error(str(error))
        if self._revert_asked:
            self._in_force.revert()

    async def _run_trial(
        self,
        assembly: Assembly,
        improvement: Improvement,
        step: Step,
        run: Checkpoint,
        goal: ServerGoalHandle | None,
        cancelled: Callable[[], bool],
    ) -> bool:
        """Publish a step's policy, have its ball or balls played, record the trial; False if cancelled before."""
        version, attempt = step.version, 1
        if run.waits(step):
            attempt += run.attempts  # it was published before the run was interrupted
        else:
            self._memory.take_step(improvement.objective, step)
            self._player.forget()
        if cancelled():
            return False
        self._publish(improvement, OptimizerStatus.RUNNING, step)
        in_force = self._memory.in_force
        if in_force is None or version != in_force[0]:
            self._in_force.publish(version, Proposal.again(step))
        balls = list(run.balls) if run.waits(step) else []
        for seed in assembly.seeds(step)[len(balls) :]:
            ball = replace(step, seed=seed)
            while (trial := await self._player.play(ball, cancelled)) is not None and not counts(
                trial, attempt, self._settings.feed_balls
            ):
                self.get_logger().warning(
                    f'trial {trial.number} says nothing, it is played again: {trial.note}'
                )
                attempt += 1
            if trial is None:
                return False
            balls.append(trial)
            attempt = 1
        trial = assembly.trial(balls, improvement.objective)
        result = improvement.record(trial)
        self.get_logger().info(f'trial {trial.number}: {trial.note}; {step.reason}')
        if goal is not None:
            goal.publish_feedback(feedback_message(result))
        return True

    def _say(self, state: str, objective: str = '') -> None:
        """A state beside any run."""
        self._status.publish(
            OptimizerStatus(state=state, objective=objective, method=self._assembly.method.name)
        )

    def _publish(
        self, improvement: Improvement, state: str, step: Step | None, waiting: GateCase | None = None
    ) -> None:
        status = status_message(improvement, state, step, self._space, waiting)
        status.header.stamp = self.get_clock().now().to_msg()
        self._status.publish(status)


def main(args: list[str] | None = None) -> None:
    """Entry point of ``ros2 run llm_policy_improver optimizer``."""
    run(OptimizerNode, args)


if __name__ == '__main__':
    main()
