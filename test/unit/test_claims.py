"""Who holds a role: restarts meet no ghosts, two that live are told, and of two one is the newcomer."""

from dataclasses import replace

from llm_policy_improver.nodes.claims import BEAT, SILENT, Claim, Claims, Timing
from llm_policy_improver.table_tennis.observation import NANOSECONDS

OWN = Claim('controller', '/a/controller', Timing.CLOCK, 'own', 'process 1 on here')
LOGGER = Claim('trace_logger', '/a/trace_logger', Timing.CLOCK, 'first', 'process 2 on here')
SECOND = replace(LOGGER, holder='second', process='process 3 on here')


def at(seconds: float) -> int:
    return round(seconds * NANOSECONDS)


def beat(claims: Claims, claim: Claim, start: float, end: float) -> None:
    """Heartbeats from one moment to another, s."""
    for number in range(int((end - start) / BEAT) + 1):
        claims.hear(replace(claim, age=number * BEAT), at(start + number * BEAT))


def test_node_that_was_killed_and_its_successor_are_not_two() -> None:
    claims = Claims(OWN, 0)
    beat(claims, LOGGER, 0.0, 5.0)
    beat(claims, SECOND, 5.3, 6.0)
    assert claims.amiss(at(6.0)) == ''


def test_two_that_live_are_told_with_their_processes_until_one_is_silent() -> None:
    claims = Claims(OWN, 0)
    beat(claims, LOGGER, 0.0, 5.0)
    beat(claims, SECOND, 4.8, 6.0)
    assert claims.amiss(at(6.0)) == (
        'there are two nodes in the role of trace_logger: /a/trace_logger (process 2 on here) and '
        '/a/trace_logger (process 3 on here)'
    )
    beat(claims, SECOND, 6.5, 8.0)
    assert claims.amiss(at(5.0 + SILENT + 0.1)) == ''


def test_rival_of_the_node_itself_is_told_at_its_first_heartbeat() -> None:
    claims = Claims(OWN, 0)
    claims.hear(replace(OWN, holder='other', process='process 9 on there'), at(7.0))
    assert claims.amiss(at(7.0)).startswith('there are two nodes in the role of controller: /a/controller (process 1')
    claims = Claims(OWN, 0)
    claims.hear(OWN, at(7.0))
    assert claims.amiss(at(7.0)) == ''


def test_simulation_and_arm_are_mixed_whatever_their_roles_and_the_optimizer_goes_with_both() -> None:
    simulator = Claim('simulator', '/a/simulator', Timing.LOCKSTEP, 'sim', 'process 4 on here')
    claims = Claims(OWN, 0)
    claims.hear(Claim('optimizer', '/a/optimizer', Timing.EITHER, 'optimizer', ''), at(1.0))
    claims.hear(replace(simulator, timing=Timing.CLOCK), at(1.0))
    assert claims.amiss(at(1.0)) == ''
    claims.hear(simulator, at(1.0))
    assert claims.amiss(at(1.0)) == (
        'simulation and arm are mixed: /a/controller (process 1 on here) goes by clock, /a/simulator (process 4 on '
        'here) by lockstep'
    )


def test_one_latched_heartbeat_is_no_second_one() -> None:
    claims = Claims(OWN, 0)
    rival = replace(OWN, holder='other', age=3.0)
    claims.hear(rival, at(1.0))
    claims.hear(rival, at(1.1))
    assert len(claims.rivals(at(1.2), beats=1)) == 1
    assert claims.rivals(at(1.2), beats=2) == []
    claims.hear(replace(rival, age=3.5), at(1.5))
    assert len(claims.rivals(at(1.5), beats=2)) == 1


def test_exactly_one_of_two_is_the_newcomer() -> None:
    old, young = replace(OWN, age=60.0), replace(OWN, holder='other', age=2.0)
    assert young.came_after(old)
    assert not old.came_after(young)
    same = replace(old, holder='z')
    assert same.came_after(old) is not old.came_after(same)


def test_flood_of_names_fills_no_memory() -> None:
    claims = Claims(OWN, 0)
    for number in range(10_000):
        claims.hear(replace(OWN, role='x', holder=str(number)), at(1.0))
    assert len(claims._heard) == 32
