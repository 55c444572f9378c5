"""`improve` in a script or a notebook: the same assembly, trials and records as on the command line."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from recorded_run import RIGHT
from recorded_run import improve as on_the_command_line

from llm_policy_improver.cli.resume import resume
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.space import Parameter, ParameterSpace
from llm_policy_improver.core.term import Extreme, Term
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.approval import ApprovalConfig
from llm_policy_improver.loop.improvement import ImprovementError
from llm_policy_improver.loop.step import TrialResult
from llm_policy_improver.runs.improving import improve
from llm_policy_improver.runs.replay import replay
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.runs.stored_run import stored_settings
from llm_policy_improver.table_tennis.measures.height import NET_CLEARANCE
from llm_policy_improver.table_tennis.rehearsal_config import RehearsalConfig
from llm_policy_improver.table_tennis.space import parameter_space

SPACE = ParameterSpace((Parameter('v', 'speed', 0.0, 2.0, 1.0, 'm/s'),))
WAY = Measure('way', 'm', 'how far it went', 0.0, 2.0, told_by=frozenset({'went'}))
ONE_METRE = Objective('1.5 m', (Term(WAY, 1.5),))


class Walk:
    """A task of one's own; notes its seeds."""

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def run(self, policy: Parameters, seed: int) -> Trial:
        self.seeds.append(seed)
        return Trial(policy, 'went', {'way': policy.values[0]}, succeeded=True)


class Always:
    """A method of one's own: the same values again and again."""

    name = 'always'

    def __init__(self, space: ParameterSpace, value: float = 1.05) -> None:
        self._policy = space.at([value] * space.dimension)

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        return Proposal(self._policy, self.name)


class StoppedError(Exception):
    """What a person's own code may raise in mid-run."""


def stopping(after: int) -> Any:
    def stop(result: TrialResult) -> None:
        if result.number == after:
            raise StoppedError

    return stop


def trials_of(folder: Path) -> list[tuple[Parameters, str, Any]]:
    with RunStore.open(folder) as store:
        return [(trial.parameters, trial.note, store.start(trial.number)) for trial in store.trials()]


def played(folder: Path) -> list[tuple[Parameters, str]]:
    return [(parameters, note) for parameters, note, _ in trials_of(folder)]


# --- a method that has a name ---------------------------------------------------------------------------------


def test_varied_balls_are_those_of_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    options = ('--trials', '7', '--first-trials', '5', '--seed', '3', '--vary-balls', '--method', 'quadratic')
    on_the_command_line(monkeypatch, tmp_path / 'line', *options)
    improve(
        RIGHT, method='quadratic', trials=7, first_trials=5, seed=3, vary_balls=True, all_trials=True,
        folder=tmp_path / 'call',
    )  # fmt: skip
    assert played(tmp_path / 'call') == played(tmp_path / 'line')
    with RunStore.open(tmp_path / 'call') as call, RunStore.open(tmp_path / 'line') as line:
        assert call.description == line.description
        assert [each.content for each in call.settings()] == [each.content for each in line.settings()]
        assert call.ended()


@pytest.mark.parametrize('vary_balls', [False, True])
def test_stored_run_is_replayed(tmp_path: Path, vary_balls: bool) -> None:
    improve('far left', trials=7, first_trials=5, vary_balls=vary_balls, folder=tmp_path / 'run')
    with RunStore.open(tmp_path / 'run') as store:
        assert [step.difference for step in replay(store)] == [''] * 7


FLAT = Objective('a flat ball', (Term(NET_CLEARANCE, Extreme.SMALLEST),), 'as low over the net as possible')


