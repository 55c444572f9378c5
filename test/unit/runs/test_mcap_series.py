"""The files of the time series, as ROS tools read them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from paths import ROOT
from stored_trials import assert_same_samples, trace_of

from llm_policy_improver.runs.mcap_series import TOPICS
from llm_policy_improver.runs.ros_definitions import DEFINITIONS
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.tracing.observed import Outcome, TraceSamples, trial_of

NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore.create(tmp_path / 'run', {'objective': 'far right'}, clock=lambda: NOON) as store:
        yield store


def test_ros_tools_read_the_time_series(store: RunStore) -> None:
    trial, start = trace_of(1), 1_800_000_000_123_456_789
    store.add_trial(trial, start_ns=start)
    found: dict[str, list[tuple[int, Any]]] = {topic: [] for topic in TOPICS}
    with (store.folder / 'trials' / '0001.mcap').open('rb') as stream:
        reader = make_reader(stream, validate_crcs=True, decoder_factories=[DecoderFactory()])
        assert reader.get_header().profile == 'ros2'
        for schema, channel, message, decoded in reader.iter_decoded_messages():
            assert schema is not None
            assert schema.name == TOPICS[channel.topic]
            stamp = decoded.header.stamp
            assert message.log_time == message.publish_time == stamp.sec * 1_000_000_000 + stamp.nanosec
            found[channel.topic].append((message.log_time, decoded))
    samples = trial.samples
    ball = found['ball/position']
    assert [time for time, _ in ball] == [start + round(time * 1e9) for time in samples.ball_time]
    for topic, expected in (
        ('ball/position', samples.ball_position),
        ('racket/position', samples.racket_position),
    ):
        messages = [message for _, message in found[topic]]
        assert {message.header.frame_id for message in messages} == {'table'}
        points = [message.point for message in messages]
        assert [[point.x, point.y, point.z] for point in points] == expected.tolist()
    for index, (_, state) in enumerate(found['joint_states']):
        assert list(state.name) == list(JOINTS)
        assert list(state.position) == samples.joint_position[index].tolist()
        assert list(state.velocity) == samples.joint_velocity[index].tolist()
    for index, (_, command) in enumerate(found['joint_velocity_command']):
        assert command.parameters_version == trial.version
        assert list(command.joint_names) == list(JOINTS)
        assert list(command.requested) == samples.requested_velocity[index].tolist()
        assert list(command.applied) == samples.applied_velocity[index].tolist()
    assert [len(messages) for messages in found.values()] == [170, 70, 70, 70]


def test_trial_without_a_stamp_is_dated_to_end_when_it_was_stored(store: RunStore) -> None:
    store.add_trial(trace_of(1))
    with (store.folder / 'trials' / '0001.mcap').open('rb') as stream:
        summary = make_reader(stream).get_summary()
    assert summary is not None
    assert summary.statistics is not None
    assert summary.statistics.message_end_time / 1e9 == pytest.approx(NOON.timestamp(), abs=0.2)


def test_simulated_time_may_start_at_zero_and_samples_before_it(store: RunStore) -> None:
    trial = trace_of(2)
    trial.samples.joint_time[0] = -0.004
    assert_same_samples(store.samples(store.add_trial(trial, start_ns=0).number), trial.samples)


def test_command_definition_is_that_of_the_message_file() -> None:
    file = ROOT / 'msg' / 'JointVelocityCommand.msg'
    lines = [line.split('#')[0].split() for line in file.read_text().splitlines()]
    wanted = [' '.join(line) for line in lines if line]
    definition = DEFINITIONS['llm_policy_improver/msg/JointVelocityCommand'].split('\n=')[0]
    assert definition.splitlines() == wanted


def test_damaged_file_is_refused_and_named(store: RunStore) -> None:
    store.add_trial(trace_of(1))
    path = store.folder / 'trials' / '0001.mcap'
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r'trial 1 from .*0001\.mcap: it is damaged'):
        store.samples(1)


def test_samples_that_do_not_fit_each_other_are_refused(store: RunStore) -> None:
    bad = trial_of(Modulation(), Outcome.LANDED, {}, samples=TraceSamples(ball_time=np.zeros(3)))
    with pytest.raises(
        StoreError, match=r'ball_position of a trial must have the shape \(3, 3\).*got \(0, 3\)'
    ):
        store.add_trial(bad)
    assert store.trials() == []
