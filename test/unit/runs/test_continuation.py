"""A run that is broken off and gone on with: by another process, at any point, as if nothing had happened."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from chat_server import ChatServer
from curved_map import CurvedMap
from recorded_run import ROUGH_WEATHER

from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.method import Proposal
from llm_policy_improver.core.objective import parse_objective
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.trace import ExecutionTrace, Outcome
from llm_policy_improver.loop.choice import choose_optimizer
from llm_policy_improver.loop.improvement import Improvement, ImprovementError
from llm_policy_improver.loop.improvement_result import ATTEMPTS
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.runs.replay import replay
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import stored_parts

RIGHT = parse_objective('hit the ball as far right as possible')
NUMERIC = OptimizerSettings(trials=14, first_trials=8, objective=RIGHT.words)
TASK = CurvedMap(0)


class KilledError(Exception):
    """Here the process ended."""


def live(folder: Path, settings: OptimizerSettings, killed_at: int = -1) -> None:
    """One process: begins the run or goes on with it, to its end, or to the point of this number, from 0.

    It does what the optimizer node does, without the messages; the trace logger's part is the second store.
    """
    points = count()

    def point() -> None:
        if next(points) == killed_at:
            raise KilledError

    with closing(RunMemory(str(folder), resume=True)) as memory, RunStore.open(folder) as logger:
        run = memory.broken_off(settings) or memory.begin(settings, RIGHT, settings.trials)
        choice = choose_optimizer(settings)
        improvement = Improvement(
            RIGHT, choice.optimizer, settings.space(), trials=settings.trials, first_trials=settings.first_trials,
            history=run.history, fallback=choice.fallback,
            repeats_allowed=choice.repeats_allowed, first_version=memory.version + 1, in_force=memory.in_force,
        )  # fmt: skip
        improvement.restore(run.played)
        point()
        while not improvement.done:
            step = improvement.propose()
            if not run.waits(step):
                memory.take_step(RIGHT, step)
                point()
            trace = logger.add_trial(TASK.run(step.parameters, step.seed))
            point()
            memory.learn(trace)
            improvement.record(trace)
        memory.end('finished', 'done', improvement.next_version, improvement.unsettled, None)


def steps_in(folder: Path) -> list[tuple[object, ...]]:
    """All that must come out the same; versions only have to grow."""
    with RunStore.open(folder) as store:
        return [
            (step.parameters.attenuation, step.parameters.proposed_by, step.seed, step.reason, step.fallback,
             step.unchanged)
            for step in store.steps()
        ]  # fmt: skip


def broken(folder: Path, settings: OptimizerSettings, points: Iterator[int]) -> int:
    """The same run by as many processes as it takes, each killed after so many points; how many it took."""
    for processes in count(1):
        try:
            live(folder, settings, next(points))
        except KilledError:
            continue
        return processes
    raise AssertionError


@pytest.mark.parametrize('every', [1, 2, 3, 7])
def test_run_that_is_broken_off_again_and_again_is_the_run_that_was_not(tmp_path: Path, every: int) -> None:
    live(tmp_path / 'whole', NUMERIC)
    # The first process is killed before its first step.
    points = iter([0, *[every] * 100])
    assert broken(tmp_path / 'broken', NUMERIC, points) > 3
    assert steps_in(tmp_path / 'broken') == steps_in(tmp_path / 'whole')
    with RunStore.open(tmp_path / 'broken') as store:
        trials, versions = store.trials(), [step.parameters.version for step in store.steps()]
        assert len(trials) == NUMERIC.trials
        assert versions == sorted(set(versions)) == [trial.parameters.version for trial in trials]
        assert all(step.difference == '' for step in replay(store))
        assert store.ended()
        assert len(stored_parts(store)) == 1


@pytest.mark.parametrize('every', [1, 2, 5])
def test_language_model_is_asked_on_as_if_nothing_had_happened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, every: int
) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    prompts, steps = [], []
    for name in ('whole', 'broken'):
        with ChatServer() as server:
            server.script(*ROUGH_WEATHER)
            settings = replace(
                NUMERIC, optimizer='sas', model='test-model', base_url=server.url, request_retries=0,
                first_trials=6, trials=20,
            )  # fmt: skip
            broken(tmp_path / name, settings, iter([every if name == 'broken' else 1000] * 100))
            # Why the fallback was asked names the endpoint.
            steps.append(str(steps_in(tmp_path / name)).replace(server.url, 'URL'))
            prompts.append([request['messages'] for request in server.requests])
    assert prompts[0] == prompts[1]
    assert len(prompts[0]) > 10
    assert steps[0] == steps[1]
    assert 'so least_squares made this proposal' in steps[0]
    assert 'in a row and rests' in steps[0]


def test_run_that_has_ended_or_was_never_begun_is_not_gone_on_with(tmp_path: Path) -> None:
    with closing(RunMemory()) as memory:
        assert memory.broken_off(NUMERIC) is None
    with closing(RunMemory(str(tmp_path))) as memory:
        assert memory.broken_off(NUMERIC) is None
        assert not memory.ended(RIGHT)
    live(tmp_path, NUMERIC)
    with closing(RunMemory(str(tmp_path))) as memory:
        assert memory.broken_off(NUMERIC) is None
        assert memory.ended(RIGHT)
        assert not memory.ended(parse_objective('far left'))
        memory.begin(NUMERIC, RIGHT, NUMERIC.trials)
        assert not memory.ended(RIGHT)
        left = memory.broken_off(NUMERIC)
        assert left is not None
        assert (left.played, len(left.history)) == ((), NUMERIC.trials)


def test_run_with_other_settings_is_not_gone_on_with_and_the_difference_is_named(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        live(tmp_path, NUMERIC, killed_at=5)
    with closing(RunMemory(str(tmp_path))) as memory:
        for settings in (NUMERIC, replace(NUMERIC, objective='', trials=3, output_folder='elsewhere')):
            left = memory.broken_off(settings)
            assert left is not None
            assert (left.objective.words, left.trials) == (RIGHT.words, 14)
        with pytest.raises(SettingsError, match=r'broken off .* seed was 0 and is 7 now'):
            memory.broken_off(replace(NUMERIC, seed=7))


def test_trial_that_was_broken_off_is_no_trial_of_its_step(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        live(tmp_path, NUMERIC, killed_at=3)  # the second step waits for its trial
    with RunStore.open(tmp_path) as store:
        waiting = store.steps()[-1].parameters
        for attempt in range(1, ATTEMPTS + 1):
            store.add_trial(ExecutionTrace(waiting, Outcome.ABORTED, note='the arm was stopped'))
            with closing(RunMemory(str(tmp_path))) as memory:
                left = memory.broken_off(NUMERIC)
            assert left is not None
            step, trace = left.played[-1]
            assert step.parameters == waiting
            if attempt < ATTEMPTS:
                assert (trace, left.attempts) == (None, attempt)
            else:  # the parameters themselves may be the cause
                assert trace is not None
                assert (trace.trial, trace.outcome, left.attempts) == (4, Outcome.ABORTED, 0)


def test_aborted_trial_before_the_one_that_counts_is_not_shown_to_the_optimizer(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        live(tmp_path, NUMERIC, killed_at=3)
    with RunStore.open(tmp_path) as store:
        store.add_trial(ExecutionTrace(store.steps()[-1].parameters, Outcome.ABORTED))
    live(tmp_path, NUMERIC)
    with RunStore.open(tmp_path) as store:
        (part,) = stored_parts(store)
        assert [each.attempts for each in part.steps] == [1, 2, *[1] * 12]
        assert [trace.trial for trace in part.before(4)] == [1, 3, 4]
        assert all(step.difference == '' for step in replay(store))


def test_parameters_in_force_are_those_published_last(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        live(tmp_path, NUMERIC, killed_at=5)
    with RunStore.open(tmp_path) as store:
        last = store.steps()[-1].parameters
    with closing(RunMemory(str(tmp_path), resume=True)) as memory:
        assert memory.in_force == last
        good = memory.revert(0)
        assert good.version == last.version + 1
        assert good.attenuation != last.attenuation
    with closing(RunMemory(str(tmp_path), resume=True)) as memory:
        assert memory.in_force == good
        assert memory.version == good.version
    with closing(RunMemory(str(tmp_path))) as memory:
        assert memory.in_force is None, 'a new run does not begin with the parameters of an old one'


def test_version_that_a_person_has_seen_is_never_given_to_another_proposal(tmp_path: Path) -> None:
    case = GateCase((1.1, *(1.0,) * 7), 5, Proposal((1.1, *(1.0,) * 7), 'sas:model'), 'accepted', (), RIGHT)
    with closing(RunMemory(str(tmp_path))) as memory:
        memory.offer(case)
    with closing(RunMemory(str(tmp_path))) as memory:
        assert memory.version == 5


def test_only_a_fresh_run_can_be_restored() -> None:
    optimizer = choose_optimizer(NUMERIC).optimizer
    improvement = Improvement(RIGHT, optimizer, NUMERIC.space(), trials=4, first_trials=3)
    steps = []
    for _ in range(2):
        steps.append(improvement.propose())
        improvement.record(TASK.run(steps[-1].parameters, 0))
    with pytest.raises(ImprovementError, match='at its beginning only'):
        improvement.restore([(steps[0], None)])
    fresh = Improvement(RIGHT, optimizer, NUMERIC.space(), trials=4, first_trials=3)
    with pytest.raises(ImprovementError, match='a trial of every step but the last'):
        fresh.restore([(step, None) for step in steps])
    fresh.restore([(steps[0], TASK.run(steps[0].parameters, 0)), (steps[1], None)])
    assert fresh.propose() is steps[1]
    assert fresh.next_version == 3
