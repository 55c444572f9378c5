import numpy as np
from noisy_throw import ACROSS, ALONG, BRIEF, SPACE

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.numeric.landing.told import Told, edges


def trial(outcome: str, succeeded: bool = False, tested: bool = True, **measures: float) -> Trial:
    return Trial(SPACE.neutral, outcome, measures, succeeded, tested)


TRIALS = [
    trial('good', True, across=0.1, along=0.9),
    trial('short', across=0.2, along=-0.3),
    trial('out', beside=1.1),
    trial('missed'),
    trial('net', across=0.2, along=0.5),
    trial('aborted', tested=False),
]
TOLD = Told.of(TRIALS, BRIEF)


def test_values_are_known_where_a_trial_tells_them_or_its_flight_carried_on_does() -> None:
    np.testing.assert_array_equal(TOLD.values['across'], [0.1, 0.2, 1.1, np.nan, np.nan])
    np.testing.assert_array_equal(TOLD.values['along'], [0.9, -0.3, np.nan, np.nan, np.nan])
    assert TOLD.points.shape == (5, 5)


def test_failures_that_no_measure_explains_are_told_apart() -> None:
    assert TOLD.failed.tolist() == [False, True, True, True, True]
    assert TOLD.failed_otherwise.tolist() == [False, False, False, True, True]


def test_an_end_without_a_margin_is_no_edge() -> None:
    assert edges(ACROSS, 0.0) == (-0.8, 0.8)
    assert edges(ALONG, 1.0) == (0.05, 1.38)
    assert edges(type(ALONG)('height', 'm', 'height', 0.0, 1.0, (0.1, 0.0))) == (0.05, np.inf)
