import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from llm_policy_improver.core.packages import MissingPackageError
from llm_policy_improver.methods.numeric.minimizers import adam, cma_es, nelder_mead
from llm_policy_improver.methods.numeric.minimizers.protocol import Minimizer, Observations
from llm_policy_improver.methods.numeric.minimizers.replay import Algorithm
from llm_policy_improver.methods.numeric.trust_region import GROWTH, SHRINKAGE, START
from llm_policy_improver.methods.registry import (
    BY_EXAMPLES,
    CHOICES,
    MINIMIZERS,
    NUMERIC,
    WITH_MODEL,
    UnknownMethodError,
    make_minimizer,
    make_numeric,
)
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief

Array = NDArray[np.float64]
NAMES = MINIMIZERS


class Sphere:
    """Squared distance to an optimum away from 0, or the distance's components."""

    def __init__(self, dimension: int, components: bool = False) -> None:
        self.optimum = np.random.default_rng(5).uniform(-0.6, 0.6, dimension)
        self.components = components

    def errors(self, points: Array) -> Array:
        gaps: Array = points - self.optimum
        return gaps if self.components else (gaps**2).sum(axis=1, keepdims=True)


def minimized(minimizer: Minimizer, sphere: Sphere, count: int, starts: Array | None = None) -> Observations:
    points = np.empty((0, len(sphere.optimum))) if starts is None else starts
    seen = Observations.of(points, sphere.errors(points))
    for own in range(1, count + 1):
        asked = minimizer.ask(seen)
        assert asked.shape == sphere.optimum.shape
        assert np.all(np.abs(asked) <= 1.0)
        points = np.vstack([seen.points, asked])
        seen = Observations.of(points, sphere.errors(points), own)
    return seen


def failed(seen: Observations, which: NDArray[np.bool_]) -> Observations:
    errors = np.where(which[:, None], np.nan, seen.errors)
    return Observations.of(seen.points, errors, seen.own)


# Least squared distance after 20 and 60 evaluations; random search needs some 0.04 and 0.65.
REACHED = {
    'random_search': (0.2, 1.2),
    'nelder_mead': (0.01, 0.3),
    'adam': (0.01, 0.3),
    'cma_es': (0.03, 0.3),
    'expected_improvement': (0.001, 0.02),
    'knn': (0.01, 0.3),
    'linear_knn': (0.3, 0.45),
    'local_linear': (0.45, 0.3),
    'quadratic': (0.01, 0.05),
}


@pytest.mark.parametrize('name', NAMES)
def test_comes_close_to_a_shifted_optimum_from_nothing(name: str) -> None:
    plane, cube = REACHED[name]
    assert minimized(make_minimizer(name, 0), Sphere(2), 20).losses.min() <= plane
    assert minimized(make_minimizer(name, 0), Sphere(8), 60).losses.min() <= cube


@pytest.mark.parametrize('name', NAMES)
def test_only_observations_and_seed_decide_the_next_point(name: str) -> None:
    minimizer = make_minimizer(name, 3)
    seen = minimized(minimizer, Sphere(4), 15)
    asked = minimizer.ask(seen)
    # Being asked about something else in between leaves no trace, and neither does a new object.
    minimizer.ask(minimized(minimizer, Sphere(2), 3))
    assert np.array_equal(minimizer.ask(seen), asked)
    assert np.array_equal(make_minimizer(name, 3).ask(seen), asked)
    again = minimized(make_minimizer(name, 3), Sphere(4), 15)
    assert np.array_equal(again.points, seen.points)


@pytest.mark.parametrize(
    'name', [name for name in NAMES if name not in ('adam', 'local_linear', 'quadratic')]
)
def test_another_seed_gives_other_points(name: str) -> None:
    starts = np.random.default_rng(1).uniform(-1, 1, (6, 3))
    one, other = (minimized(make_minimizer(name, seed), Sphere(3), 4, starts) for seed in (0, 1))
    assert not np.array_equal(one.points, other.points)


@pytest.mark.parametrize('name', NAMES)
def test_failed_trials_and_several_components_are_taken(name: str) -> None:
    minimizer, generator = make_minimizer(name, 0), np.random.default_rng(2)
    starts = generator.uniform(-1, 1, (24, 8))
    seen = minimized(minimizer, Sphere(8, components=True), 10, starts)
    assert name == 'random_search' or seen.losses[24:].mean() < seen.losses[:24].mean() - 0.2
    for which in (generator.uniform(size=34) < 0.4, np.ones(34, bool), np.arange(34) != 7):
        asked = minimizer.ask(failed(seen, which))
        assert asked.shape == (8,)
        assert np.all(np.abs(asked) <= 1.0)


@pytest.mark.parametrize('name', NAMES)
def test_a_run_in_which_every_trial_fails_keeps_moving(name: str) -> None:
    minimizer = make_minimizer(name, 0)
    points = np.empty((0, 3))
    for own in range(25):
        points = np.vstack([points, minimizer.ask(Observations.of(points, np.full((own, 1), np.nan), own))])
    assert len(np.unique(points.round(9), axis=0)) >= 20


