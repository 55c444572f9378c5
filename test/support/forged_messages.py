"""What somebody on the network of the arm can send who has no key, and what a faulty node that has one can.

Each kind is a function of what was heard so far, which draws a message. `Heard` holds genuine messages only.
"""

import math
from array import array
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState

from llm_policy_improver.msg import (
    BallChoice,
    BallLanding,
    ControllerStatus,
    ExecutionTrace,
    OptimizerStatus,
    PolicyParameters,
)
from llm_policy_improver.nodes.messages import doubles, header_of, stamp_of
from llm_policy_improver.nodes.qos import LATCHED, RELIABLE, TRACES
from llm_policy_improver.nodes.seals import Seals
from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import CHOSEN

MARK: Final = 1.0917
"""An attenuation within all bounds that nobody proposes."""
LAST: Final = 2**32 - 1
_LEVELS: Final = (DiagnosticStatus.OK, DiagnosticStatus.ERROR, DiagnosticStatus.STALE, b'\xff')
_TEXTS: Final = ('\x1b[2J', '\u202egnp', '\x9b31m', '\U000e0041', 'A' * 5_000, 'é' * 200_000, '')


@dataclass
class Heard:
    """Genuine messages, in the order in which they came."""

    parameters: list[PolicyParameters] = field(default_factory=list)
    traces: list[ExecutionTrace] = field(default_factory=list)
    states: list[ControllerStatus] = field(default_factory=list)
    runs: list[OptimizerStatus] = field(default_factory=list)
    joints: list[JointState] = field(default_factory=list)


@dataclass(frozen=True)
class Forger:
    """Draws messages.

    Attributes:
        heard: what may be changed or sent once more.
        namespace: of the nodes.
        genuine: seals with the run's key, as a faulty node of the run does.
        other: seals with another key.
        random: draws.
        longest: characters of a text.
    """

    heard: Heard
    namespace: str
    genuine: Seals
    other: Seals
    random: np.random.Generator
    longest: int = 10**9

    def text(self) -> str:
        """Of any length, with characters that change a terminal."""
        return _TEXTS[int(self.random.integers(len(_TEXTS)))][: self.longest]

    def numbers(self, count: int) -> 'array[float]':
        """Some finite, some not."""
        values = self.random.normal(0.0, 10.0, count)
        values[self.random.random(count) < 0.2] = self.random.choice([math.nan, math.inf, -math.inf, 1e300])
        return doubles(values)

    def newer(self) -> PolicyParameters:
        """Parameters that a controller would take, unsealed: for this start, with the next version."""
        message = deepcopy(self.heard.parameters[-1])
        message.version += 1
        message.controller = self.heard.states[-1].start
        message.attenuation, message.seal = doubles([MARK] * len(JOINTS)), ''
        return message

    def a_trace(self) -> ExecutionTrace:
        """Of the trial that comes next, unsealed."""
        message = deepcopy(self.heard.traces[-1])
        message.trial, message.parameters_version = message.trial + 1, self.heard.parameters[-1].version
        message.header.stamp.sec += 4
        message.attenuation, message.seal = doubles([MARK] * len(JOINTS)), ''
        return message


def _any(forger: Forger, messages: list[Any]) -> Any:
    return messages[int(forger.random.integers(len(messages)))]


def _unsigned(forger: Forger) -> PolicyParameters:
    return forger.newer()


def _of_another_key(forger: Forger) -> PolicyParameters:
    return forger.other.sealed(forger.newer())


def _swapped(forger: Forger) -> PolicyParameters:
    """Other numbers under the version and the seal of what was published."""
    message = deepcopy(forger.heard.parameters[-1])
    message.attenuation[int(forger.random.integers(len(JOINTS)))] = MARK
    return message


def _replayed(forger: Forger) -> PolicyParameters:
    return deepcopy(_any(forger, forger.heard.parameters))


def _of_another_start(forger: Forger) -> PolicyParameters:
    message = forger.newer()
    message.controller = 'yesterday'
    return forger.genuine.sealed(message)


def _seal_of_another_type(forger: Forger) -> PolicyParameters:
    message = forger.newer()
    message.seal = forger.heard.states[-1].seal
    return message


def _long_seal(forger: Forger) -> PolicyParameters:
    message = forger.newer()
    message.seal = forger.text()
    return message


def _long_texts(forger: Forger) -> PolicyParameters:
    message = forger.newer()
    message.joint_names = [forger.text() for _ in range(8)]
    message.names, message.source, message.entry = [forger.text()] * 50, forger.text(), forger.text()
    return message


def _sealed(spoil: Callable[[Forger, PolicyParameters], None]) -> Callable[[Forger], PolicyParameters]:
    """As a node of the run would send that has lost its mind: sealed, and beyond what is allowed."""

    def spoiled(forger: Forger) -> PolicyParameters:
        message = forger.newer()
        message.version += 1000  # refused as itself: the version that waits is somebody else's
        spoil(forger, message)
        return forger.genuine.sealed(message)

    return spoiled


