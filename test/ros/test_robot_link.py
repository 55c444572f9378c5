"""What a page beside nodes hears of them and asks of them: sealed statuses alone, and nothing past their gates."""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

pytest.importorskip('rclpy', reason='rclpy is not installed here: make setup')

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from granted import done_by, profiles_of
from ros_graph import RosGraph
from sealed_cell import SealedCell

from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.loop.approval import APPROVE, EDIT, REJECT, ApprovalConfig
from llm_policy_improver.msg import OptimizerStatus
from llm_policy_improver.nodes.lease import TOPIC
from llm_policy_improver.nodes.qos import LATCHED
from llm_policy_improver.nodes.robot_link import NAME, RobotLink
from llm_policy_improver.report.robot import Kind, Offer, RobotError
from llm_policy_improver.table_tennis.space import Searched, parameter_space

SPACE = parameter_space(Searched.BOTH)
FAR = 'as far right as possible'
Answer = TypeVar('Answer')


@pytest.fixture
def graph() -> Iterator[RosGraph]:
    with RosGraph() as graph:
        yield graph


def asked(graph: RosGraph, ask: Callable[[], Answer]) -> Answer:
    """What the link comes to in another thread, while the nodes of this one have their turns."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(ask)
        graph.spin_until(future.done, 'an answer')
        return future.result()


def offered(graph: RosGraph, link: RobotLink, version: int) -> Offer:
    def there() -> bool:
        offer = link.state().offer
        return offer is not None and offer.version == version

    graph.spin_until(there, f'the offer of version {version}')
    offer = link.state().offer
    assert offer is not None
    return offer


def test_person_begins_decides_stops_and_arms_by_the_link(graph: RosGraph, tmp_path: Path) -> None:
    cell = SealedCell(graph, tmp_path, approval=ApprovalConfig(required=True), trials=6)
    with RobotLink(cell.keys, SPACE, 'Ada', graph.namespace) as link:
        graph.spin_until(lambda: link.state().optimizer and link.state().controller, 'both statuses')
        graph.spin_until(lambda: link.state().kind is Kind.SIMULATION, 'the leases')
        assert link.keyed
        aim, follows = asked(graph, lambda: link.understood(FAR))
        assert (aim, follows[:20]) == (FAR, '6 trials would start')
        assert not link.state().improving
        with pytest.raises(RobotError, match='was not understood'):
            asked(graph, lambda: link.understood('like a swan'))
        assert asked(graph, lambda: link.begin(FAR)).startswith('6 trials start now')
        first = offered(graph, link, 1)
        assert (first.proposed_by, first.changed_from, first.changes) == ('initial', 'the unchanged controller', ())
        with pytest.raises(RobotError, match='reason is empty'):
            asked(graph, lambda: link.decide(first, REJECT, 'Ada', '', ()))
        assert asked(graph, lambda: link.decide(first, APPROVE, 'Ada', '', ())) == 'version 1 is approved'
        second = offered(graph, link, 2)
        assert second.changed_from == 'what the controller was given last'
        shares = [abs(each.share) for each in second.changes]
        assert shares == sorted(shares, reverse=True) != []
        for wrong in (first, replace(second, numbers=first.numbers)):
            with pytest.raises(RobotError, match='something else waits by now'):
                asked(graph, lambda wrong=wrong: link.decide(wrong, APPROVE, 'Ada', '', ()))  # type: ignore[misc]
        own = (1.05, *(each.value for each in second.numbers[1:]))
        asked(graph, lambda: link.decide(second, EDIT, 'Ada', 'gently', own))
        graph.spin_until(lambda: any(trace.attenuation[0] == 1.05 for trace in cell.traces), 'the edited trial')
        offered(graph, link, 3)
        assert link.state().run == cell.sent[-1].run
        assert asked(graph, link.emergency_stop).startswith('emergency stop')
        graph.spin_until(lambda: link.state().controller == 'estop', 'the stop')
        assert link.state().fault == 'a person stopped the arm'
        asked(graph, lambda: link.resume('Ada'))
        graph.spin_until(lambda: link.state().controller == 'disarmed', 'the resume')
        assert asked(graph, lambda: link.arm('Ada')).startswith('armed by Ada')
        assert asked(graph, link.disarm).startswith('disarmed')
        assert asked(graph, link.cancel) == 'the run ends after the ball in flight'
        graph.spin_until(lambda: link.state().optimizer == OptimizerStatus.CANCELLED, 'the end')


def test_link_tells_where_the_ball_is_expected_once_the_method_says_so(graph: RosGraph, tmp_path: Path) -> None:
    first = 8
    cell = SealedCell(graph, tmp_path, approval=ApprovalConfig(required=True), trials=20, first_trials=first)
    with RobotLink(cell.keys, SPACE, 'Ada', graph.namespace) as link:
        graph.spin_until(lambda: link.state().optimizer and link.state().controller, 'both statuses')
        asked(graph, lambda: link.begin(FAR))
        for version in range(1, first + 1):
            offer = offered(graph, link, version)
            assert offer.landing is None
            asked(graph, lambda offer=offer: link.decide(offer, APPROVE, 'Ada', '', ()))  # type: ignore[misc]
        offer, said = offered(graph, link, first + 1), cell.waiting(first + 1)
        assert offer.landing == tuple(said.expected_landing) != ()


@pytest.mark.parametrize('said', [[], [0.4], [0.4, 0.9, 0.0], [0.4, math.nan], [math.inf, 0.9]])
def test_place_that_is_none_is_not_shown(graph: RosGraph, said: list[float]) -> None:
    with RobotLink(SecuritySettings(), SPACE, 'Ada', graph.namespace) as link:
        publisher = graph.publisher(OptimizerStatus, 'optimizer/status', LATCHED)
        waits = OptimizerStatus(state=OptimizerStatus.WAITING_FOR_APPROVAL, proposed_version=1, expected_landing=said)
        publisher.publish(waits)
        assert offered(graph, link, 1).landing is None
        waits.expected_landing, waits.proposed_version = [0.4, 0.9], 2
        publisher.publish(waits)
        assert offered(graph, link, 2).landing == (0.4, 0.9)


def test_without_the_operators_key_nothing_moves_and_stopping_works(graph: RosGraph, tmp_path: Path) -> None:
    cell = SealedCell(graph, tmp_path)
    wrong = replace(cell.keys, operator_file=str(tmp_path / 'another.key'))
    with RobotLink(wrong, SPACE, 'Eve', graph.namespace) as link:
        graph.spin_until(lambda: link.state().controller, 'the status')
        asked(graph, link.emergency_stop)
        graph.spin_until(lambda: link.state().controller == 'estop', 'the stop')
        with pytest.raises(RobotError, match='the token does not answer the challenge'):
            asked(graph, lambda: link.resume('Eve'))
        with pytest.raises(RobotError, match='the token does not answer the challenge'):
            asked(graph, lambda: link.arm('Eve'))


def test_status_of_somebody_else_is_not_shown_and_counted(graph: RosGraph, tmp_path: Path) -> None:
    cell = SealedCell(graph, tmp_path)
    with RobotLink(cell.keys, SPACE, 'Ada', graph.namespace) as link:
        graph.spin_until(lambda: link.state().optimizer, 'the status')
        before = link.state().optimizer
        publisher = graph.publisher(OptimizerStatus, 'optimizer/status', LATCHED, readers=2)
        forged = OptimizerStatus(state=OptimizerStatus.WAITING_FOR_APPROVAL, proposed_version=9)
        publisher.publish(forged)
        graph.spin_until(lambda: link.state().left_out, 'a message left out')
        assert (link.state().optimizer, link.state().offer) == (before, None)


def claim(role: str, timing: str) -> DiagnosticStatus:
    values = {'role': role, 'timing': timing, 'process': 'process 1 on x', 'age [s]': '1.0'}
    return DiagnosticStatus(
        level=DiagnosticStatus.OK, name=f'/{role}', hardware_id=role,
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )  # fmt: skip


def test_arm_is_a_physical_one_unless_its_stand_in_is_heard(graph: RosGraph) -> None:
    with RobotLink(SecuritySettings(), SPACE, 'Ada', graph.namespace) as link:
        assert link.state().kind is Kind.NOBODY
        publisher = graph.publisher(DiagnosticStatus, TOPIC, LATCHED)
        publisher.publish(claim('controller', 'clock'))
        graph.spin_until(lambda: link.state().kind is Kind.PHYSICAL, 'the arm')
        publisher.publish(claim('simulator', 'clock'))
        graph.spin_until(lambda: link.state().kind is Kind.STAND_IN, 'its stand-in')
        graph.spin_until(lambda: link.state().silent, 'the silence of the controller')
        graph.spin_until(lambda: link.state().kind is Kind.PHYSICAL, 'the silence of its stand-in')
        publisher.publish(claim('controller', 'lockstep'))
        graph.spin_until(lambda: link.state().kind is Kind.SIMULATION, 'a simulation')
        assert not link.state().silent


def test_link_may_do_what_it_does_and_nothing_else(graph: RosGraph) -> None:
    found = profiles_of(share_folder() / 'security' / 'policies' / 'hardware.xml')
    (granted,) = (each for each in found if each.node == NAME)
    moved = replace(granted, namespace=graph.namespace).granted(graph.namespace)
    with RobotLink(SecuritySettings(), SPACE, 'Ada', graph.namespace):
        graph.holds(lambda: not moved.differs(done_by(graph.probe, NAME, graph.namespace)), 10.0)
        assert moved.differs(done_by(graph.probe, NAME, graph.namespace)) == []
        enclaves = {
            enclave
            for name, where, enclave in graph.probe.get_node_names_and_namespaces_with_enclaves()
            if (name, where) == (NAME, graph.namespace)
        }
    assert enclaves == {granted.enclave}
