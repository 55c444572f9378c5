import pytest

from llm_policy_improver.experiments import noisy_losses
from llm_policy_improver.experiments.noisy_losses import (
    BEST_OF_FIRST,
    COMPARED,
    WITHOUT_PRIOR,
    Losses,
    LossRun,
    play,
    runs_of,
)
from llm_policy_improver.methods.registry import UnknownMethodError


def row(method: str, objective: str, loss: float, predicted: float | None) -> dict[str, object]:
    said = (5, 4) if predicted else (0, 0)
    return {
        'method': method, 'objective': objective, 'loss_m': loss, 'predicted_m': predicted, 'improvements': 20,
        'foretold': said[0], 'foretold_inside': said[1],
    }  # fmt: skip


LOSSES = Losses((
    row('bayesian', 'point', 0.04, 0.05), row('bayesian', 'far right', 0.30, 0.26),
    row('cma_es', 'point', 0.6, None),
))  # fmt: skip


def test_headline_is_of_the_method_with_the_model() -> None:
    told = LOSSES.as_json()
    assert told['mean_loss_m'] == pytest.approx(0.17)
    assert told['point_loss_m'] == pytest.approx(0.04)
    assert told['within_0_25'] == 0.5
    assert told['prediction_error_m'] == pytest.approx(0.025)
    assert told['inside'] == pytest.approx(0.8)
    assert told['improvements'] == 20
    assert len(told['rows']) == 3


def test_every_method_has_a_line_in_the_table() -> None:
    (bayesian, figures, bar), (other, plain, no_bar) = LOSSES.table()
    assert (bayesian, other, no_bar) == ('bayesian, 2 runs', 'cma_es, 1 runs', '')
    assert 'loss 0.170 m, point 0.040 m, 50%' in figures
    assert 'expected wrongly by 0.025 m, 80% inside their intervals' in figures
    assert plain.endswith('20.0 improvements')
    assert '<= 0.19' in bar


def test_runs_of_one_arm_and_seed_are_beside_each_other() -> None:
    runs = runs_of(2, (4, 5))
    assert len(runs) == 2 * 2 * 4 * len(COMPARED)
    assert [(run.arm, run.seed) for run in runs] == sorted((run.arm, run.seed) for run in runs)


def test_a_method_that_is_none_is_named() -> None:
    with pytest.raises(UnknownMethodError, match='bayes'):
        runs_of(1, (0,), ('bayes',))
    with pytest.raises(UnknownMethodError):
        runs_of(1, (0,), ('sas',))


def test_a_run_is_played_and_what_is_recommended_is_played_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noisy_losses, 'IMPROVEMENTS', 1)
    monkeypatch.setattr(noisy_losses, 'FIRST_TRIALS', 6)
    monkeypatch.setattr(noisy_losses, 'REPLAYS', 4)
    noisy_losses._first.cache_clear()
    first, plain = (play(LossRun(method, 'point', 0, 0)) for method in (BEST_OF_FIRST, WITHOUT_PRIOR))
    noisy_losses._first.cache_clear()
    assert first['predicted_m'] is None
    assert first['best_seen_m'] > 0.0
    assert 0.0 < plain['predicted_m'] < 1.0
    assert 0.0 < plain['loss_m'] <= 1.0
    assert plain['best_seen_m'] <= first['best_seen_m']
    assert (first['improvements'], first['foretold_trials']) == (0, 0)
    assert (plain['improvements'], plain['foretold_trials']) == (1, 1)
