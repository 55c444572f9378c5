"""Node: runs improvements. The objective comes by service, action or parameter, the trials as messages.

Here is who may ask, and for what; a run itself is `llm_policy_improver.nodes.improvement_run`.
"""

from dataclasses import replace
from hmac import compare_digest
from typing import Any

from rclpy.action import ActionServer, CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from std_srvs.srv import Trigger

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.core.gate import Gate, GateCase
from llm_policy_improver.core.objective import Objective, ObjectiveError, cleaned_words
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.text import clean_line
from llm_policy_improver.llm.waiting import told_at_intervals
from llm_policy_improver.loop.approval import NEUTRAL, Approval, ApprovalError
from llm_policy_improver.loop.build import Assembly, assemble
from llm_policy_improver.loop.improvement_result import ImprovementResult
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.msg import OptimizerStatus
from llm_policy_improver.nodes.claims import Timing
from llm_policy_improver.nodes.controller_view import ControllerView
from llm_policy_improver.nodes.declared import declared
from llm_policy_improver.nodes.diagnostics import Diagnostics
from llm_policy_improver.nodes.improvement_messages import shown_of
from llm_policy_improver.nodes.improvement_run import ImprovementRun, Surroundings
from llm_policy_improver.nodes.lease import Lease
from llm_policy_improver.nodes.messages import line_of, name_of
from llm_policy_improver.nodes.policy_in_force import PolicyInForce
from llm_policy_improver.nodes.running import run
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.nodes.status_board import StatusBoard
from llm_policy_improver.nodes.trial_player import TrialPlayer
from llm_policy_improver.nodes.waiting import WaitingNode
from llm_policy_improver.runs.checkpoint import Checkpoint
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import StoreError
from llm_policy_improver.srv import ApproveParameters, SetObjective
from llm_policy_improver.table_tennis.guard.guarded import Health, Level
from llm_policy_improver.table_tennis.rehearsal import Rehearsal
from llm_policy_improver.table_tennis.settings import ControllerSettings


