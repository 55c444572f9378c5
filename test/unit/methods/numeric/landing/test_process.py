import numpy as np
import pytest
from numpy.typing import NDArray

from llm_policy_improver.methods.numeric.landing.process import GAIN, NOISE, OFFSET, Background, Process

Array = NDArray[np.float64]
SCALE, SCATTER = 0.3, 0.03
GENERATOR = np.random.default_rng(0)
SLOPES = np.array([0.3, -0.2, 0.2, 0.1, 0.1, 0.0])
POINTS = GENERATOR.uniform(-1.0, 1.0, (30, 6))
ELSEWHERE = GENERATOR.uniform(-1.0, 1.0, (200, 6))


def simulated(points: Array) -> Array:
    return np.asarray(points @ SLOPES + 0.2 * points[:, 0] ** 2)


def real(points: Array) -> Array:
    """Another offset and gain, and a bend that the simulator does not have."""
    return np.asarray(0.15 + 1.2 * simulated(points) + 0.05 * np.sin(2.0 * points[:, 1]))


def no_changes(points: Array) -> Array:
    return np.zeros((len(points), 0))


BACKGROUND = Background(simulated, lambda points: np.full(len(points), SCATTER**2), SCALE, no_changes)
VALUES = real(POINTS) + SCATTER * GENERATOR.normal(size=30)


def error(process: Process) -> float:
    return float(np.sqrt(np.mean((process.predict(ELSEWHERE)[0] - real(ELSEWHERE)) ** 2)))


def test_thirty_real_trials_correct_the_simulator() -> None:
    before = float(np.sqrt(np.mean((simulated(ELSEWHERE) - real(ELSEWHERE)) ** 2)))
    alone = error(Process(Background.alone(VALUES), POINTS, VALUES))
    corrected = error(Process(BACKGROUND, POINTS, VALUES))
    assert corrected < 0.2 * before
    assert corrected < 0.6 * alone


def test_deviations_are_about_as_large_as_the_errors() -> None:
    mean, doubt, _ = Process(BACKGROUND, POINTS, VALUES).predict(ELSEWHERE)
    scaled = (mean - real(ELSEWHERE)) / np.sqrt(doubt)
    assert 0.3 < np.sqrt(np.mean(scaled**2)) < 1.7


def test_without_trials_nothing_but_the_simulator_is_known() -> None:
    process = Process(BACKGROUND, np.empty((0, 6)), np.empty(0))
    mean, doubt, noise = process.predict(ELSEWHERE)
    np.testing.assert_allclose(mean, simulated(ELSEWHERE))
    assert doubt.min() > (0.2 * SCALE) ** 2
    np.testing.assert_allclose(noise, SCATTER**2)


def test_evidence_finds_more_noise_and_more_offset_where_there_is_more() -> None:
    generator = np.random.default_rng(1)
    calm = Process(BACKGROUND, POINTS, simulated(POINTS) + SCATTER * generator.normal(size=30))
    wild = Process(BACKGROUND, POINTS, simulated(POINTS) + 1.0 + 3.0 * SCATTER * generator.normal(size=30))
    assert wild.weights[NOISE] > 1.5 * calm.weights[NOISE]
    assert wild.weights[OFFSET] > 2.0 * calm.weights[OFFSET]
    assert calm.weights[GAIN] < 0.15


def test_one_odd_trial_is_noticed_and_hardly_counts() -> None:
    odd = VALUES.copy()
    odd[4] -= 1.0
    process = Process(BACKGROUND, POINTS, odd)
    assert int(np.argmax(process.surprise)) == 4
    assert process.surprise[4] > 4.0
    assert error(process) < 2.5 * error(Process(BACKGROUND, POINTS, VALUES))


def test_drawn_functions_have_the_mean_and_spread_that_are_predicted() -> None:
    process, generator = Process(BACKGROUND, POINTS, VALUES), np.random.default_rng(2)
    few = ELSEWHERE[:5]
    drawn = np.array([process.draw(generator)(few) for _ in range(600)])
    mean, doubt, _ = process.predict(few)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=5.0 * np.sqrt(doubt.max() / 600))
    np.testing.assert_allclose(drawn.std(axis=0), np.sqrt(doubt), rtol=0.25)


def test_a_constant_measure_is_predicted_without_a_fault() -> None:
    process = Process(Background.alone(np.full(30, 2.0)), POINTS, np.full(30, 2.0))
    assert process.predict(ELSEWHERE)[0] == pytest.approx(2.0, abs=1e-3)


def test_what_the_cells_own_coefficients_change_is_found_by_few_trials() -> None:
    def changes(points: Array) -> Array:
        return 0.15 * np.sin(3.0 * points[:, :4] + np.arange(4.0))

    knowing = Background(BACKGROUND.mean, BACKGROUND.noise, SCALE, changes)
    off = np.random.default_rng(4).normal(size=4)
    few, generator = POINTS[:16], np.random.default_rng(5)
    values = simulated(few) + changes(few) @ off + SCATTER * generator.normal(size=len(few))

    def missed(background: Background) -> float:
        truth = simulated(ELSEWHERE) + changes(ELSEWHERE) @ off
        predicted, doubt, _ = Process(background, few, values).predict(ELSEWHERE)
        if background is knowing:
            assert 0.3 < np.sqrt(np.mean((predicted - truth) ** 2 / doubt)) < 1.7
        return float(np.sqrt(np.mean((predicted - truth) ** 2)))

    assert missed(knowing) < 0.5 * missed(BACKGROUND)
    # A function that is drawn goes through the trials, and differs elsewhere as much as is not known.
    process = Process(knowing, few, values)
    drawn = np.array([process.draw(np.random.default_rng(seed))(ELSEWHERE) for seed in range(60)])
    mean, doubt, _ = process.predict(ELSEWHERE)
    np.testing.assert_allclose(drawn.std(axis=0).mean(), np.sqrt(doubt).mean(), rtol=0.25)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=5.0 * float(np.sqrt(doubt.max() / 60)))
