"""Node: cuts the streams into trials, judges and stores each one, then publishes it."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from llm_policy_improver.core.policy import ParameterError
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.msg import (
    BallChoice,
    BallLanding,
    ControllerStatus,
    ExecutionTrace,
    PolicyParameters,
)
from llm_policy_improver.nodes.claims import Timing
from llm_policy_improver.nodes.clocked_trials import ClockedTrials
from llm_policy_improver.nodes.declared import declared, require_own_clock
from llm_policy_improver.nodes.diagnostics import Diagnostics
from llm_policy_improver.nodes.lease import Lease
from llm_policy_improver.nodes.limited import subscribe
from llm_policy_improver.nodes.lockstep_trials import LockstepTrials
from llm_policy_improver.nodes.messages import (
    FRAME,
    choice_of,
    header_of,
    parameters_of,
    point,
    stamp_of,
    trace_message,
)
from llm_policy_improver.nodes.publisher_watch import LOOKING, PublisherWatch, of_sensors
from llm_policy_improver.nodes.qos import LATCHED, RELIABLE, TRACES
from llm_policy_improver.nodes.running import run
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.runs.run_folder import default_run_folder
from llm_policy_improver.runs.store import RunStore, SamplesError, StoreError
from llm_policy_improver.runs.stored_run import stored_settings
from llm_policy_improver.runs.writer_lock import Part
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball_choice import BallChoice as Choice
from llm_policy_improver.table_tennis.guard.guarded import Health, Level
from llm_policy_improver.table_tennis.observation import NANOSECONDS
from llm_policy_improver.table_tennis.settings import TraceLoggerSettings
from llm_policy_improver.table_tennis.space import Searched, parameter_space
from llm_policy_improver.table_tennis.tracing.observed import Outcome, TraceSamples, landing_of
from llm_policy_improver.table_tennis.tracing.recorder import TraceRecorder

_DONE: Final = TransitionCallbackReturn.SUCCESS
_MIDDLE: Final = 'while this ball was in play'
_NOT_TOLD: Final = 'what the program chose was not reported'
_TOLD: Final = 5.0
"""s between two log lines about the same."""


class TraceLoggerNode(LifecycleNode):
    """Publishes ``execution_trace`` and ``ball/landing``, each only after the trial is durably stored.

    A managed node: configured, it has the store open and listens; active, it records. With ``autostart`` it
    configures and activates itself. Only while it is active it gives signs of life on ``/diagnostics``: an arm whose
    trials nobody stores is stopped by the controller's watchdog.

    Killed between storing a trial and publishing it, it publishes it when it is started again; who has heard of that
    trial already knows it by its number.

    What is not of its run is left out, counted and told: parameters of another run than that whose steps are in its
    folder, and trials in which two nodes were there of which one may be, or a stranger reported joints or balls.

    Raises:
        StoreError: with ``autostart``: the folder cannot be used.
    """

    def __init__(self, settings: TraceLoggerSettings | None = None, **node_arguments: Any) -> None:
        super().__init__('trace_logger', **node_arguments)
        self._settings = declared(self, settings or TraceLoggerSettings())
        if not self._settings.lockstep:
            require_own_clock(self)
        self._clash = self._mixed = self._spoiled = ''
        self._foreign_trials = 0
        lease = Lease(self, 'trace_logger', Timing.LOCKSTEP if self._settings.lockstep else Timing.CLOCK)
        lease.changed = self._on_clash
        self._watch = PublisherWatch(
            self, (), of_sensors(self._settings.joint_state_topic, self._settings.ball_topic)
        )
        self._seals = Seals(self, self._settings.security)
        self._trials: LockstepTrials | ClockedTrials = (
            LockstepTrials(self, self._settings, self._knows, self._finish)
            if self._settings.lockstep
            else ClockedTrials(self, self._settings, self._finish, self._seals)
        )
        self._store: RunStore | None = None
        self._own_folder: Path | None = None
        self._unsent: ExecutionTrace | None = None
        self._diagnostics: Diagnostics | None = None
        # By the start of the controller that they are for, where messages are sealed, and by version.
        self._heard: dict[tuple[str, int], tuple[Modulation, str]] = {}
        self._controller = ''
        self._stored: dict[int, Modulation] = {}
        self._choices: list[tuple[int, Choice]] = []
        self._lost = ''
        self._refused: Exception | None = None
        if self._settings.autostart:
            self.trigger_configure()
            if self._refused is not None:
                raise self._refused
            self.trigger_activate()

    def destroy_node(self) -> None:
        """Store what is there of a trial, and close the store."""
        with suppress(RuntimeError, InvalidHandle):  # the context may be gone already
            self._stop(f'the trace logger was ended {_MIDDLE}')
        self._close_store()
        super().destroy_node()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unconfigured to inactive: the store, publishers, subscriptions."""
        self._refused = None
        try:
            self._store = self._opened()
        except Exception as error:  # rclpy drops without a word what comes out of a transition
            self._refused = error
            if self._own_folder is not None or not self._settings.autostart:  # else it ends the program
                self.get_logger().error(f'not configured: {error}')
            return TransitionCallbackReturn.FAILURE
        self.get_logger().info(f'storing trials in {self._store.folder}')
        self._traces = self.create_publisher(ExecutionTrace, 'execution_trace', TRACES)
        self._landings = self.create_publisher(BallLanding, 'ball/landing', RELIABLE)
        self._offers = subscribe(
            self, PolicyParameters, 'policy_parameters', self._seals.guarded(self._on_parameters), LATCHED
        )
        self._statuses = None
        if self._seals.asked:
            self._statuses = subscribe(
                self, ControllerStatus, 'controller/status', self._seals.latest(self._on_status), LATCHED
            )
        self._chosen = subscribe(
            self, BallChoice, 'controller/ball_choice', self._seals.guarded(self._on_choice), RELIABLE
        )
        self._trials.connect()
        # Simulated time may stand still.
        self._looking = self.create_timer(LOOKING, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        return _DONE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Inactive to active: trials are recorded."""
        if self._unsent is not None:
            self._traces.publish(self._unsent)
            self._unsent = None
        self._trials.start()
        self._diagnostics = Diagnostics(self, 'storing', self._health)
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Active to inactive: nothing more is recorded; a trial under way is stored as aborted."""
        self._stop(f'the trace logger was deactivated {_MIDDLE}')
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Inactive to unconfigured: the store is closed."""
        self._trials.disconnect()
        self.destroy_timer(self._looking)
        if self._statuses is not None:
            self.destroy_subscription(self._statuses)
        self.destroy_subscription(self._chosen)
        self.destroy_subscription(self._offers)
        self.destroy_publisher(self._landings)
        self.destroy_publisher(self._traces)
        self._close_store()
        return _DONE

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From any state to the end."""
        self._stop(f'the trace logger was shut down {_MIDDLE}')
        self._close_store()
        return _DONE

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """A transition broke off."""
        self._close_store()
        return TransitionCallbackReturn.FAILURE

    def _opened(self) -> RunStore:
        """The store, with what it tells of an earlier life of this node."""
        named = Path(self._settings.output_folder) if self._settings.output_folder else None
        folder = self._own_folder or named or default_run_folder('', datetime.now(UTC))
        store = RunStore.join(folder, {})
        try:
            taken_over = store.hold(Part.TRIALS)
            if taken_over:
                self.get_logger().warning(taken_over)
            trials = store.trials()
            if trials and not (self._settings.resume or self._own_folder):
                raise StoreError(
                    f'{folder} already holds trials: choose another output_folder, or set resume to continue them'
                )
            self._stored = {
                each.step.version: Modulation.within(
                    self._space(store), each.step.policy, each.step.version, each.step.proposed_by
                )
                for each in store.steps()
            }
            self._unsent = self._stored_message(store, trials[-1]) if trials else None
        except BaseException:
            store.close()
            raise
        self._own_folder = folder
        return store

    def _space(self, store: RunStore) -> ParameterSpace:
        """That the stored programs were to stay in."""
        made_with = stored_settings(store)
        return parameter_space(Searched.BOTH) if made_with is None else made_with.optimizer.space()

    def _stored_message(self, store: RunStore, trial: Trial) -> ExecutionTrace | None:
        try:
            samples = store.samples(trial.number)
        except StoreError as error:  # of one trial: the next ones can be stored all the same
            self.get_logger().error(str(error))
            return None
        message = trace_message(
            replace(trial, samples=samples), store.start(trial.number), store.identity if trial.version else ''
        )
        return cast('ExecutionTrace', self._seals.sealed(message))

    def _stop(self, reason: str) -> None:
        if self._diagnostics is not None:
            self._diagnostics.close()
            self._diagnostics = None
        self._trials.stop(reason)

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _health(self) -> Health:
        values = {
            'folder': str(self._own_folder),
            'version': str(self._trials.version),
            'trials left out': str(self._foreign_trials),
            'messages left out': str(self._seals.left_out),
        }
        if self._lost:
            return Health(Level.ERROR, self._lost, values)
        if self._mixed:
            return Health(Level.WARNING, f'no trial is stored: {self._mixed}', values)
        return Health(Level.OK, 'storing trials', values)

    def _on_clash(self, amiss: str) -> None:
        self._clash = amiss
        self._look()

    def _look(self) -> None:
        """Who is there that must not be: the trial of now is none of this run, even if they are gone before its end."""
        self._mixed = self._clash or self._watch.look(moving=False)
        self._spoiled = self._spoiled or self._mixed

    def _knows(self, version: int) -> bool:
        """Whether all that a trial with these parameters has beside its time series is here."""
        parameters = self._in_force(version)
        if parameters is None:
            return False
        return parameters.program is None or any(choice.version == version for _, choice in self._choices)

    def _in_force(self, version: int) -> Modulation | None:
        if version == 0:
            return Modulation()
        return self._heard.get((self._controller, version), (None, ''))[0] or self._stored.get(version)

    def _on_choice(self, message: BallChoice) -> None:
        try:
            self._choices.append((stamp_of(message.header.stamp), choice_of(message)))
        except ValueError as error:
            self.get_logger().error(f'controller/ball_choice is left out: {error}')
            return
        self._trials.on_parameters()

    def _on_status(self, message: ControllerStatus) -> None:
        self._controller = str(message.start)
        self._trials.on_parameters()

    def _on_parameters(self, message: PolicyParameters) -> None:
        try:
            parameters = parameters_of(message)
        except ParameterError:
            return  # the controller refuses them too, and says so
        if not self._of_this_run(str(message.run)):
            self._seals.leave_out(f'parameters version {parameters.version} of another run')
            return
        meant_for = str(message.controller) if self._seals.asked else ''
        self._heard.setdefault((meant_for, parameters.version), (parameters, str(message.run)))
        self._trials.on_parameters()

    def _of_this_run(self, run: str) -> bool:
        """Whether these parameters may be those that a trial of this folder is played with.

        By hand they are published without a run. Where no optimizer writes into this folder, any may use the trials.
        """
        assert self._store is not None  # only a configured node listens
        return run in ('', self._store.identity) or not self._store.settings()

    def _leave_out(self, recorder: TraceRecorder, why: str) -> None:
        recorder.clear()
        self._choices.clear()
        self._foreign_trials += 1
        self.get_logger().error(
            f'a trial is left out, {self._foreign_trials} so far: {why}', throttle_duration_sec=_TOLD
        )

    def _finish(self, recorder: TraceRecorder, version: int, contact: str, aborted: str) -> None:
        spoiled, self._spoiled = self._spoiled, self._mixed
        if spoiled:
            self._leave_out(recorder, spoiled)
            return
        start = recorder.start or 0
        if self._settings.lockstep and not recorder.commands:
            # No controller has said which; whoever waits for the trial published it last.
            version = max((version for start, version in self._heard if start == self._controller), default=0)
        parameters = self._in_force(version)
        chosen = [choice for stamp, choice in self._choices if choice.version == version and stamp >= start]
        self._choices.clear()
        if parameters is None:
            parameters = Modulation(version=version)
            aborted = aborted or f'the parameters of version {version} were never seen here'
        assert self._store is not None  # only an active node records
        try:
            trial = recorder.finish(parameters, contact, aborted)
            if parameters.program is not None:
                trial = (
                    chosen[-1].told_by(trial) if chosen else replace(trial, note=f'{trial.note}; {_NOT_TOLD}')
                )
            trial = self._stored_trial(self._store, trial, start)
        except StoreError as error:
            self._lost = f'a trial is lost: {error}'
            self.get_logger().error(self._lost)
            return
        self._lost = ''
        landing = landing_of(trial)
        if landing is not None:
            self._landings.publish(
                BallLanding(
                    header=header_of(start + round(landing.time * NANOSECONDS), FRAME),
                    trial=trial.number,
                    outcome=str(trial.outcome),
                    point=point((landing.x, landing.y, 0.0)),
                )
            )
        message = trace_message(trial, start, self._run_of(self._store, version))
        self._traces.publish(self._seals.sealed(message))

    def _run_of(self, store: RunStore, version: int) -> str:
        """Whose parameters they were; of an earlier life of this node those of its store."""
        stored = store.identity if version in self._stored else ''
        return self._heard.get((self._controller, version), (None, stored))[1]

    def _stored_trial(self, store: RunStore, trial: Trial, start: int) -> Trial:
        """With its number; what was seen of it may be unusable, and then it says nothing."""
        try:
            return store.add_trial(trial, start)
        except SamplesError as error:
            self.get_logger().error(f'{error}: it is stored as aborted, without them')
            aborted = replace(
                trial, outcome=Outcome.ABORTED, measures={}, succeeded=False, tested=False,
                note=f'{trial.note}; {error}', samples=TraceSamples(),
            )  # fmt: skip
            return store.add_trial(aborted, start)


def main(args: list[str] | None = None) -> None:
    """Entry point of ``ros2 run llm_policy_improver trace_logger``."""
    run(TraceLoggerNode, args)


if __name__ == '__main__':
    main()