def _beyond_bounds(forger: Forger, message: PolicyParameters) -> None:
    message.attenuation[int(forger.random.integers(8))] = float(forger.random.choice([-50.0, 1.5, 1e300]))


def _residual_beyond(forger: Forger, message: PolicyParameters) -> None:
    message.names = list('abcdefghijklmnop')
    message.residual[int(forger.random.integers(8))] = float(forger.random.choice([-100.0, 100.0, 0.5]))


def _not_finite(forger: Forger, message: PolicyParameters) -> None:
    which = message.attenuation if forger.random.random() < 0.5 else message.residual
    which[int(forger.random.integers(8))] = float(forger.random.choice([math.nan, math.inf, -math.inf]))


def _wrong_length(forger: Forger, message: PolicyParameters) -> None:
    message.attenuation = doubles([1.0] * int(forger.random.choice([0, 1, 7, 9, 10_000])))


def _wrong_joints(forger: Forger, message: PolicyParameters) -> None:
    message.joint_names = list(forger.random.permutation(JOINTS))[: int(forger.random.integers(0, 8))]


def _last_version(forger: Forger, message: PolicyParameters) -> None:
    message.version = LAST - int(forger.random.integers(3))


def _impossible_balls(forger: Forger, message: PolicyParameters) -> None:
    message.expected_spin, message.expected_spin_sd = forger.numbers(3), doubles([-1.0, 0.0, math.nan])


def _cut_short(draw: Callable[[Forger], Any]) -> Callable[[Forger], bytes]:
    """The first bytes of a message, and others behind them: none of its type."""

    def cut(forger: Forger) -> bytes:
        whole = serialize_message(draw(forger))
        return whole[: int(forger.random.integers(len(whole)))] + forger.random.bytes(int(forger.random.integers(9)))

    return cut


def _trace_with_unknown_outcome(forger: Forger) -> ExecutionTrace:
    message = forger.a_trace()
    message.outcome = forger.text()
    return message


def _well_formed_trace(forger: Forger) -> ExecutionTrace:
    message = forger.a_trace()
    message.measures = doubles([0.7] * len(message.measures))
    return message


def _replayed_trace(forger: Forger) -> ExecutionTrace:
    return deepcopy(_any(forger, forger.heard.traces))


def _trace_of_another_run(forger: Forger) -> ExecutionTrace:
    message = forger.a_trace()
    message.run = 'another'
    return forger.genuine.sealed(message)


def _sealed_trace_of_wrong_lengths(forger: Forger) -> ExecutionTrace:
    message = forger.a_trace()
    message.trial, message.parameters_version = LAST, LAST
    message.joint_position = message.joint_position[:-3]
    return forger.genuine.sealed(message)


def _long_trace(forger: Forger) -> ExecutionTrace:
    message = forger.a_trace()
    message.joint_position = forger.numbers(200_000)
    message.note = 'A' * 1_000_000
    return message


def _landing(forger: Forger) -> BallLanding:
    message = BallLanding(header=header_of(0, forger.text()[:50]), trial=LAST, outcome=forger.text())
    message.point.x = math.nan
    return message


def _status(forger: Forger) -> ControllerStatus:
    """Another state, version or start than it has."""
    message = deepcopy(forger.heard.states[-1])
    message.state = str(forger.random.choice(['fault', 'estop', 'ready', 'disarmed', 'playing', 'nonsense']))
    message.active_version = int(forger.random.choice([0, LAST, message.active_version + 1]))
    message.refused_version = forger.heard.parameters[-1].version
    message.fault, message.message = forger.text(), forger.text()
    message.header.stamp.sec += 1000
    if forger.random.random() < 0.3:
        message.start = 'another'
    if forger.random.random() < 0.3:
        forger.other.sealed(message)
    return message


def _replayed_status(forger: Forger) -> ControllerStatus:
    return deepcopy(_any(forger, forger.heard.states))


def _optimizer_status(forger: Forger) -> OptimizerStatus:
    """Has a person approve something else, or think that all is over."""
    message = deepcopy(forger.heard.runs[-1])
    message.state = str(forger.random.choice(['waiting_for_approval', 'failed', 'finished', 'nonsense']))
    message.proposed_version = int(forger.random.choice([LAST, message.proposed_version + 1]))
    message.proposed_values = doubles([MARK] * len(message.proposed_values))
    message.reason = forger.text()
    return message


def _replayed_optimizer_status(forger: Forger) -> OptimizerStatus:
    return deepcopy(_any(forger, forger.heard.runs))


