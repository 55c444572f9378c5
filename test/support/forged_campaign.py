"""Forged, swapped, replayed, malformed and flooding messages and calls, on an armed stand-in arm that plays a run."""

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from forged_calls import CALLS, Call
from forged_messages import FLOODS, MESSAGES, SENSORS, Forger, Heard, Kind
from rclpy.node import Node
from respawned_cell import RespawnedCell
from ros_graph import Process, process
from run_judge import judge
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.core.tokens import ARM, RESUME, operation_token
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.msg import ControllerStatus, ExecutionTrace, OptimizerStatus, PolicyParameters
from llm_policy_improver.nodes.messages import parameters_of, trial_in
from llm_policy_improver.nodes.qos import LATCHED, TRACES
from llm_policy_improver.nodes.rehearsal_cell import RehearsalSettings
from llm_policy_improver.nodes.scripted_operator import NAME
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import stored_parts
from llm_policy_improver.srv import Operate
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.settings import ControllerSettings, TraceLoggerSettings
from llm_policy_improver.table_tennis.stand_in_settings import StandInSettings

OBJECTIVE: Final = 'hit the ball as far right as possible'
SHARES: Final = {'sensors': 0.15, 'calls': 0.25}
"""Of all cases; the others are messages."""
GAP: Final = 0.03
"""s from one case to the next."""
RATE: Final = 1000
"""Messages a second of a flood."""
ENOUGH: Final = 0.95
"""Share of their rate that commands keep in a flood."""
_TRIALS: Final = 500
"""Of a run; no campaign plays so many."""
_BACK: Final = 60.0
"""s in which the arm must be ready again, and a ball be played."""
_ANSWERED: Final = 10.0
"""s that a service may take to answer."""
_BUSY: Final = 0.05
"""Share of the empty timer's steps that are late, above which a machine is too busy to judge a flood."""
_COMMANDS: Final = 250.0
"""Commands a second to the axes; so often the empty timer looks, too."""
_OVER: Final = ('finished', 'cancelled', 'failed')


@dataclass(frozen=True, slots=True)
class ForgedFigures:
    """What a campaign came to.

    Attributes:
        cases: messages and calls, a flood and a storm of calls one each.
        by_kind: how many of each.
        floods: by topic, the share of their rate that commands kept; None where the machine was too busy to tell.
        messages: sent in floods.
        stops: how often the arm was stopped while messages came that may do nothing, and by sensors.
        left_out: messages that the controller has counted.
        trials: played by the run meanwhile.
        seconds: of all.
        failures: what went wrong, in words.
    """

    cases: int
    by_kind: dict[str, int]
    floods: dict[str, float | None]
    messages: int
    stops: tuple[int, int]
    left_out: int
    trials: int
    seconds: float
    failures: tuple[str, ...]

    def __str__(self) -> str:
        kept = ', '.join(f'{name} {"?" if share is None else f"{share:.1%}"}' for name, share in self.floods.items())
        return (
            f'{self.cases} cases, {len(self.failures)} failures; {self.trials} trials in {self.seconds:.0f} s, '
            f'{self.left_out} messages left out, the arm stopped {self.stops[0]} times, by sensors {self.stops[1]} '
            f'times; commands kept in floods of {RATE}/s, {self.messages} messages: {kept}'
        )


