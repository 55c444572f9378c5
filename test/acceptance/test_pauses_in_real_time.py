"""The controller's process is stopped with SIGSTOP in a swing and continued: the stand-in arm, in real time."""

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from paused_cell import TOPICS, PausedCell, cell
from ros_graph import MANY
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray

from llm_policy_improver.msg import ControllerStatus
from llm_policy_improver.srv import FeedBall
from llm_policy_improver.table_tennis.bench.attacks.judge import MOVING, Judge
from llm_policy_improver.table_tennis.guard.safety_limits import SafetyLimits
from llm_policy_improver.table_tennis.observation import NANOSECONDS

pytestmark = pytest.mark.real_time
LIMITS = SafetyLimits()
GANTRY, ARM = (0, 2), (2, 8)
"""Rows of the joints in a group of drives, from and to."""
TIMING = 0.008
"""s by which the arrival of a command here tells when the drives heard it."""


class Witness:
    """What the drives are sent, and when, s; and where the joints are."""

    def __init__(self, made: PausedCell) -> None:
        self.states: list[JointState] = made.graph.collect(JointState, TOPICS['joint_state_topic'], MANY)
        self.sent: dict[tuple[int, int], list[tuple[float, np.ndarray]]] = {GANTRY: [], ARM: []}
        for joints, topic in ((GANTRY, 'gantry_command_topic'), (ARM, 'arm_command_topic')):
            made.graph.probe.create_subscription(Float64MultiArray, TOPICS[topic], partial(self._hear, joints), MANY)

    def _hear(self, joints: tuple[int, int], message: Any, info: dict[str, Any]) -> None:
        # When the middleware took it: this program may come to it later.
        self.sent[joints].append((info['received_timestamp'] / NANOSECONDS, np.array(message.data)))

    def clear(self) -> None:
        self.states.clear()
        for sent in self.sent.values():
            sent.clear()

    def violations(self) -> dict[str, int]:
        """Of what came since the last `clear`."""
        judge = Judge(LIMITS)
        for state in self.states:
            judge.seen(np.array(state.position))
        for joints, sent in self.sent.items():
            most = np.array(LIMITS.acceleration)[slice(*joints)]
            for (before, one), (now, other) in pairwise(sent):
                # What the drives have of the command before by now, at the earliest and at the latest.
                over = max(now - before - LIMITS.drive_timeout, 0.0)
                left = np.sign(one) * np.maximum(np.abs(one) - most * over, 0.0)
                spread = np.minimum(np.abs(one), most * TIMING) if over or now - before > 0.03 else 0.0
                if np.any(np.abs(other - left) > most * LIMITS.longest_tick + spread):
                    judge.count('acceleration')
        return judge.violations


def ready(made: PausedCell) -> None:
    """Resumed and armed, as a person would, and at home."""
    for _ in range(40):
        state = made.operator.states[-1].state
        if state == ControllerStatus.READY:
            return
        (made.operator.resume if state == ControllerStatus.FAULT else made.operator.arm)(again=3.0)
        made.graph.spin_for(0.5)
    pytest.fail(f'the arm was not armed: {made.operator.states[-1].message}')


def accepted(made: PausedCell, feeder: Any, request: FeedBall.Request) -> bool:
    return bool(made.graph.wait(feeder.call_async(request), 'an answer').accepted)


def test_arm_keeps_its_limits_while_the_controller_is_stopped(
    tmp_path: Path, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    count = int(pytestconfig.getoption('real_pauses'))
    if not count:
        pytest.skip('in real time: --real-pauses 50')
    rng, failures, moving = np.random.default_rng(0), [], 0
    with cell(tmp_path, proven=True) as made:
        witness = Witness(made)
        feeder = made.graph.probe.create_client(FeedBall, 'feed_ball')
        for number in range(count):
            ready(made)
            made.graph.spin_for(1.5)
            witness.clear()
            request = FeedBall.Request(trial=number + 1, seed=number)
            made.graph.spin_until(
                partial(accepted, made, feeder, request), 'a ball'
            )
            made.graph.spin_for(float(rng.uniform(0.3, 1.0)))
            # Spinning ends with a message, which the controller has just sent: the pause shall come at any moment.
            time.sleep(float(rng.uniform(0.0, 0.008)))
            pause = float(np.exp(rng.uniform(np.log(0.02), 0.0)))
            os.kill(made.controller.pid, signal.SIGSTOP)
            end = time.monotonic() + pause
            fast = max((np.abs(sent[-1][1]).max() for sent in witness.sent.values() if sent), default=0.0)
            moving += bool(fast > MOVING)
            try:
                while time.monotonic() < end:
                    made.graph.spin_for(min(0.005, pause))
            finally:
                os.kill(made.controller.pid, signal.SIGCONT)
            made.graph.spin_for(1.0)
            found = witness.violations()
            if found:
                failures.append((number, round(pause, 3), found))
    record_property('pauses in real time', f'{count} cases, {len(failures)} failures; {moving} of a moving arm')
    assert failures == []