def _choice(forger: Forger) -> BallChoice:
    return BallChoice(
        header=deepcopy(forger.heard.states[-1].header),
        parameters_version=forger.heard.parameters[-1].version,
        observed=forger.numbers(int(forger.random.choice([0, 3, 10_000]))),
        applied=forger.numbers(int(forger.random.choice([0, len(CHOSEN), 17]))),
        fallback=forger.text(), detail=forger.text(), seal=forger.text(),
    )  # fmt: skip


def _diagnostics(forger: Forger) -> DiagnosticArray:
    """Signs of life, and of death, of others; texts of any length."""
    level = _LEVELS[int(forger.random.integers(len(_LEVELS)))]
    names = ('trace_logger: storing', 'controller: arm', ': :', forger.text())
    return DiagnosticArray(
        status=[
            DiagnosticStatus(
                level=level, name=f'{forger.namespace}/{name}', message=forger.text(),
                values=[KeyValue(key='worst', value=forger.text())],
            )
            for name in names
        ]
    )  # fmt: skip


def _joints(forger: Forger) -> JointState:
    return deepcopy(forger.heard.joints[-1])


def _joints_of_another_time(forger: Forger) -> JointState:
    message = _joints(forger)
    message.header = header_of(stamp_of(message.header.stamp) + int(forger.random.choice([-10**9, 10**9, 10**6])))
    return message


def _joints_elsewhere(forger: Forger) -> JointState:
    message = _joints(forger)
    message.header = header_of(stamp_of(message.header.stamp) + 10**6)
    message.position = forger.numbers(len(message.position))
    return message


def _joints_of_wrong_length(forger: Forger) -> JointState:
    message = _joints(forger)
    message.position = message.position[: int(forger.random.integers(8))]
    return message


def _joints_of_long_names(forger: Forger) -> JointState:
    """One name of up to 10 MB, or 100,000 short ones."""
    if forger.random.random() < 0.5:
        return JointState(name=['j' * int(forger.random.choice([100_000, 10_000_000]))])
    return JointState(name=[f'j{number}' for number in range(100_000)], position=doubles([0.0] * 100_000))


def _joints_nowhere(forger: Forger) -> JointState:
    return JointState(header=header_of(0), name=list(JOINTS), position=doubles(HOME), velocity=doubles([0.0] * 8))


@dataclass(frozen=True)
class Kind:
    """Of messages.

    Attributes:
        topic, type, qos: where they go.
        draw: one of them.
        counted: whether the controller counts them as left out, for want of a seal or of this start.
    """

    topic: str
    type: Any
    qos: QoSProfile
    draw: Callable[[Forger], Any]
    counted: bool = False


def _kinds(
    topic: str, kind: Any, qos: QoSProfile, *draws: Callable[[Forger], Any], counted: bool = False
) -> list[Kind]:
    return [Kind(topic, kind, qos, draw, counted) for draw in draws]


MESSAGES: Final = [
    *_kinds(
        'policy_parameters', PolicyParameters, LATCHED, _unsigned, _of_another_key, _swapped, _of_another_start,
        _seal_of_another_type, _long_seal, _long_texts, counted=True,
    ),
    *_kinds(
        'policy_parameters', PolicyParameters, LATCHED, _replayed, _cut_short(_unsigned),
        *map(_sealed, (
            _beyond_bounds, _residual_beyond, _not_finite, _wrong_length, _wrong_joints, _last_version,
            _impossible_balls,
        )),
    ),
    *_kinds(
        'execution_trace', ExecutionTrace, TRACES, _trace_with_unknown_outcome, _well_formed_trace, _replayed_trace,
        _trace_of_another_run, _sealed_trace_of_wrong_lengths, _long_trace,
    ),
    *_kinds('execution_trace', ExecutionTrace, TRACES, _cut_short(_well_formed_trace)),
    *_kinds('ball/landing', BallLanding, RELIABLE, _landing),
    *_kinds('controller/status', ControllerStatus, LATCHED, _status, _replayed_status, _cut_short(_status)),
    *_kinds('optimizer/status', OptimizerStatus, LATCHED, _optimizer_status, _replayed_optimizer_status),
    *_kinds('controller/ball_choice', BallChoice, RELIABLE, _choice),
    *_kinds('/diagnostics', DiagnosticArray, QoSProfile(depth=10), _diagnostics),
]  # fmt: skip
"""That must change nothing, not even for a moment."""

SENSORS: Final = _kinds(
    'joint_states', JointState, RELIABLE, _joints_of_another_time, _joints_elsewhere, _joints_of_wrong_length,
    _joints_of_long_names, _joints_nowhere,
)  # fmt: skip
"""Which nobody seals: they may stop the arm, and not for good."""

FLOODS: Final = [
    kind
    for kind in (*MESSAGES, *SENSORS)
    if kind.draw in (_unsigned, _well_formed_trace, _landing, _status, _choice, _diagnostics, _joints_nowhere)
]
"""Of which a thousand a second come."""