class AttackedCell(RespawnedCell):
    """The nodes of the arm and somebody on their network; what is genuine is told from what is not by its seal."""

    def __init__(self, settings: RehearsalSettings, folder: Path, namespace: str) -> None:
        super().__init__(settings, folder, namespace, measured=True)
        self.heard, self.failures, self._known = Heard(), list[str](), {''}
        self.steady: dict[str, list[tuple[float, dict[str, str]]]] = {}
        self.on_diagnostics = lambda name, values: self.steady.setdefault(name, []).append((self.now, values))
        self.stranger = Node('stranger', namespace=namespace, context=self.node.context)
        assert self.node.executor is not None
        self.node.executor.add_node(self.stranger)
        keys = SecuritySettings(str(folder.absolute() / 'run.key'), str(folder.absolute() / 'operator.key'))
        seals = Seals(self.stranger, keys)
        key = keys.operator()
        assert key is not None
        self.key = key
        other = Seals(self.stranger, SecuritySettings(str(folder.absolute() / 'other.key')))
        self.genuine = seals
        for kind, topic, qos, heard in (
            (PolicyParameters, 'policy_parameters', LATCHED, self.heard.parameters),
            (ExecutionTrace, 'execution_trace', TRACES, self.heard.traces),
            (ControllerStatus, 'controller/status', LATCHED, self.heard.states),
            (OptimizerStatus, 'optimizer/status', LATCHED, self.heard.runs),
        ):
            self.stranger.create_subscription(kind, topic, self._hear(heard), qos)
        self.stranger.create_subscription(JointState, 'drivers/joint_states', self._on_joints, 10)
        self._publishers = {
            kind.topic: self.stranger.create_publisher(kind.type, kind.topic, kind.qos)
            for kind in (*MESSAGES, *SENSORS)
        }
        self._clients = {call.service: self.stranger.create_client(call.type, call.service) for call in CALLS}
        self._stop = self.stranger.create_client(Trigger, 'controller/emergency_stop')
        self.forger = Forger(self.heard, namespace, seals, other, np.random.default_rng(0))

    def close(self) -> None:
        stranger = vars(self).pop('stranger', None)
        if stranger is not None:
            stranger.destroy_node()
        super().close()

    def _hear(self, heard: list[Any]) -> Callable[[Any], None]:
        """Genuine ones that are new: a message that was sent once more is no other message."""

        def hear(message: Any) -> None:
            if message.seal not in self._known and self.genuine.genuine(message):
                self._known.add(message.seal)
                heard.append(message)

        return hear

    def _on_joints(self, message: JointState) -> None:
        self.heard.joints[:] = [message]

    @property
    def controller(self) -> ControllerStatus:
        """Its latest genuine status."""
        return self.heard.states[-1]

    def require(self, condition: Callable[[], bool], patience: float, what: str) -> bool:
        """Note a failure where it does not come to hold."""
        if not self.until(condition, patience):
            self.failures.append(what)
            return False
        return True

    def send(self, kind: Kind) -> None:
        """One message of this kind."""
        self._publishers[kind.topic].publish(self._drawn(kind))

    def _drawn(self, kind: Kind, longest: int = 10**9) -> Any:
        message = kind.draw(replace(self.forger, longest=longest))
        self._known.add(getattr(message, 'seal', ''))  # with the run's key it is none of its nodes' all the same
        return message

    def call(self, call: Call) -> None:
        """One call, which must be refused."""
        client = self._clients[call.service]
        asked = client.call_async(call.draw(self.forger, self.key))
        if not self.require(asked.done, _ANSWERED, f'{call.service} did not answer within {_ANSWERED:g} s'):
            return
        answer = asked.result()
        if getattr(answer, 'success', False) or getattr(answer, 'accepted', False):
            self.failures.append(f'{call.service} granted: {answer.message}')

    def goes_on(self, after: str) -> bool:
        """Whether the arm is armed, and another ball is played."""
        before = len(self.heard.traces)
        return self.require(
            lambda: self.run in _OVER or len(self.heard.traces) > before, _BACK,
            f'{after}: no ball was played for {_BACK:g} s; the controller says "{self.controller.message}"',
        )  # fmt: skip

    def flood(self, kind: Kind, seconds: float, arm_side: Process) -> tuple[int, float | None]:
        """How many messages were sent, and which share of their rate commands kept meanwhile."""
        publisher, messages = self._publishers[kind.topic], [self._drawn(kind, 200) for _ in range(20)]
        ending, sent = threading.Event(), [0]

        def pour() -> None:
            begun = time.monotonic()
            while not ending.is_set():
                for _ in range(int((time.monotonic() - begun) * RATE) - sent[0]):
                    publisher.publish(messages[sent[0] % len(messages)])
                    sent[0] += 1
                ending.wait(1.0 / RATE)

        timer, pouring = self.steady['empty_timer'], threading.Thread(target=pour)
        begun, first = time.monotonic(), len(timer) - 1
        pouring.start()
        self.wait(seconds)
        ending.set()
        pouring.join()
        ended, count = time.monotonic(), len(timer)
        self.until(lambda: len(timer) > count, 3.0)  # its figures may have got lost in the flood
        (before, least), (after, most) = timer[first], timer[-1]
        overruns = int(most['inner loop overruns']) - int(least['inner loop overruns'])
        late = overruns / (after - before) / _COMMANDS
        kept = _rate(arm_side.out, begun + 0.2, ended) / _COMMANDS
        if kept >= ENOUGH:
            return sent[0], kept
        if late > _BUSY:
            return sent[0], None
        self.failures.append(
            f'{sent[0]} messages on {kind.topic}: commands kept {kept:.1%} of their rate, '
            f'and the empty timer {1.0 - late:.1%}'
        )
        return sent[0], kept

    def storm(self) -> None:
        """Stop, resume and arm in the same instant, with the operator's key, and again and again for 2.5 s."""
        self.make_ready()
        clients = {name: self._clients[f'controller/{name}'] for name in (ARM, RESUME)}
        stopped = self._stop.call_async(Trigger.Request())
        answers: list[Any] = []

        def ask() -> None:
            for name, client in clients.items():
                token = operation_token(self.key, name, self.controller.challenge, NAME)
                answers.append(client.call_async(Operate.Request(operated_by=NAME, token=token)))

        ask()
        self.require(stopped.done, _ANSWERED, 'the emergency stop was not answered')
        self.require(lambda: self.controller.state == ControllerStatus.ESTOP, 1.0, 'an emergency stop was not seen')
        del answers[0]  # arming, perhaps before the stop: an armed arm grants that, and stops all the same
        begun = self.now
        while self.now - begun < 2.5:
            due = int((self.now - begun) * RATE / 2) - len(answers) // 2
            for _ in range(min(due, 20)):
                ask()
            self.wait(0.001)
        if self.controller.state != ControllerStatus.ESTOP or np.abs(self.heard.joints[-1].velocity).max() > 0.05:
            self.failures.append(f'an emergency stop did not hold: {self.controller.message}')
        self.until(lambda: all(answer.done() for answer in answers), 2.0)  # a server keeps ten requests, drops others
        granted = [answer.result().message for answer in answers if answer.done() and answer.result().success]
        self.failures += [f'granted right after an emergency stop: {message}' for message in set(granted)]

        def resumed() -> bool:
            token = operation_token(self.key, RESUME, self.controller.challenge, NAME)
            asked = clients[RESUME].call_async(Operate.Request(operated_by=NAME, token=token))
            return self.until(asked.done, _ANSWERED) and bool(asked.result().success)

        end = self.now + _BACK
        while not resumed():
            if self.now > end:
                self.failures.append(f'not resumed within {_BACK:g} s: {self.controller.message}')
                return
            self.wait(0.2)


