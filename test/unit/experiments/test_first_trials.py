"""The one-sided first trials of an experiment."""

from collections.abc import Sequence

import pytest

from llm_policy_improver.core.policy import Parameters
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.experiments import first_trials
from llm_policy_improver.experiments.first_trials import one_sided
from llm_policy_improver.experiments.rows import ExperimentError
from llm_policy_improver.table_tennis.space import parameter_space


def test_a_side_where_hardly_any_trial_lands_is_refused_with_what_was_played(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(first_trials, 'MOST_SPREADS', 2)
    monkeypatch.setattr(first_trials, 'SPREAD', 4)
    monkeypatch.setattr(first_trials, 'on_side', lambda trial, side: trial.version == 3)

    def play(before: Sequence[Trial], policy: Parameters, number: int) -> Trial:
        return Trial(policy, 'landed', version=number)

    # The unchanged controller is played in the first spread alone: 5 and 4 policies.
    with pytest.raises(ExperimentError, match='only 1 of 9 trials landed on the side "left", and 2 are needed'):
        one_sided(play, 'left', (0,), parameter_space(), 2)
