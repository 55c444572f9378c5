"""An exported MCAP: read by programs of others, and the blade is where the trace says."""

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from numpy.typing import NDArray
from recorded_run import improve
from rosbags.highlevel import AnyReader
from urdf_chain import Urdf

from llm_policy_improver.runs.mcap_export import DESCRIPTION, TF, TF_STATIC, export_mcap
from llm_policy_improver.runs.mcap_series import RACKET, STATES
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.table_tennis.arm.joints import JOINTS

TRIALS = 50
BLADE = 'paddle'

Array = NDArray[np.float64]


@pytest.fixture(scope='module')
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('export') / 'run'
    with pytest.MonkeyPatch.context() as patch:
        improve(patch, folder, '--trials', str(TRIALS), '--method', 'random_search')
    return folder


@pytest.fixture(scope='module')
def exported(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('mcap') / 'run.mcap'
    with closing(RunRecords.look(run)) as store:
        export_mcap(store, range(1, TRIALS + 1), path)
    return path


def messages(path: Path, *topics: str) -> Iterator[tuple[str, int, Any]]:
    """Topic, log time in ns, and the message as Foxglove's own library decodes it."""
    reader = make_reader(io.BytesIO(path.read_bytes()), decoder_factories=[DecoderFactory()])
    for _, channel, message, decoded in reader.iter_decoded_messages(topics=list(topics)):
        yield channel.topic, message.log_time, decoded


def frame(transform: Any) -> Array:
    """(4, 4) of a geometry_msgs/Transform; the rotation by the formula of unit quaternions."""
    at, turn = transform.translation, transform.rotation
    x, y, z, w = turn.x, turn.y, turn.z, turn.w
    assert abs(x * x + y * y + z * z + w * w - 1.0) < 1e-12
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), at.x],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), at.y],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), at.z],
        [0.0, 0.0, 0.0, 1.0],
    ])  # fmt: skip


def blade_by(frames: dict[str, tuple[str, Array]]) -> Array:
    """(4, 4) of the blade in frame ``table``, along its parents."""
    link, pose = BLADE, np.eye(4)
    while link != 'table':
        link, own = frames[link]
        pose = own @ pose
    return pose


def test_blade_is_where_the_trace_has_it_by_tf_and_by_the_description(exported: Path) -> None:
    description = next(decoded.data for _, _, decoded in messages(exported, DESCRIPTION))
    urdf = Urdf.read(description)
    frames: dict[str, tuple[str, Array]] = {}
    joints: dict[int, dict[str, float]] = {}
    seen = 0
    for topic, stamp, decoded in messages(exported, TF_STATIC, TF, RACKET, STATES):
        if topic in (TF, TF_STATIC):
            for each in decoded.transforms:
                assert each.header.stamp.sec * 10**9 + each.header.stamp.nanosec == stamp
                frames[each.child_frame_id] = each.header.frame_id, frame(each.transform)
        elif topic == STATES:
            joints[stamp] = dict(zip(decoded.name, decoded.position, strict=True))
    tf_of: dict[int, dict[str, tuple[str, Array]]] = {}
    for _, stamp, decoded in messages(exported, TF):
        moving = {each.child_frame_id: (each.header.frame_id, frame(each.transform)) for each in decoded.transforms}
        tf_of[stamp] = frames | moving
    for _, stamp, decoded in messages(exported, RACKET):
        here = np.array([decoded.point.x, decoded.point.y, decoded.point.z])
        assert np.abs(blade_by(tf_of[stamp])[:3, 3] - here).max() < 1e-6
        if seen % 10 == 0:
            assert np.abs(urdf.poses(joints[stamp])[BLADE][:3, 3] - here).max() < 1e-6
        seen += 1
    assert len(tf_of) == len(joints) == seen > 20 * TRIALS
    assert set(urdf.moving) == set(JOINTS)


def test_readers_of_others_find_every_message_of_every_trial(run: Path, exported: Path) -> None:
    with closing(RunRecords.look(run)) as store:
        samples = [store.samples(number) for number in range(1, TRIALS + 1)]
    balls, states = sum(len(each.ball_time) for each in samples), sum(len(each.joint_time) for each in samples)
    with AnyReader([exported]) as reader:
        counts = {connection.topic: connection.msgcount for connection in reader.connections}
        kinds = {connection.topic: connection.msgtype for connection in reader.connections}
        read = [reader.deserialize(raw, connection.msgtype) for connection, _, raw in reader.messages()]
    assert counts == {
        'ball/position': balls, 'joint_states': states, 'joint_velocity_command': states, 'racket/position': states,
        DESCRIPTION: 1, TF_STATIC: 1, TF: states,
    }  # fmt: skip
    assert kinds[TF] == 'tf2_msgs/msg/TFMessage'
    assert len(read) == sum(counts.values())


def test_one_trial_alone_has_the_description_too(run: Path, tmp_path: Path) -> None:
    with closing(RunRecords.look(run)) as store:
        export_mcap(store, [7], tmp_path / 'one.mcap')
    assert len(list(messages(tmp_path / 'one.mcap', DESCRIPTION, TF_STATIC))) == 2


def test_damaged_trial_is_a_sentence_and_leaves_no_file(run: Path, tmp_path: Path) -> None:
    copied = tmp_path / 'run'
    copied.mkdir()
    (copied / 'trials').mkdir()
    (copied / 'run.sqlite').write_bytes((run / 'run.sqlite').read_bytes())
    content = bytearray((run / 'trials' / '0001.mcap').read_bytes())
    content[len(content) // 2] ^= 1
    (copied / 'trials' / '0001.mcap').write_bytes(content)
    with closing(RunRecords.look(copied)) as store:
        for number in (1, 2, 99):
            with pytest.raises(StoreError, match=r'could not read|has no trial'):
                export_mcap(store, [number], tmp_path / 'out.mcap')
    assert [each.name for each in tmp_path.iterdir()] == ['run']