def _rate(told: str, begun: float, ended: float) -> float:
    """Commands a second between two moments, by what the program on the arm's side has printed."""
    lines = [line.split() for line in told.split('\n')[:-1]]
    within = [(float(at), int(count)) for at, count in lines if begun <= float(at) <= ended]
    (first, before), (last, after) = within[0], within[-1]
    return (after - before) / (last - first)


def run(cases: int, folder: Path, seed: int = 0) -> ForgedFigures:
    """Attack a run that has more trials than can be played meanwhile, then end it.

    Args:
        cases: in all.
        folder: for the run and the nodes' logs.
        seed: draws the cases and what is in them.

    Raises:
        RunFailedError: a node ended, or the run does not go on any more.
    """
    random = np.random.default_rng(seed)
    sensors, calls = (round(cases * SHARES[name]) for name in ('sensors', 'calls'))
    seconds = 10.0 if cases >= 1000 else 4.0
    storms = 1 + cases // 500
    plain = cases - sensors - calls - len(FLOODS) - storms
    first: list[Kind | Call] = [MESSAGES[number % len(MESSAGES)] for number in range(plain)]
    first += [CALLS[number % len(CALLS)] for number in range(calls)]
    namespace = f'/forged_{os.getpid()}'
    command = [sys.executable, str(Path(__file__).with_name('arm_side.py')), '--ros-args', '-r', f'__ns:={namespace}']
    with ExitStack() as closing:
        arm_side = closing.enter_context(process(command, folder / 'arm_side'))
        cell = closing.enter_context(AttackedCell(_settings(folder / 'run', _TRIALS), folder / 'logs', namespace))
        cell.forger = replace(cell.forger, random=random)
        cell.make_ready()
        cell.ask(OBJECTIVE)
        begun = cell.now
        cell.require(lambda: len(cell.heard.traces) >= 2, _BACK, 'no ball was played at first')
        for number in random.permutation(len(first)):
            case = first[int(number)]
            cell.send(case) if isinstance(case, Kind) else cell.call(case)
            cell.wait(float(random.uniform(0.0, 2.0 * GAP)))
        cell.goes_on('after forged messages')
        stops = len(cell.faults)
        floods: dict[str, float | None] = {}
        messages = 0
        for kind in FLOODS:
            sent, floods[kind.topic] = cell.flood(kind, seconds, arm_side)
            messages += sent
            cell.goes_on(f'after a flood on {kind.topic}')
        for _ in range(storms):
            cell.storm()
            cell.goes_on('after an emergency stop')
        before = len(cell.faults)
        for number in range(sensors):
            cell.send(SENSORS[number % len(SENSORS)])
            cell.wait(float(random.uniform(0.0, 2.0 * GAP)))
        cell.goes_on('after forged joint states')
        by_sensors = len(cell.faults) - before
        _end(cell)
        elapsed, left_out = cell.now - begun, int(cell.controller.left_out)
        counted = sum(isinstance(case, Kind) and case.counted for case in first)
        if left_out < counted / 2:
            cell.failures.append(f'the controller has counted {left_out} forged messages of {counted}')
        heard, failures = cell.heard, cell.failures
    with RunStore.open(folder / 'run') as store:
        trials = sum(len(part.steps) for part in stored_parts(store))
        wrong = judge(store, list(map(trial_in, heard.traces)), list(map(parameters_of, heard.parameters)), trials)
        # The run was ended, perhaps before the ball of its last step was thrown.
        failures += [each for each in wrong if each != f'step {trials} has no trial']
    kinds = Counter(kind.topic if isinstance(kind, Kind) else kind.service for kind in first)
    kinds |= Counter({'joint_states': sensors, 'floods': len(FLOODS), 'storms': storms})
    return ForgedFigures(
        cases, dict(kinds), floods, messages, (stops, by_sensors), left_out, trials, elapsed, tuple(failures)
    )