@pytest.mark.parametrize('objective', [RIGHT, FLAT], ids=['words', 'terms'])
def test_interrupted_run_is_resumed_as_if_nothing_had_happened(
    tmp_path: Path, objective: str | Objective
) -> None:
    settings: dict[str, Any] = {'trials': 7, 'first_trials': 5, 'vary_balls': True, 'all_trials': True}
    improve(objective, folder=tmp_path / 'whole', **settings)
    with pytest.raises(StoppedError):
        improve(objective, folder=tmp_path / 'run', on_trial=stopping(3), **settings)
    assert len(played(tmp_path / 'run')) == 3
    result = CliRunner().invoke(resume, [str(tmp_path / 'run')], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert played(tmp_path / 'run') == played(tmp_path / 'whole')
    with pytest.raises(StoreError, match='has come to its end: there is nothing to resume'):
        CliRunner().invoke(resume, [str(tmp_path / 'run')], catch_exceptions=False)


def test_run_in_another_thread_is_stored(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as thread:
        run = thread.submit(improve, RIGHT, trials=2, first_trials=2, folder=tmp_path / 'run')
        assert run.result().trials == 2
    assert len(played(tmp_path / 'run')) == 2


# --- a method of one's own ------------------------------------------------------------------------------------


def test_own_method_meets_varied_balls_and_may_repeat_under_noise() -> None:
    results: list[TrialResult] = []
    improve(
        RIGHT, method=Always(parameter_space()), trials=5, first_trials=2, vary_balls=True, landing_noise=0.05,
        all_trials=True, on_trial=results.append,
    )  # fmt: skip
    assert [result.step.seed for result in results] == [1, 2, 3, 4, 5]
    assert len({result.trial.note for result in results[2:]}) > 1, 'the same values, other balls'
    assert [result.step.unchanged for result in results] == [False] * 5


def test_own_method_passes_the_gates_of_the_settings() -> None:
    own = Always(parameter_space(), 0.6)  # too slow to return a ball
    results: list[TrialResult] = []
    improve(
        RIGHT, method=own, trials=2, first_trials=1, rehearse=True,
        rehearsal=RehearsalConfig(trials=1, most_misses=0), on_trial=results.append,
    )  # fmt: skip
    step = results[1].step
    assert step.policy != parameter_space().at([0.6] * 8), 'what is refused is not played'
    refused = [not verdict.passed for audit in step.audits for verdict in audit.verdicts]
    assert refused == [True, False]
    with pytest.raises(SettingsError, match=r'approval.required is true, and nobody can be asked here'):
        improve(RIGHT, method=own, approval=ApprovalConfig(required=True))


def test_run_of_an_own_method_can_be_read_but_not_assembled(tmp_path: Path) -> None:
    improve(RIGHT, method=Always(parameter_space()), trials=3, first_trials=2, folder=tmp_path / 'run')
    why = 'was proposed by always, a method of the program that played it, which cannot be assembled here'
    with RunStore.open(tmp_path / 'run') as store:
        made_with = stored_settings(store)
        assert made_with is not None
        assert made_with.meant(RIGHT).words == RIGHT
        with pytest.raises(SettingsError, match=why):
            next(replay(store))
    with pytest.raises(StoppedError):
        improve(
            RIGHT, method=Always(parameter_space()), trials=3, first_trials=2, folder=tmp_path / 'stopped',
            on_trial=stopping(2),
        )  # fmt: skip
    with pytest.raises(SettingsError, match=why):
        CliRunner().invoke(resume, [str(tmp_path / 'stopped')], catch_exceptions=False)


# --- a task of one's own --------------------------------------------------------------------------------------


def test_own_task_draws_by_the_settings_and_is_stored(tmp_path: Path) -> None:
    task = Walk()
    result = improve(
        ONE_METRE, task, Always(SPACE), space=SPACE, trials=4, first_trials=2, vary_balls=True, landing_noise=0.1,
        all_trials=True, folder=tmp_path / 'run',
    )  # fmt: skip
    assert task.seeds == [1, 2, 3, 4]
    assert result.method == 'always'
    with RunStore.open(tmp_path / 'run') as store:
        assert [trial.measures['way'] for trial in store.trials()][2:] == [1.05, 1.05]
        with pytest.raises(StoreError, match='does not hold its settings, so it cannot be replayed'):
            next(replay(store))


# --- what is refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'given',
    [
        {'objective': RIGHT},
        {'objective': RIGHT, 'method': Always(parameter_space())},
        {'objective': ONE_METRE, 'task': Walk(), 'method': Always(SPACE), 'space': SPACE},
    ],
    ids=['by name', 'own method', 'own task'],
)
def test_run_that_would_improve_nothing_is_refused_before_any_trial(
    given: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match='10 trials end before the 24 first trials do'):
        improve(**given, trials=10, folder=tmp_path / 'run')
    assert not (tmp_path / 'run').exists()


@pytest.mark.parametrize(
    ('given', 'why'),
    [
        ({'objective': RIGHT, 'task': Walk()}, 'mean nothing to a task of your own'),
        (
            {'objective': ONE_METRE, 'task': Walk(), 'method': 'cma_es', 'space': SPACE},
            'needs a space and a method',
        ),
        (
            {
                'objective': ONE_METRE,
                'task': Walk(),
                'method': Always(SPACE),
                'space': SPACE,
                'rehearse': True,
            },
            'rehearse means nothing to a task and a method of your own',
        ),
        ({'objective': RIGHT, 'space': parameter_space()}, 'a space goes with a task of your own'),
    ],
)
def test_what_does_not_go_together_is_refused(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ImprovementError, match=why):
        improve(**given)
