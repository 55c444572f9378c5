"""A run of programs on disk: programs, memos and episodes come back as they were."""

import json
from pathlib import Path

import pytest
from stored_trials import trace_of

from llm_policy_improver.core.environment import Transition
from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.policy import Program
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs import stored_json
from llm_policy_improver.runs.store import RunStore, StoreError

PROGRAM = Program('class Policy:\n    def act(self, obs):\n        return "é"\n', 'Policy')
EPISODES = (
    Episode(
        (0.1, 1.0),
        (1, 0),
        (Transition((0.1 + 0.2, 2.0), -1.0), Transition((1 / 3, 0.0), 5.0, True, success=True)),
    ),
    Episode((0.0, 0.0), ((0.25, -1.0),), (Transition((1e-300, 2.0), 0.1, truncated=True),)),
)
MEMOS = {'round': '1', 'feedback': 'class Feedback:\n    pass\n', 'reflection': 'It leans.\n'}


def test_episodes_programs_and_memos_come_back(tmp_path: Path) -> None:
    trial = Trial(PROGRAM, 'played', {'return': 4.0}, succeeded=True, version=1, samples=EPISODES)
    with RunStore.create(tmp_path / 'run', {}) as store:
        store.add_step('much', Step(1, PROGRAM, 1, Proposal(PROGRAM, 'prompt_po:m', memos=MEMOS), 0))
        assert store.add_trial(trial).number == 1
        assert store.add_trial(Trial(PROGRAM, 'crashed', samples=())).number == 2
    with RunStore.open(tmp_path / 'run') as store:
        assert store.episodes(1) == EPISODES
        assert store.episodes(2) == ()
        assert store.trials()[0].policy == PROGRAM
        (stored,) = store.steps()
        assert stored.step.proposal.memos == MEMOS
        assert stored.step.policy == PROGRAM


def test_time_series_and_episodes_are_not_taken_for_each_other(tmp_path: Path) -> None:
    with RunStore.create(tmp_path / 'run', {}) as store:
        store.add_trial(trace_of(1))
        store.add_trial(Trial(PROGRAM, 'played', samples=EPISODES))
        store.samples(1)
        with pytest.raises(StoreError, match='could not read the episodes of trial 1'):
            store.episodes(1)
        with pytest.raises(StoreError, match='could not read the samples of trial 2'):
            store.samples(2)
        with pytest.raises(StoreError, match='has no trial 3'):
            store.episodes(3)


def test_file_of_episodes_that_was_never_committed_is_removed(tmp_path: Path) -> None:
    RunStore.create(tmp_path / 'run', {}).close()
    left = tmp_path / 'run' / 'trials' / '0001.episodes.json.gz'
    left.write_bytes(b'half')
    RunStore.open(tmp_path / 'run').close()
    assert not left.exists()


def test_damaged_episodes_are_named(tmp_path: Path) -> None:
    with RunStore.create(tmp_path / 'run', {}) as store:
        store.add_trial(Trial(PROGRAM, 'played', samples=EPISODES))
        path = tmp_path / 'run' / 'trials' / '0001.episodes.json.gz'
        path.write_bytes(path.read_bytes()[:-6])
        with pytest.raises(StoreError, match='it is damaged'):
            store.episodes(1)


def test_proposal_of_an_earlier_version_has_no_memos() -> None:
    content = json.loads(stored_json.write(Proposal, Proposal(PROGRAM, 'me', memos=MEMOS)))
    del content['memos']
    assert stored_json.read(Proposal, json.dumps(content)) == Proposal(PROGRAM, 'me')
