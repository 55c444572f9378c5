"""Markers in an exported MCAP: what the visualizer shows, after each trial, for readers of others."""

import io
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from click.testing import CliRunner
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from recorded_run import improve
from rosbags.highlevel import AnyReader
from visualization_msgs.msg import Marker

from llm_policy_improver.cli.main import cli
from llm_policy_improver.nodes.exported_scene import TOPIC, definition_of
from llm_policy_improver.nodes.scene_markers import AIM, LANDINGS, TABLE
from llm_policy_improver.runs.run_records import RunRecords

TRIALS = 6


@pytest.fixture(scope='module')
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('scene') / 'run'
    with pytest.MonkeyPatch.context() as patch:
        improve(patch, folder, '--trials', str(TRIALS), '--first-trials', '4', words='far left corner')
    result = CliRunner().invoke(cli, ['runs', 'export', str(folder), '--to', 'mcap'])
    assert result.exit_code == 0, result.output
    assert 'without markers' not in result.output
    return folder


def test_scene_grows_by_a_landing_with_each_trial(run: Path) -> None:
    reader = make_reader(io.BytesIO((run / 'trials.mcap').read_bytes()), decoder_factories=[DecoderFactory()])
    scenes = [decoded for *_, decoded in reader.iter_decoded_messages(topics=[TOPIC])]
    with RunRecords.look(run) as store:
        places = [
            (trial.measures['landing_x'], trial.measures['landing_y']) for trial in store.trials() if trial.succeeded
        ]
    assert len(scenes) == TRIALS + 1
    for scene in scenes:
        assert scene.markers[0].action == Marker.DELETEALL
        groups = {marker.ns for marker in scene.markers}
        assert {TABLE, AIM} <= groups
    shown = [len(next((m.points for m in scene.markers if m.ns == LANDINGS and m.points), ())) for scene in scenes]
    assert shown[0] == 0
    assert shown == sorted(shown)
    last = next(m for m in scenes[-1].markers if m.ns == LANDINGS and m.type == Marker.SPHERE_LIST)
    found = [(point.x, point.y) for point in last.points]
    assert all(any(abs(x - a) + abs(y - b) < 1e-9 for a, b in found) for x, y in places)


def test_readers_of_others_take_the_definition_from_the_file(run: Path) -> None:
    with AnyReader([run / 'trials.mcap']) as reader:
        connection = next(each for each in reader.connections if each.topic == TOPIC)
        read: list[Any] = [reader.deserialize(raw, connection.msgtype) for _, _, raw in reader.messages([connection])]
    assert len(read) == TRIALS + 1
    assert any('far left corner' in marker.text for marker in read[-1].markers)


def test_definition_has_every_type_once_and_none_is_missing() -> None:
    first, *rest = definition_of('visualization_msgs/msg/MarkerArray').split('=' * 80 + '\n')
    assert first.strip() == 'Marker[] markers'
    names = [each.splitlines()[0] for each in rest]
    assert len(names) == len(set(names))
    for name in ('geometry_msgs/Pose', 'builtin_interfaces/Duration', 'sensor_msgs/CompressedImage'):
        assert f'MSG: {name}' in names
    with pytest.raises((LookupError, OSError)):
        definition_of('no_such_msgs/msg/Thing')
