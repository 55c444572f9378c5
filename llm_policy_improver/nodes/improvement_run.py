"""A run of the optimizer node: the loop of `llm_policy_improver.loop.improvement`, its trials played by others.

Where the loop on the command line calls the simulator, this one waits for the controller and the trace logger. What
may take long (a language model, a rehearsal, a person's approval) runs in a worker thread.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Thread

from rclpy.action.server import ServerGoalHandle

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.core.gate import Gate, GateCase
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.approval import Approval
from llm_policy_improver.loop.build import Assembly
from llm_policy_improver.loop.improvement import Improvement, RunEndedError
from llm_policy_improver.loop.improvement_result import ImprovementResult
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import Step, TrialResult, counts
from llm_policy_improver.msg import OptimizerStatus
from llm_policy_improver.nodes.controller_view import ControllerView
from llm_policy_improver.nodes.improvement_messages import feedback_message, result_message
from llm_policy_improver.nodes.policy_in_force import PolicyInForce
from llm_policy_improver.nodes.status_board import StatusBoard
from llm_policy_improver.nodes.trial_player import TrialPlayer
from llm_policy_improver.nodes.waiting import WaitingNode
from llm_policy_improver.report.wording import aim_text, best_text, kept_text
from llm_policy_improver.runs.checkpoint import Checkpoint
from llm_policy_improver.runs.objective_folder import to_draw
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import RunStore, StoreError


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all runs of a node share.

    Attributes:
        node: whose coroutines a run waits in.
        settings: of the node.
        memory: keeps what must not be forgotten.
        status: tells where a run stands.
        controller: what it has said.
        in_force: publishes policies.
        player: has balls played.
        gates: made anew for each run from who proposes: a person's approval, and all gates with it in their order.
    """

    node: WaitingNode
    settings: OptimizerSettings
    memory: RunMemory
    status: StatusBoard
    controller: ControllerView
    in_force: PolicyInForce
    player: TrialPlayer
    gates: Callable[[Assembly], tuple[Approval, tuple[Gate, ...]]]