@pytest.mark.parametrize(
    ('name', 'run'), [('nelder_mead', nelder_mead._run), ('adam', adam._run), ('cma_es', cma_es._run)]
)
def test_replay_asks_for_the_very_points_of_an_uninterrupted_run(name: str, run: Algorithm) -> None:
    sphere, starts = Sphere(4), np.random.default_rng(1).uniform(-1, 1, (5, 4))
    start = starts[np.argmin(sphere.errors(starts)[:, 0])]
    evaluated: list[Array] = []

    class EnoughError(Exception):
        pass

    def evaluate(point: Array) -> float:
        if not np.array_equal(point, start):
            evaluated.append(point.copy())
        if len(evaluated) == 40:
            raise EnoughError
        return float(sphere.errors(point[None, :])[0, 0])

    with pytest.raises(EnoughError):
        run(evaluate, start, np.random.default_rng((7, len(starts))))
    seen = minimized(make_minimizer(name, 7), sphere, 40, starts)
    assert np.array_equal(seen.points[5:], np.array(evaluated))


@pytest.mark.parametrize('name', ['nelder_mead', 'adam', 'cma_es'])
def test_after_a_better_point_of_somebody_else_it_goes_on_from_there(name: str) -> None:
    sphere, minimizer = Sphere(8), make_minimizer(name, 0)
    seen = minimized(minimizer, sphere, 12, np.full((1, 8), 0.9))
    foreign = sphere.optimum + 0.02
    points = np.vstack([foreign, seen.points])
    mixed = Observations.of(points, sphere.errors(points), 12)
    for own in range(13, 20):
        asked = minimizer.ask(mixed)
        assert np.linalg.norm(asked - foreign) < 1.6
        points = np.vstack([points, asked])
        mixed = Observations.of(points, sphere.errors(points), own)
    # One continued run and not the same first step again and again.
    assert len(np.unique(points[-7:].round(6), axis=0)) == 7


@pytest.mark.parametrize('name', ['nelder_mead', 'adam'])
def test_rounded_points_are_replayed_as_those_asked_for(name: str) -> None:
    minimizer, sphere = make_minimizer(name, 0), Sphere(3)
    exact = minimized(minimizer, sphere, 12, np.full((1, 3), 0.5))
    rounded = Observations(exact.points.round(3), exact.errors, exact.losses, 12)
    assert np.array_equal(minimizer.ask(rounded), minimizer.ask(exact))


def test_nelder_mead_begins_anew_where_it_has_converged() -> None:
    seen = minimized(make_minimizer('nelder_mead', 0), Sphere(2), 90)
    steps = np.linalg.norm(seen.points - Sphere(2).optimum, axis=1)
    assert steps[30:].max() > 0.15
    assert seen.losses.min() < 1e-4


def test_trust_region_follows_the_own_points_alone() -> None:
    points = np.array([[0.0], [0.1], [0.2], [0.3]])

    def radius(losses: list[float], own: int) -> float:
        return Observations.of(points[: len(losses)], np.array(losses)[:, None], own).trust_radius

    assert radius([1.0, 2.0, 3.0], 0) == START
    assert radius([1.0, 2.0, 0.5], 1) == pytest.approx(START * GROWTH)
    assert radius([1.0, 2.0, 0.5, 0.9], 2) == pytest.approx(START * GROWTH * SHRINKAGE)


@pytest.mark.parametrize(
    ('build', 'sentence'),
    [
        (lambda: Observations.of(np.zeros((2, 3)), np.zeros((1, 1))), 'observations need points'),
        (lambda: Observations.of(np.zeros((2, 3)), np.zeros((2, 1)), own=3), 'at most as many own ones'),
        (lambda: Observations.of(np.zeros((1, 3)), np.full((1, 1), np.inf)), 'must be a finite number'),
    ],
)
def test_observations_that_do_not_fit_are_refused(build: Callable[[], Observations], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        build()


def test_an_unknown_name_is_answered_with_those_that_come_close() -> None:
    with pytest.raises(UnknownMethodError, match=r'unknown minimizer "nelder"; did you mean nelder_mead\?'):
        make_minimizer('nelder', 0)
    with pytest.raises(UnknownMethodError, match='unknown method "xyz"; there are random_search, '):
        make_numeric('xyz', make_brief(parameter_space()), 0)
    assert len(set(CHOICES)) == len(CHOICES) == len(NUMERIC) + len(BY_EXAMPLES) + len(WITH_MODEL) + 1


@pytest.mark.parametrize(
    ('name', 'module', 'package'),
    [('cma_es', 'cmaes', 'cmaes'), ('expected_improvement', 'sklearn', 'scikit-learn')],
)
def test_a_missing_package_is_named_before_the_first_trial(
    monkeypatch: pytest.MonkeyPatch, name: str, module: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # what Python takes for "not installed"
    wanted = rf"method {name} needs the package {package}: pip install 'llm-policy-improver\[optimizers\]'"
    with pytest.raises(MissingPackageError, match=wanted):
        make_minimizer(name, 0)


def test_the_command_line_loads_none_of_the_heavy_packages() -> None:
    code = (
        'import sys, llm_policy_improver.cli.main; '
        'from llm_policy_improver.methods.registry import MINIMIZERS, make_minimizer; '
        '[make_minimizer(name) for name in MINIMIZERS]; print({"sklearn", "cmaes"} & set(sys.modules))'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'set()'
