"""What of the settings is refused for the arm that runs, and for a run that would improve nothing."""

from dataclasses import replace

import pytest
from paths import CONFIG

from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.settings_gates import make_gates
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.rehearsal_config import RehearsalConfig
from llm_policy_improver.table_tennis.space import NEUTRAL

THE_ARM = RehearsalConfig(config=str(CONFIG / 'hardware.yaml'), safety=str(CONFIG / 'safety.yaml'))
WIDE = OptimizerSettings(parameters='both', residual_high=(*[0.4] * 7, 0.5), rehearsal=THE_ARM)
RIGHT = parse_objective('as far right as possible')


@pytest.mark.parametrize('rehearse', [False, True])
@pytest.mark.parametrize('parameters', ['residual', 'both'])
def test_residuals_beyond_the_safety_file_are_refused_at_the_start(rehearse: bool, parameters: str) -> None:
    why = (
        "the residual of axis_6 may be -0.4 to 0.5, and the arm's safety file allows -0.4 to 0.4: narrow "
        'residual_low and residual_high'
    )
    with pytest.raises(SettingsError, match=why):
        make_gates(replace(WIDE, rehearse=rehearse, parameters=parameters))


def test_bounds_that_are_not_searched_or_of_no_arm_are_no_fault() -> None:
    assert make_gates(replace(WIDE, parameters='attenuation')) == ()
    assert make_gates(replace(WIDE, rehearsal=RehearsalConfig())) == ()
    assert make_gates(replace(WIDE, residual_high=(0.4,) * 8)) == ()


def test_safety_file_that_is_missing_is_told_without_a_rehearsal_too() -> None:
    with pytest.raises(SettingsError, match=r'none\.yaml: cannot be read'):
        make_gates(replace(WIDE, rehearsal=replace(THE_ARM, safety='none.yaml')))


def test_run_that_ends_before_its_method_is_asked_is_refused_unless_earlier_trials_stand_in() -> None:
    assembly = assemble(OptimizerSettings(trials=3, first_trials=6))
    earlier = [Trial(NEUTRAL, 'missed')] * 2
    for history, due in ((), 6), (earlier, 4):
        with pytest.raises(SettingsError, match=f'3 trials end before the {due} first trials do'):
            assembly.improvement(RIGHT, history=history)
    assert assembly.improvement(RIGHT, history=earlier, trials=4).trials == 4
    assert assembly.improvement(RIGHT, history=earlier * 3, trials=1).trials == 1