class ImprovementRun:
    """From its first step, or from where it was interrupted, to the result.

    Args:
        around: what all runs share.
        checkpoint: what is asked for, and what was played already.
        assembly: who proposes.
        goal: of ``improve_policy`` that asked for it, if one did.

    Attributes:
        assembly: who proposes.
        approval: where a person decides; None before the run has come so far.
        result: what it came to; None where it failed before its first step.
    """

    def __init__(
        self,
        around: Surroundings,
        checkpoint: Checkpoint,
        assembly: Assembly,
        goal: ServerGoalHandle | None = None,
    ) -> None:
        self._around = around
        self._checkpoint = checkpoint
        self._goal = goal
        self._improvement: Improvement | None = None
        self._step: Step | None = None
        self._told: GateCase | None = None
        self._cancel_asked = self._revert_asked = False
        self.assembly = assembly
        self.approval: Approval | None = None
        self.result: ImprovementResult | None = None

    @property
    def words(self) -> str:
        """The objective in the person's words."""
        return self._checkpoint.objective.words

    def cancel(self, revert: bool = False) -> None:
        """End it after the ball in flight; then go back to the last good policy where ``revert`` says so."""
        self._cancel_asked = True
        self._revert_asked = self._revert_asked or revert
        self._around.node.notify()

    def _cancelled(self) -> bool:
        return self._cancel_asked or (self._goal is not None and self._goal.is_cancel_requested)

    async def play(self) -> ImprovePolicy.Result:
        """All of it; a fault, e.g. a file of the settings that is broken by now, is told, and the node serves on."""
        try:
            return await self._improved()
        except Exception as error:
            message = f'the run failed: {error}'
            self._around.node.get_logger().error(message)
            self._settle(OptimizerStatus.FAILED, message)
            self._around.status.say(OptimizerStatus.FAILED, self.assembly.method.name, self.words)
            if self._goal is not None and self._goal.is_active:
                self._goal.abort()
            return ImprovePolicy.Result(message=message)

    async def _improved(self) -> ImprovePolicy.Result:
        around, checkpoint = self._around, self._checkpoint
        await around.node.until(lambda: around.controller.known or self._cancelled())
        in_force = around.memory.in_force
        self.approval, gates = around.gates(self.assembly)
        improvement = self._improvement = self.assembly.improvement(
            checkpoint.objective, trials=checkpoint.trials, history=checkpoint.history, gates=gates,
            first_version=max(around.controller.version, around.memory.version) + 1,
            in_force=None if in_force is None else in_force[1],
        )  # fmt: skip
        improvement.restore(checkpoint.played)
        around.node.get_logger().info(f'"{self.words}": aim: {aim_text(checkpoint.objective)}')
        state, message = OptimizerStatus.FINISHED, ''
        try:
            await self._improve(improvement)
        except Exception as error:  # e.g. the disk is full: what was played so far is the result
            state, message = OptimizerStatus.FAILED, f'the run failed: {error}'
            around.node.get_logger().error(message)
        if state != OptimizerStatus.FAILED and self._cancelled():
            state, message = OptimizerStatus.CANCELLED, 'cancelled'
        done = self.result = improvement.result()
        if done.end is not None and done.end.early and not message:
            message = f'ended early: {done.stopped}'
            around.node.get_logger().error(message)
        message = message or _came_to(done)
        self._settle(state, message, improvement)
        if around.settings.draw_landings and around.settings.output_folder:
            self._draw(improvement)
        around.status.show(improvement, state, self._step)
        around.node.get_logger().info(f'"{self.words}": {message}')
        if self._goal is not None:
            # Only a goal that its client cancels may end as cancelled; the service's cancel aborts it.
            asked = self._goal.canceled if self._goal.is_cancel_requested else self._goal.abort
            {'failed': self._goal.abort, 'cancelled': asked}.get(state, self._goal.succeed)()
        return result_message(improvement, message)

    async def _improve(self, improvement: Improvement) -> None:
        """Step by step to the end, or until it is cancelled."""
        over = await self._around.node.in_thread(lambda: improvement.done, self._cancelled)
        while not over and not self._cancelled():
            self._around.status.show(improvement, OptimizerStatus.RUNNING, self._step)
            try:
                proposed = await self._around.node.in_thread(improvement.propose, self._cancelled)
            except RunEndedError:
                return
            if proposed is None:
                return
            self._step = proposed
            trial = await self._trial(improvement, proposed)
            if trial is None:
                return
            # In a thread, as a model may be asked for both; not left before its end, as the trial is played.
            recorded = await self._around.node.in_thread(
                partial(_recorded, improvement, trial), lambda: False
            )
            assert recorded is not None
            result, over = recorded
            kept = kept_text(result.recommended)
            told = f'; to keep now: {kept}' if kept else ''
            self._around.node.get_logger().info(
                f'trial {trial.number}: {trial.note}; {proposed.reason}{told}'
            )
            if self._goal is not None:
                self._goal.publish_feedback(feedback_message(result))

    async def _trial(self, improvement: Improvement, step: Step) -> Trial | None:
        """Publish a step's policy and have its ball or balls played; None if cancelled before."""
        around, checkpoint = self._around, self._checkpoint
        goes_on = checkpoint.waits(step)  # it was published before the run was interrupted
        if not goes_on:
            around.memory.take_step(improvement.objective, step)
            around.player.forget()
        if self._cancelled():
            return None
        around.status.show(improvement, OptimizerStatus.RUNNING, step)
        in_force = around.memory.in_force
        if in_force is None or step.version != in_force[0]:
            around.in_force.publish(step.version, Proposal.again(step))
        balls = list(checkpoint.balls) if goes_on else []
        attempt = 1 + checkpoint.attempts if goes_on else 1
        for seed in self.assembly.seeds(step)[len(balls) :]:
            ball = await self._ball(replace(step, seed=seed), attempt)
            if ball is None:
                return None
            balls.append(ball)
            attempt = 1
        return self.assembly.trial(balls, improvement.objective)

    async def _ball(self, step: Step, attempt: int) -> Trial | None:
        """One ball, played again while it says nothing; None if cancelled before."""
        fed = self._around.settings.feed_balls
        while True:
            trial = await self._around.player.play(step, self._cancelled)
            if trial is None or counts(trial, attempt, fed):
                return trial
            self._around.node.get_logger().warning(
                f'trial {trial.number} says nothing, it is played again: {trial.note}'
            )
            attempt += 1

    def tell_waiting(self) -> None:
        """A proposal that begins to wait for a person, or no longer does, is told; once."""
        if self.approval is None or self._improvement is None:
            return
        waiting = self.approval.pending
        if waiting is self._told:
            return
        self._told = waiting
        if waiting is None:
            self._around.status.show(self._improvement, OptimizerStatus.RUNNING, self._step)
            return
        log = self._around.node.get_logger()
        try:
            self._around.memory.offer(waiting)
        except StoreError as error:
            log.error(str(error))
        self._around.status.show(self._improvement, OptimizerStatus.WAITING_FOR_APPROVAL, self._step, waiting)
        log.info(
            f'version {waiting.version} by {waiting.proposal.proposed_by} waits for optimizer/approve_parameters; '
            f'aim: {aim_text(waiting.objective)}'
        )

    def _settle(self, state: str, message: str, improvement: Improvement | None = None) -> None:
        """The run is over: nothing waits any more, what was kept from the arm is on record; reverted where asked."""
        waiting = None if self.approval is None else self.approval.close()
        next_version, unsettled, kept = (
            (0, (), None)
            if improvement is None
            else (improvement.next_version, improvement.unsettled, improvement.recommended)
        )
        try:
            self._around.memory.end(state, message, next_version, unsettled, waiting, kept)
        except StoreError as error:
            self._around.node.get_logger().error(str(error))
        if self._revert_asked:
            self._around.in_force.revert()

    def _draw(self, improvement: Improvement) -> None:
        """Draw the run's landings, in a thread of its own: the node serves on and ends only with a whole picture."""
        settings, objective, method = self._around.settings, improvement.objective, improvement.method.name
        log = self._around.node.get_logger()
        try:  # now: before the picture is drawn the next run may have begun, which has a folder of its own
            with RunStore.open(Path(settings.output_folder)) as store:
                picture, trials, first, aim = to_draw(store, objective, settings.first_trials)
        except StoreError as error:
            log.error(f'landings.png was not drawn: {error}')
            return

        def draw() -> None:
            from llm_policy_improver.report.landing_map import draw_landing_map  # loading it takes a second

            try:
                draw_landing_map(picture, trials, aim, first, method)
            except Exception as error:
                log.error(f'landings.png was not drawn: {error}')

        if trials:
            Thread(target=draw, name='drawing').start()


def _recorded(improvement: Improvement, trial: Trial) -> tuple[TrialResult, bool]:
    """Take in a trial, and find out whether the run is over by it."""
    return improvement.record(trial), improvement.done


def _came_to(done: ImprovementResult) -> str:
    reached = f'{done.stopped}: ' if done.stopped else ''
    best = best_text(done)
    played = f'{done.trials} trial{"s" * (done.trials != 1)}, {done.returned:.0%} returned'
    kept = kept_text(done.recommended)
    if best and kept:
        return f'{reached}{played}; best seen is {best}; to keep: {kept}'
    return f'{reached}{played}' + f'; best is {best}' * bool(best)
