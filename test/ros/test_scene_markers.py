"""The picture that stands still: table, aim, landings and words."""

import math
from typing import Any

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from geometry_msgs.msg import Point
from visualization_msgs.msg import Marker, MarkerArray

from llm_policy_improver.msg import ExecutionTrace, OptimizerStatus
from llm_policy_improver.nodes.scene_markers import Landed, scene
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.objectives import parse_objective

RIGHT, FAR = table.HALF_WIDTH, table.HALF_LENGTH


def status_for(words: str, **more: Any) -> OptimizerStatus:
    return OptimizerStatus(objective=words, aim=parse_objective(words).sentence, **more)


def groups(picture: MarkerArray) -> dict[str, list[Marker]]:
    found: dict[str, list[Marker]] = {}
    for marker in picture.markers[1:]:
        found.setdefault(marker.ns, []).append(marker)
    return found


def words_in(picture: MarkerArray) -> str:
    return '\n'.join(marker.text for marker in picture.markers)


def landed(number: int, place: tuple[float, float] | None, outcome: str = ExecutionTrace.LANDED) -> Landed:
    return Landed(number, number + 100, outcome, place)


def extent(marker: Marker) -> tuple[float, float, float, float]:
    at, size = marker.pose.position, marker.scale
    return at.x - size.x / 2, at.x + size.x / 2, at.y - size.y / 2, at.y + size.y / 2


def test_picture_replaces_all_of_the_one_before_and_names_no_marker_twice() -> None:
    picture = scene([landed(1, (0.1, 0.9)), landed(2, (-0.3, 0.4))], status_for('far left'))
    assert picture.markers[0].action == Marker.DELETEALL
    names = [(marker.ns, marker.id) for marker in picture.markers[1:]]
    assert len(set(names)) == len(names)
    assert {marker.header.frame_id for marker in picture.markers[1:]} == {'table'}
    assert set(groups(picture)) == {'table', 'aim', 'landings', 'words'}


def test_table_and_net_have_their_size() -> None:
    shown = groups(scene([], None))
    assert set(shown) == {'table'}
    sizes = [(marker.scale.x, marker.scale.y) for marker in shown['table']]
    assert (table.WIDTH, table.LENGTH) in sizes
    net = next(marker for marker in shown['table'] if marker.scale.z == pytest.approx(table.NET_HEIGHT))
    assert net.pose.position.z + net.scale.z / 2 == pytest.approx(table.NET_HEIGHT)


@pytest.mark.parametrize(
    ('words', 'kind', 'wanted'),
    [
        ('as far right as possible', Marker.CUBE, (RIGHT, RIGHT, 0.0, FAR)),
        ('far left corner', Marker.CYLINDER, (-RIGHT, -RIGHT, FAR, FAR)),
    ],
)
def test_aim_lies_where_the_words_say(words: str, kind: int, wanted: tuple[float, ...]) -> None:
    (aim,) = groups(scene([], status_for(words)))['aim']
    assert aim.type == kind
    assert extent(aim) == pytest.approx(wanted, abs=0.051)
    assert aim.color.a > 0.3


def test_aim_between_two_distances_is_a_region() -> None:
    words = 'between 20 cm and 60 cm behind the net'
    assert parse_objective(words).measurable
    (aim,) = groups(scene([], status_for(words)))['aim']
    assert extent(aim) == pytest.approx((-RIGHT, RIGHT, 0.2, 0.6))


@pytest.mark.parametrize(
    ('words', 'aim'),
    [
        ('as far right as possible', 'as far left as possible'),  # a model read them otherwise
        ('where my grandmother would', 'as far left as possible'),
        ('', ''),
        ('as high as possible', None),  # no place
    ],
)
def test_where_the_aim_is_no_known_place_none_is_drawn(words: str, aim: str | None) -> None:
    told = parse_objective(words).sentence if aim is None else aim
    assert 'aim' not in groups(scene([], OptimizerStatus(objective=words, aim=told)))


def test_landings_are_where_the_balls_came_down_and_the_best_is_marked() -> None:
    balls = [landed(1, (0.1, 0.9)), landed(2, None, 'net'), landed(3, (0.6, 0.3)), landed(4, (-0.2, -0.5), 'own_side')]
    shown = groups(scene(balls, status_for('far right', best_version=103)))['landings']
    domes = next(marker for marker in shown if marker.type == Marker.SPHERE_LIST)
    assert [(place.x, place.y) for place in domes.points] == [(0.1, 0.9), (0.6, 0.3), (-0.2, -0.5)]
    colours = [(colour.r, colour.g, colour.b) for colour in domes.colors]
    assert len(set(colours)) == 3
    assert colours[2] == pytest.approx((0.62, 0.64, 0.67))  # no good return: grey
    texts = {marker.text: marker.pose.position for marker in shown if marker.text}
    assert set(texts) == {'best: trial 3', 'trial 4'}
    assert (texts['best: trial 3'].x, texts['best: trial 3'].y) == (0.6, 0.3)


def test_landings_beside_the_table_and_what_is_no_number_are_not_drawn() -> None:
    def of(x: float, y: float, there: bool = True) -> Landed:
        return Landed.of(ExecutionTrace(trial=1, has_landing=there, landing_point=Point(x=x, y=y), outcome='landed'))

    assert of(0.1, 0.2).place == (0.1, 0.2)
    for wrong in (of(math.nan, 0.2), of(0.1, math.inf), of(5.0, 0.0), of(0.1, 0.2, there=False)):
        assert wrong.place is None


def test_words_say_how_far_it_is_and_how_a_ball_ended_that_did_not_land() -> None:
    status = status_for('far right', state='running', iteration=7, trials=39, best_distance=0.127, best_version=5)
    told = words_in(scene([landed(7, None, 'own_side')], status))
    assert '“far right”' in told
    assert 'trial 7 of 39, best 0.13 m from it; running' in told
    assert 'trial 7: own side' in told
    told = words_in(scene([], status_for('far right', trials=39, best_distance=math.nan)))
    assert 'nan' not in told


def test_proposal_that_waits_is_told_with_its_rehearsal() -> None:
    status = status_for(
        'far right', state='waiting_for_approval', proposed_version=25, proposed_by='sas:m', trials=39,
        rehearsal='8 balls in simulation, 7 landed',
    )  # fmt: skip
    told = words_in(scene([], status))
    assert 'version 25 by sas:m waits for approval' in told
    assert '8 balls in simulation, 7 landed' in told


def test_words_of_other_nodes_are_cleaned_and_short() -> None:
    status = OptimizerStatus(
        objective='far\x1b[31m right\u202e' + 'x' * 5000, state='waiting_for_approval', trials=3,
        proposed_by='sas:\x9b31m', rehearsal='\u202eok' * 3000,
    )  # fmt: skip
    told = words_in(scene([Landed.of(ExecutionTrace(trial=1, outcome='missed\x1b'))], status))
    assert not set(told) & set('\x1b\x9b\u202e')
    assert len(told) < 800
