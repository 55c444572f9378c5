"""Made-up trials to store: the same seed gives the same trial, so that what comes back can be checked."""

from dataclasses import fields

import numpy as np

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.table_tennis.arm.joints import JOINTS
from llm_policy_improver.table_tennis.arm.modulation import ATTENUATIONS, Modulation
from llm_policy_improver.table_tennis.tracing.observed import Outcome, TraceSamples, trial_of

WIDTH = len(JOINTS)


def samples_of(seed: int, balls: int = 170, ticks: int = 70) -> TraceSamples:
    generator = np.random.default_rng(seed)
    return TraceSamples(
        ball_time=np.sort(generator.uniform(0.0, 1.5, balls)),
        ball_position=generator.normal(size=(balls, 3)),
        joint_time=np.sort(generator.uniform(0.0, 1.5, ticks)),
        joint_position=generator.normal(size=(ticks, WIDTH)),
        joint_velocity=generator.normal(size=(ticks, WIDTH)),
        requested_velocity=generator.normal(size=(ticks, WIDTH)),
        applied_velocity=generator.normal(size=(ticks, WIDTH)),
        racket_position=generator.normal(size=(ticks, 3)),
    )


def trace_of(seed: int, note: str = '') -> Trial:
    generator = np.random.default_rng(seed)
    attenuation = tuple(generator.uniform(0.6, 1.4, WIDTH))
    modulation = Modulation(attenuation, version=seed + 1, proposed_by='initial', names=ATTENUATIONS)
    x, y, time = (float(value) for value in generator.uniform(0.0, 0.7, 3))
    return trial_of(
        modulation,
        Outcome.LANDED,
        {'landing_x': x, 'landing_y': y, 'bounce_time': time, 'net_clearance': 0.1, 'peak_height': 0.3},
        note or f'seed {seed}',
        samples=samples_of(seed),
    )


def assert_same_samples(one: TraceSamples, other: TraceSamples) -> None:
    for field in fields(TraceSamples):
        left, right = getattr(one, field.name), getattr(other, field.name)
        assert left.shape == right.shape, field.name
        assert left.dtype == right.dtype == np.float64
        assert left.tobytes() == right.tobytes(), field.name


def assert_same_trial(one: Trial, other: Trial) -> None:
    names = (
        'number', 'policy', 'version', 'proposed_by', 'outcome', 'measures', 'succeeded', 'tested', 'note',
    )  # fmt: skip
    for name in names:
        assert getattr(one, name) == getattr(other, name), name
