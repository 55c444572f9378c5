"""A run that is interrupted and resumed: by another process, at any point, as if nothing had happened."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from chat_server import ChatServer
from curved_map import CurvedMap
from paths import FORMAT_3
from recorded_run import ROUGH_WEATHER

from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.improvement import ImprovementError
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import ATTEMPTS, Step
from llm_policy_improver.runs.checkpoint import interrupted
from llm_policy_improver.runs.replay import replay
from llm_policy_improver.runs.run_memory import RunMemory
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.stored_run import stored_parts
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.tracing.observed import Outcome, trial_of

RIGHT = parse_objective('hit the ball as far right as possible')
NUMERIC = OptimizerSettings(trials=14, first_trials=8, objective=RIGHT.words, all_trials=True)
TASK = CurvedMap(0)


class KilledError(Exception):
    """Here the process ended."""


def live(folder: Path, settings: OptimizerSettings, killed_at: int = -1) -> None:
    """One process: begins the run or resumes it, to its end, or to the point of this number, from 0.

    It does what the optimizer node does, without the messages; the trace logger's part is the second store.
    """
    points = count()

    def point() -> None:
        if next(points) == killed_at:
            raise KilledError

    with closing(RunMemory(NUMERIC.space(), str(folder), resume=True)) as memory, RunStore.open(folder) as logger:
        run = memory.interrupted(settings) or memory.begin(settings, RIGHT, settings.trials)
        improvement = assemble(settings).improvement(
            RIGHT, history=run.history, first_version=memory.version + 1,
            in_force=None if memory.in_force is None else memory.in_force[1],
        )  # fmt: skip
        improvement.restore(run.played)
        point()
        while not improvement.done:
            step = improvement.propose()
            if not run.waits(step):
                memory.take_step(RIGHT, step)
                point()
            trial = logger.add_trial(step.play(TASK, improvement.history))
            point()
            memory.learn(trial)
            improvement.record(trial)
        memory.end('finished', 'done', improvement.next_version, improvement.unsettled, None, improvement.recommended)


def steps_in(folder: Path) -> list[tuple[object, ...]]:
    """All that must come out the same; versions only have to grow."""
    with RunStore.open(folder) as store:
        return [
            (step.policy, step.proposed_by, step.seed, step.reason, step.proposal.instead_of, step.in_vain)
            for step in (stored.step for stored in store.steps())
        ]


def interrupted_often(folder: Path, settings: OptimizerSettings, points: Iterator[int]) -> int:
    """The same run by as many processes as it takes, each killed after so many points; how many it took."""
    for processes in count(1):
        try:
            live(folder, settings, next(points))
        except KilledError:
            continue
        return processes
    raise AssertionError


@pytest.mark.parametrize('every', [1, 2, 3, 7])
def test_run_that_is_interrupted_again_and_again_is_the_run_that_was_not(tmp_path: Path, every: int) -> None:
    live(tmp_path / 'whole', NUMERIC)
    # The first process is killed before its first step.
    points = iter([0, *[every] * 100])
    assert interrupted_often(tmp_path / 'interrupted', NUMERIC, points) > 3
    assert steps_in(tmp_path / 'interrupted') == steps_in(tmp_path / 'whole')
    with RunStore.open(tmp_path / 'interrupted') as store:
        trials, versions = store.trials(), [stored.step.version for stored in store.steps()]
        assert len(trials) == NUMERIC.trials
        assert versions == sorted(set(versions)) == [trial.version for trial in trials]
        assert all(step.difference == '' for step in replay(store))
        assert store.ended()
        assert len(stored_parts(store)) == 1


def test_run_that_an_earlier_version_began_is_resumed_as_if_this_one_had(tmp_path: Path) -> None:
    # Interrupted in its eleventh step, one of whose trials had been aborted.
    shutil.copytree(FORMAT_3 / 'interrupted', tmp_path / 'interrupted')
    live(tmp_path / 'interrupted', NUMERIC)
    live(tmp_path / 'whole', NUMERIC)
    with RunStore.open(tmp_path / 'interrupted') as store, RunStore.open(tmp_path / 'whole') as other:
        found, wanted = ([stored.step for stored in each.steps()] for each in (store, other))
        assert [step.policy for step in found] == [step.policy for step in wanted]
        assert [step.proposed_by for step in found] == [step.proposed_by for step in wanted]
        assert [trial.number for trial in store.trials() if trial.tested] == [*range(1, 11), *range(12, 16)]
        assert store.ended()
        assert all(step.difference == '' for step in replay(store))


@pytest.mark.parametrize('every', [1, 2, 5])
def test_language_model_is_asked_on_as_if_nothing_had_happened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, every: int
) -> None:
    monkeypatch.setenv('OPENAI_API_KEY', 'none')
    prompts, steps = [], []
    for name in ('whole', 'interrupted'):
        with ChatServer() as server:
            server.script(*ROUGH_WEATHER)
            settings = replace(
                NUMERIC, method='sas', model='test-model', base_url=server.url, request_retries=0,
                first_trials=6, trials=20,
            )  # fmt: skip
            interrupted_often(
                tmp_path / name, settings, iter([every if name == 'interrupted' else 1000] * 100)
            )
            # Why the fallback was asked names the endpoint.
            steps.append(str(steps_in(tmp_path / name)).replace(server.url, 'URL'))
            prompts.append([request['messages'] for request in server.requests])
    assert prompts[0] == prompts[1]
    assert len(prompts[0]) > 10
    assert steps[0] == steps[1]
    assert 'Failure.UNUSABLE' in steps[0]
    assert 'Failure.RESTING' in steps[0]


def test_run_that_has_ended_or_was_never_begun_is_not_resumed(tmp_path: Path) -> None:
    with closing(RunMemory(NUMERIC.space())) as memory:
        assert memory.interrupted(NUMERIC) is None
    with closing(RunMemory(NUMERIC.space(), str(tmp_path))) as memory:
        assert memory.interrupted(NUMERIC) is None
        assert not memory.ended(RIGHT.words)
    live(tmp_path, NUMERIC)
    with closing(RunMemory(NUMERIC.space(), str(tmp_path))) as memory:
        assert memory.interrupted(NUMERIC) is None
        assert memory.ended(RIGHT.words)
        assert not memory.ended('far left')
        memory.begin(NUMERIC, RIGHT, NUMERIC.trials)
        assert not memory.ended(RIGHT.words)
        left = memory.interrupted(NUMERIC)
        assert left is not None
        assert (left.played, len(left.history)) == ((), NUMERIC.trials)


@pytest.mark.parametrize('state', ['cancelled', 'failed'])
def test_run_that_a_person_ended_or_that_failed_goes_on_only_where_a_person_asks(
    tmp_path: Path, state: str
) -> None:
    with pytest.raises(KilledError):
        live(tmp_path, NUMERIC, killed_at=5)
    with RunStore.open(tmp_path) as store:
        store.add_end(state, '')
        assert interrupted(store, NUMERIC) is None
        left = interrupted(store, NUMERIC, asked_for=True)
        assert left is not None
        assert [trial is None for _, trial in left.played] == [False, False, True]
        store.add_end('finished', '')
        assert interrupted(store, NUMERIC, asked_for=True) is None


def test_run_with_other_settings_is_not_resumed_and_the_difference_is_named(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        live(tmp_path, NUMERIC, killed_at=5)
    with closing(RunMemory(NUMERIC.space(), str(tmp_path))) as memory:
        for settings in (NUMERIC, replace(NUMERIC, objective='', trials=3, output_folder='elsewhere')):
            left = memory.interrupted(settings)
            assert left is not None
            assert (left.objective.words, left.trials) == (RIGHT.words, 14)
        with pytest.raises(
            SettingsError, match=r'was interrupted and cannot be resumed: seed was 0 and is 7 now'
        ):
            memory.interrupted(replace(NUMERIC, seed=7))


def aborted(step: Step) -> Trial:
    return step.played(trial_of(Modulation.of(step.parameters), Outcome.ABORTED, {}, 'the arm was stopped'))


def test_trial_that_was_aborted_is_no_trial_of_its_step(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        live(tmp_path, NUMERIC, killed_at=3)  # the second step waits for its trial
    with RunStore.open(tmp_path) as store:
        waiting = store.steps()[-1].step
        for attempt in range(1, ATTEMPTS + 1):
            store.add_trial(aborted(waiting))
            with closing(RunMemory(NUMERIC.space(), str(tmp_path))) as memory:
                left = memory.interrupted(NUMERIC)
            assert left is not None
            step, trial = left.played[-1]
            assert (step.policy, step.version) == (waiting.policy, waiting.version)
            if attempt < ATTEMPTS:
                assert (trial, left.attempts) == (None, attempt)
            else:  # the policy itself may be the cause
                assert trial is not None
                assert (trial.number, trial.outcome, left.attempts) == (4, Outcome.ABORTED, 0)


def test_aborted_trial_before_the_one_that_counts_is_not_shown_to_the_optimizer(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        live(tmp_path, NUMERIC, killed_at=3)
    with RunStore.open(tmp_path) as store:
        store.add_trial(aborted(store.steps()[-1].step))
    live(tmp_path, NUMERIC)
    with RunStore.open(tmp_path) as store:
        (part,) = stored_parts(store)
        assert [each.attempts for each in part.steps] == [1, 2, *[1] * 12]
        assert [trial.number for trial in part.before(4)] == [1, 3, 4]
        assert all(step.difference == '' for step in replay(store))


def test_policy_in_force_is_the_one_published_last(tmp_path: Path) -> None:
    with pytest.raises(KilledError):
        live(tmp_path, NUMERIC, killed_at=5)
    with RunStore.open(tmp_path) as store:
        last = store.steps()[-1].step
    with closing(RunMemory(NUMERIC.space(), str(tmp_path), resume=True)) as memory:
        assert memory.in_force == (last.version, Proposal(last.policy, last.proposed_by))
        version, good = memory.revert(0)
        assert version == last.version + 1
        assert good.policy != last.policy
    with closing(RunMemory(NUMERIC.space(), str(tmp_path), resume=True)) as memory:
        assert memory.in_force is not None
        in_force = memory.in_force[1]
        assert memory.in_force[0] == memory.version == version
        assert (in_force.policy, in_force.proposed_by) == (good.policy, good.proposed_by)
    with closing(RunMemory(NUMERIC.space(), str(tmp_path))) as memory:
        assert memory.in_force is None, 'a new run does not begin with the policy of an old one'


def test_version_that_a_person_has_seen_is_never_given_to_another_proposal(tmp_path: Path) -> None:
    policy = NUMERIC.space().at((1.1, *(1.0,) * 7))
    case = GateCase(Proposal(policy, 'sas:model'), 5, (), (), RIGHT)
    with closing(RunMemory(NUMERIC.space(), str(tmp_path))) as memory:
        memory.offer(case)
    with closing(RunMemory(NUMERIC.space(), str(tmp_path))) as memory:
        assert memory.version == 5


def test_reverting_takes_a_version_above_what_the_controller_uses(tmp_path: Path) -> None:
    with closing(RunMemory(NUMERIC.space(), str(tmp_path))) as memory:
        assert [memory.revert(active)[0] for active in (39, 0)] == [40, 41]


def test_only_a_fresh_run_can_be_restored() -> None:
    assembly = assemble(replace(NUMERIC, first_trials=3))
    improvement = assembly.improvement(RIGHT, trials=4)
    steps = []
    for _ in range(2):
        steps.append(improvement.propose())
        improvement.record(steps[-1].played(TASK.run(steps[-1].parameters, 0)))
    with pytest.raises(ImprovementError, match='at its beginning only'):
        improvement.restore([(steps[0], None)])
    fresh = assembly.improvement(RIGHT, trials=4)
    with pytest.raises(ImprovementError, match='a trial of every step but the last'):
        fresh.restore([(step, None) for step in steps])
    fresh.restore([(steps[0], steps[0].played(TASK.run(steps[0].parameters, 0))), (steps[1], None)])
    assert fresh.propose() is steps[1]
    assert fresh.next_version == 3