def _end(cell: AttackedCell) -> None:
    """After the ball in flight, as a person ends a run."""
    client = cell.stranger.create_client(Trigger, 'cancel_improvement')
    cell.require(client.service_is_ready, _ANSWERED, 'nobody serves cancel_improvement')
    client.call_async(Trigger.Request())
    cell.require(lambda: cell.heard.runs[-1].state in _OVER, _BACK, 'the run could not be ended')
    if cell.heard.runs[-1].state != OptimizerStatus.CANCELLED:
        cell.failures.append(f'the run ended as {cell.heard.runs[-1].state}: {cell.heard.runs[-1].reason}')


def _settings(folder: Path, trials: int) -> RehearsalSettings:
    path, run_folder = share_folder() / 'config' / 'rehearsal.yaml', str(folder.absolute())
    optimizer = read_settings(path, OptimizerSettings, 'optimizer')
    arm = read_settings(path, StandInSettings, 'stand_in_arm')
    return RehearsalSettings(
        replace(arm, joint_state_topic='drivers/joint_states'),
        read_settings(path, ControllerSettings, 'controller'),
        replace(read_settings(path, TraceLoggerSettings, 'trace_logger'), output_folder=run_folder),
        replace(
            optimizer, output_folder=run_folder, trials=trials, first_trials=min(trials, 24), all_trials=True,
            method='least_squares',
            # Near the unchanged controller the rehearsal lets most of it pass, so that the run goes on.
            rehearsal=replace(optimizer.rehearsal, trials=2, most_misses=1),
            attenuation_low=(0.9,) * len(JOINTS), attenuation_high=(1.1,) * len(JOINTS),
        ),
    )  # fmt: skip