class OptimizerNode(WaitingNode):
    """Publishes ``policy_parameters`` and ``optimizer/status``; serves ``set_objective`` and ``improve_policy``.

    The trials of all its runs make one history: a second objective starts from what the first has seen. A goal of
    ``improve_policy`` may name another method than the settings do, for its own run. Where the settings ask for it,
    proposals are rehearsed in simulation and wait for ``optimizer/approve_parameters``; ``optimizer/revert`` goes back
    to the last good parameters.

    Args:
        settings: what is used where the node's parameters say nothing else.
        understood: an objective that was read before: nobody is asked about its words again.
        node_arguments: of `rclpy.node.Node`.

    Attributes:
        last_result: what the last run came to.
    """

    def __init__(
        self,
        settings: OptimizerSettings | None = None,
        understood: Objective | None = None,
        **node_arguments: Any,
    ) -> None:
        super().__init__('optimizer', **node_arguments)
        self._settings = declared(self, settings or OptimizerSettings())
        Lease(self, 'optimizer', Timing.EITHER)
        self._understood = understood
        # A warning: a demo shows nothing less, and the arm stands still meanwhile.
        self._waiting = told_at_intervals(self.get_logger().warning)
        self._assembly = assemble(self._settings, waiting=self._waiting)
        self._space = self._assembly.brief.space
        self.get_logger().info(self._assembly.said)
        self._memory = RunMemory(self._space, self._settings.output_folder, self._settings.resume)
        if self._memory.taken_over:
            self.get_logger().warning(self._memory.taken_over)
        self._arms: list[ControllerSettings] | None = None
        # What is wrong with their settings or with the words ends the node now, and not the first run.
        self._gates(self._assembly)
        left = self._left_behind()
        start = None if left is not None else self._to_start_with()
        self._run: ImprovementRun | None = None
        self._last_objective = ''
        self.last_result: ImprovementResult | None = None
        self._seals = Seals(self, self._settings.security)
        self._status = StatusBoard(self, self._space, self._memory.run, self._seals)
        self._operator = self._settings.security.operator()
        self._controller = ControllerView(self, self._seals)
        self._in_force = PolicyInForce(self, self._space, self._memory, self._controller, self._seals)
        player = TrialPlayer(self, self._settings, self._memory, self._controller, self._seals)
        self._around = Surroundings(
            self,
            self._settings,
            self._memory,
            self._status,
            self._controller,
            self._in_force,
            player,
            self._gates,
        )
        # These may wait, for a language model that reads the objective or for the controller; all else goes on.
        asked = ReentrantCallbackGroup()
        self.create_service(SetObjective, 'set_objective', self._on_objective, callback_group=asked)
        self.create_service(Trigger, 'cancel_improvement', self._on_cancel_improvement)
        self.create_service(ApproveParameters, 'optimizer/approve_parameters', self._on_approve)
        self.create_service(Trigger, 'optimizer/revert', self._on_revert, callback_group=asked)
        self._action = ActionServer(
            self, ImprovePolicy, 'improve_policy', execute_callback=self._on_execute,
            cancel_callback=self._on_cancel, callback_group=asked,
        )  # fmt: skip
        Diagnostics(self, 'improving', self._health)
        self._status.say(OptimizerStatus.IDLE, self._assembly.method.name)
        if self._memory.in_force is not None:
            self._in_force.publish(*self._memory.in_force, self._memory.bounds_in_force)
        if left is not None or start is not None:
            self._start_once = self.create_timer(0.0, lambda: self._start(start, left))

    def destroy_node(self) -> None:
        """Close the store with the node; a request under way is not waited for."""
        if self._run is not None and self._run.approval is not None:
            self._run.approval.close()
        self._memory.close()
        self._assembly.close()
        self._action.destroy()
        super().destroy_node()

    def _health(self) -> Health:
        values = {'run': self._memory.run, 'messages left out': str(self._seals.left_out)}
        return Health(Level.OK, 'no run' if self._run is None else f'a run towards "{self._run.words}"', values)

    def _assembled(self, method: str) -> Assembly:
        """What the settings come to with this method; that of the settings where it is empty.

        Raises:
            SettingsError: there is none of this name, or it cannot be used here.
            EndpointError: it asks a language model, which cannot be reached.
        """
        if method in ('', self._settings.method):
            return self._assembly
        return assemble(replace(self._settings, method=method), self._assembly.model, waiting=self._waiting)

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

    def _to_start_with(self) -> Objective | None:
        """What the settings ask for, where the run towards it has not ended already."""
        if not self._settings.objective:
            return None
        words = cleaned_words(self._settings.objective)
        if self._settings.resume and self._memory.ended(words):
            # A node that is started again by itself must not move the arm for what is done.
            self.get_logger().info(f'the run towards "{words}" has ended: call set_objective for another')
            return None
        self._assembly.require_improvements(history=self._memory.history)
        return self._read(self._assembly, words)

    def _read(self, assembly: Assembly, words: str) -> Objective:
        known = self._understood  # as the method of the settings takes it: other methods may see rounds of balls in it
        if known is not None and assembly is self._assembly and known.words == cleaned_words(words):
            return known
        return assembly.objective(words)

    def _start(self, objective: Objective | None, left: tuple[Checkpoint, Assembly] | None) -> None:
        self._start_once.cancel()
        if left is not None:
            self._go_on(*left)
        elif objective is not None:
            try:
                checkpoint = self._memory.begin(self._settings, objective, self._settings.trials)
                self._go_on(checkpoint, self._assembly)
            except StoreError as error:
                self.get_logger().error(str(error))

    def _go_on(self, checkpoint: Checkpoint, assembly: Assembly) -> None:
        begun = self._begun(checkpoint, assembly)
        assert self.executor is not None  # a callback of this node is running
        self.executor.create_task(self._improve, begun)

    def _begun(
        self, checkpoint: Checkpoint, assembly: Assembly, goal: ServerGoalHandle | None = None
    ) -> ImprovementRun:
        begun = self._run = ImprovementRun(self._around, checkpoint, assembly, goal)
        self._last_objective = begun.words
        return begun

    async def _improve(self, begun: ImprovementRun) -> ImprovePolicy.Result:
        try:
            return await begun.play()
        finally:
            self.last_result, self._run = begun.result, None
            self._let_go(begun.assembly)

    async def _on_objective(
        self, request: SetObjective.Request, response: SetObjective.Response
    ) -> SetObjective.Response:
        try:
            _, objective = await self._asked_for(request.objective)
            self._assembly.require_improvements(history=self._memory.history)
            if request.understand_only:
                self._understood = objective  # what a person has agreed to is what begins
                return self._accepted(objective, response, 'would start')
            # On record before it is accepted: whatever happens from now on, it is not forgotten.
            checkpoint = self._memory.begin(self._settings, objective, self._settings.trials)
        except (ObjectiveError, SettingsError, EndpointError, StoreError) as error:
            response.message = str(error)
            return response
        self._go_on(checkpoint, self._assembly)
        return self._accepted(objective, response, 'start now')

    def _accepted(
        self, objective: Objective, response: SetObjective.Response, follows: str
    ) -> SetObjective.Response:
        response.accepted, response.aim = True, objective.sentence
        response.message = f'{self._settings.trials} trials {follows}; {self._assembly.said}'
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
                return assembly, self._read(assembly, words)
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
        if self._run is not None:
            raise ObjectiveError(
                f'an improvement towards "{self._last_objective}" is running: '
                'wait for its end, or call cancel_improvement'
            )

    def _on_cancel_improvement(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """End the run after the ball in flight, whoever started it."""
        response.success, response.message = False, 'no improvement is running'
        if self._run is not None:
            self._run.cancel()
            response.success, response.message = True, 'the run ends after the ball in flight'
        return response

    def _on_approve(
        self, request: ApproveParameters.Request, response: ApproveParameters.Response
    ) -> ApproveParameters.Response:
        approval = None if self._run is None else self._run.approval
        try:
            if approval is None or approval.pending is None:
                raise ApprovalError('no proposal waits for approval')
            self._require_token(approval.pending, request)
            response.message = approval.decide(
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
        self.get_logger().info(f'{name_of(request.decided_by)}: {response.message}')
        return response

    def _require_token(self, waiting: GateCase, request: ApproveParameters.Request) -> None:
        """Raise `ApprovalError` unless it was made for just this decision on just this proposal."""
        if self._operator is None:
            return
        shown = shown_of(waiting, self._space, self._memory.run)
        wanted = shown.token(
            self._operator, request.decision, request.decided_by, request.reason, tuple(request.values)
        )
        if not compare_digest(request.token.encode(), wanted.encode()):
            raise ApprovalError(
                'the token is not for this decision on what waits now: use "llm-policy-improver approve", '
                "reject or edit, which need the operator's key"
            )

    async def _on_revert(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Go back to the last good parameters, whatever goes on; a run under way ends for it."""
        good = self._memory.good_before(self._controller.version)
        what = 'the last good policy comes back' if good.proposed_by != NEUTRAL else (
            'the unchanged controller comes back, as no other trial landed'
        )  # fmt: skip
        if self._run is not None:
            self._run.cancel(revert=True)
            response.success, response.message = True, f'the run ends after the ball in flight, then {what}'
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
        if self._run is not None:
            self._run.tell_waiting()
        super().notify()

    def _on_cancel(self, _: ServerGoalHandle) -> CancelResponse:
        # The handle turns to "cancelling" only after this returns; the loop looks again on the next event.
        self.wake()
        return CancelResponse.ACCEPT

    async def _on_execute(self, goal: ServerGoalHandle) -> ImprovePolicy.Result:
        # Every goal is accepted, as one that is rejected cannot say why; what cannot be run is aborted with the reason.
        trials, words = int(goal.request.trials) or self._settings.trials, clean_line(goal.request.objective)
        method = name_of(goal.request.method)
        assembly = self._assembly
        try:
            assembly, objective = await self._asked_for(words or self._last_objective, method)
            assembly.require_improvements(trials, self._memory.history)
            checkpoint = self._memory.begin(assembly.settings, objective, trials)
        except (ObjectiveError, SettingsError, EndpointError, StoreError) as error:
            self._let_go(assembly)
            self.get_logger().error(f'the goal "{line_of(words)}" was not begun: {error}')
            if isinstance(error, StoreError):
                self._status.say(OptimizerStatus.FAILED, assembly.method.name, words)
            goal.abort()
            return ImprovePolicy.Result(message=str(error))
        return await self._improve(self._begun(checkpoint, assembly, goal))

    def _gates(self, assembly: Assembly) -> tuple[Approval, tuple[Gate, ...]]:
        """What a proposal of the coming run must pass: a person's approval, and all gates with it.

        Raises:
            SettingsError: files of the arm cannot be read, or say something else than at this node's start, while the
                controller goes by what it has read at its own.
        """
        approval = Approval(
            self._space,
            self._settings.approval,
            repeats_allowed=assembly.repeats_allowed,
            on_change=self.wake,
        )
        gates = assembly.gates(approval)
        arms = [gate.arm for gate in gates if isinstance(gate, Rehearsal)]
        if self._arms is None:
            self._arms = arms
        elif arms != self._arms:
            raise SettingsError(
                'the files of the arm that rehearsals go by were changed since the optimizer was started: '
                'start controller and optimizer again'
            )
        return approval, gates


def main(args: list[str] | None = None) -> None:
    """Entry point of ``ros2 run llm_policy_improver optimizer``."""
    run(OptimizerNode, args)


if __name__ == '__main__':
    main()
