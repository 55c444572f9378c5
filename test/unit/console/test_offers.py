"""What is told of a proposal that waits: of one in this process, and of one whose run is stored beside its nodes."""

from dataclasses import replace
from pathlib import Path

import pytest
from made_up_runs import add_trial, landed, make_run

pytest.importorskip('nicegui', reason='the console needs the extra "console"')

from llm_policy_improver.console.own_run_card import offer_of
from llm_policy_improver.console.stored_offer import beside_best
from llm_policy_improver.console.watched_run import WatchedRun
from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.report.robot import Number, Offer
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import RunSettings
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import parameter_space

SPACE = parameter_space()
VERSION = 9


def case(*, reason: str) -> GateCase:
    """After eight trials, g is raised from the best one, and nothing else is changed."""
    history = tuple(replace(landed(number), number=number) for number in range(1, VERSION))
    objective = parse_objective('far left corner')
    best = objective.best(history)
    assert best is not None
    values = list(SPACE.values(best))
    values[SPACE.names.index('g')] = 1.35
    memos = Expectation(0.2, 0.1, 0.3, 0.8).memos()
    proposal = Proposal(SPACE.at(values), 'sas:m', reason=reason, memos=memos)
    return GateCase(proposal, VERSION, (), history, objective)


def shown_by_nodes(waiting: GateCase) -> Offer:
    """As a status tells it, without what the store knows."""
    numbers = tuple(
        Number(each.label, value)
        for each, value in zip(SPACE.parameters, SPACE.values(waiting.proposal), strict=True)
    )
    told = (('Why', waiting.proposal.reason), ('Automatic checks', 'accepted'))
    return Offer(VERSION, 'sas:m', told, 'what the controller was given last', (), (), (), '', numbers)


def stored(folder: Path) -> WatchedRun:
    make_run(folder, VERSION - 1)
    return WatchedRun(folder)


def test_offer_tells_what_changes_from_the_best_and_what_contradicts_it() -> None:
    offer = offer_of(case(reason='g is lowered for more height.'), SPACE)
    assert offer.changed_from == 'trial 8, the best so far'
    assert [(change.label, change.after) for change in offer.changes] == [('g (axis_5)', 1.35)]
    assert dict(offer.told)['Expected'] == '0.10 to 0.30 m to the goal (8 of 10), 80% to return'
    (against,) = offer.contradictions
    assert against.startswith('The reason says g (axis_5) is lowered; it was raised')
    assert offer_of(case(reason='g is raised for more height.'), SPACE).contradictions == ()


def test_what_the_nodes_offer_is_compared_with_the_best_trial_in_the_store(tmp_path: Path) -> None:
    shown = shown_by_nodes(case(reason='g is lowered for more height.'))
    offer = beside_best(shown, stored(tmp_path / 'run'))
    assert offer.changed_from == 'trial 8, the best so far'
    assert [change.label for change in offer.changes] == ['g (axis_5)']
    assert offer.contradictions[0].startswith('The reason says g (axis_5) is lowered; it was raised')
    assert (offer.numbers, offer.told) == (shown.numbers, shown.told)


def test_offer_of_other_parameters_or_of_a_program_stays_as_it_was_shown(tmp_path: Path) -> None:
    run, shown = stored(tmp_path / 'run'), shown_by_nodes(case(reason='g is lowered.'))
    for other in (replace(shown, numbers=shown.numbers[1:]), replace(shown, numbers=(), source='class Policy: ...')):
        assert beside_best(other, run) == other


def test_offer_of_a_run_that_stored_nothing_yet_is_not_compared_with_the_run_before(tmp_path: Path) -> None:
    run, shown = stored(tmp_path / 'run'), shown_by_nodes(case(reason='g is lowered.'))
    assert beside_best(shown, run) != shown
    with RunStore.open(tmp_path / 'run') as store:
        objective = parse_objective('far left corner')
        RunSettings(OptimizerSettings(objective=objective.words), history=0, objective=objective).store(store)
        add_trial(store, VERSION)
        store.add_end('finished', 'all trials were played')
    assert beside_best(shown, run) == shown
