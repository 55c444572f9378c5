"""What settings come to where a method begins with simulated trials."""

from pathlib import Path

import pytest
from noisy_arm import Scripted

from llm_policy_improver.loop.build import Assembly, assemble
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.table_tennis.rehearsal_config import RehearsalConfig


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))


def test_what_is_said_tells_that_trials_are_simulated_first() -> None:
    said = assemble(OptimizerSettings(method='bayesian')).said
    assert said.startswith('bayesian proposes, a regression and no language model; ')
    assert '3,200 trials are simulated for it first, once, in some ' in said
    assert assemble(OptimizerSettings(method='least_squares')).prior is None


def test_the_simulated_cell_is_as_noisy_as_the_settings_say() -> None:
    quiet, noisy = (
        assemble(OptimizerSettings(method='bayesian', landing_noise=noise)).prior for noise in (0.0, 0.04)
    )
    assert quiet is not None
    assert noisy is not None
    assert quiet.cell[0].camera_noise == 0.0
    assert not quiet.cell[0].latency.present
    assert noisy.cell[0].camera_noise == 0.003
    assert noisy.cell[0].balls == 'standard'


def test_the_arm_of_the_launch_files_is_simulated_with_its_own_controller() -> None:
    rehearsal = RehearsalConfig(config='config/hardware.yaml', camera_noise=0.002)
    prior = assemble(OptimizerSettings(method='bayesian', rehearsal=rehearsal)).prior
    assert prior is not None
    assert prior.cell[0].camera_noise == 0.002
    assert prior.cell[0].latency.arm_action == prior.cell[1].latency.arm_action > 0.0


@pytest.mark.parametrize('method', ['sas', 'hybrid'])
def test_language_model_is_told_by_the_same_prior_where_trials_are_noisy(method: str) -> None:
    def assembled(noise: float, options: SasOptions | None = None) -> Assembly:
        settings = OptimizerSettings(method=method, model='scripted', landing_noise=noise)
        return assemble(settings, Scripted(''), options)

    noisy = assembled(0.04)
    assert noisy.prior is not None
    assert noisy.prior == assemble(OptimizerSettings(method='bayesian', landing_noise=0.04)).prior
    assert 'beside a landing model: 3,200 trials are simulated for it first' in noisy.said
    assert assembled(0.0).prior is None
    assert assembled(0.04, SasOptions(landing_model=False)).prior is None
    assert assembled(0.04, SasOptions(effects=False)).prior is None
