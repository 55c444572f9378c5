from pathlib import Path

import numpy as np
import pytest
from mcap.writer import Writer

from llm_policy_improver.runs.cdr import CdrLayout
from llm_policy_improver.runs.mcap_series import encode
from llm_policy_improver.runs.ros_definitions import DEFINITIONS
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.calibration.recordings import RecordingError, read_recordings
from llm_policy_improver.table_tennis.space import NEUTRAL
from llm_policy_improver.table_tennis.task import TableTennis

POINT = 'geometry_msgs/msg/PointStamped'


def write_bag(
    path: Path, topics: tuple[str, ...], late: int = 12_000_000, frame: str = 'cell_cameras'
) -> None:
    """A bag as rosbag2 writes it: logged when a message came, ``late`` ns after its stamp."""
    with path.open('wb') as stream:
        writer = Writer(stream)
        writer.start('ros2', 'somebody')
        schema = writer.register_schema(POINT, 'ros2msg', DEFINITIONS[POINT].encode())
        layout = CdrLayout().stamp().string(frame).doubles('point', 3)
        for topic in topics:
            channel = writer.register_channel(topic, 'cdr', schema)
            stamps = 1_700_000_000_000_000_000 + 8_000_000 * np.arange(30)
            points = np.arange(90.0).reshape(30, 3) / 30.0
            sec, nanosec = np.divmod(stamps, 1_000_000_000)
            rows = layout.encode(30, sec=sec, nanosec=nanosec, point=points)
            for stamp, row in zip(stamps.tolist(), rows, strict=True):
                writer.add_message(channel, log_time=stamp + late, data=row, publish_time=stamp)
        writer.finish()


def test_bag_of_somebody_else_gives_sightings_their_frame_and_their_age(tmp_path: Path) -> None:
    write_bag(tmp_path / 'bag_0.mcap', ('/tracker/ball',))
    (recording,) = read_recordings([tmp_path])
    np.testing.assert_allclose(recording.time, 0.008 * np.arange(30), atol=1e-9)
    np.testing.assert_allclose(recording.position[1], [0.1, 4.0 / 30.0, 5.0 / 30.0])
    np.testing.assert_allclose(recording.age, 0.012)
    assert recording.frame == 'cell_cameras'
    assert recording.arm is None


def test_bag_with_two_topics_of_points_needs_the_ball_topic(tmp_path: Path) -> None:
    write_bag(tmp_path / 'bag.mcap', ('/left', '/right'))
    with pytest.raises(RecordingError, match=r'name the topic of the ball with --ball-topic.*/left, /right'):
        read_recordings([tmp_path])
    assert len(read_recordings([tmp_path], '/right')[0].time) == 30
    with pytest.raises(RecordingError, match='has no topic /middle'):
        read_recordings([tmp_path], '/middle')


def test_trial_of_this_package_gives_the_arm_too(tmp_path: Path) -> None:
    samples = TableTennis().run(NEUTRAL, 0).samples
    (tmp_path / '0001.mcap').write_bytes(encode(samples, 10**18, 1))
    (recording,) = read_recordings([tmp_path])
    np.testing.assert_allclose(recording.position, samples.ball_position)
    np.testing.assert_allclose(recording.time, samples.ball_time, atol=1e-9)
    assert len(recording.age) == 0
    assert recording.arm is not None
    np.testing.assert_allclose(recording.arm.position, samples.joint_position)
    np.testing.assert_allclose(recording.arm.command, samples.applied_velocity)
    np.testing.assert_allclose(recording.arm.time, samples.joint_time, atol=1e-9)


def test_drivers_may_call_the_joints_otherwise(tmp_path: Path) -> None:
    (tmp_path / '0001.mcap').write_bytes(encode(TableTennis().run(NEUTRAL, 0).samples, 10**18, 1))
    (other,) = read_recordings([tmp_path], joint_names=[f'abb_{name}' for name in JOINTS])
    assert other.arm is None


def test_damaged_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / 'bag.mcap').write_bytes(b'\x89MCAP0\r\nnothing')
    with pytest.raises(RecordingError, match=r'bag\.mcap'):
        read_recordings([tmp_path])
