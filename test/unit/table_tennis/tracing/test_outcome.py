from collections import Counter

import closed_formulas as law
import numpy as np
import pytest
from simulated_ball import Array, touches, true_outcome

from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.ball.state import BallModel
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.launcher import Launcher
from llm_policy_improver.table_tennis.simulation.simulator import Contact
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task import TableTennis
from llm_policy_improver.table_tennis.tracing.observed import Outcome, TraceSamples
from llm_policy_improver.table_tennis.tracing.outcome import Judgement, judge

MODEL = BallModel()
INCOMING = (0.1, 1.5, 0.3), (-0.251, -5.646, 1.746), (0.0, 0.0, 0.0)
"""Position, velocity and spin of the standard ball."""
HIT = 0.72
"""s, when it is at the racket."""


def sightings(position: Array, seconds: float, noise: float = 0.0, seed: int = 0) -> TraceSamples:
    time = np.array([0.008 * n for n in range(min(len(position), round(seconds / 0.008)))])
    seen = position + np.random.default_rng(seed).normal(0.0, noise, position.shape)
    return TraceSamples(ball_time=time, ball_position=seen[: len(time)])


def returned(velocity: tuple[float, float, float], seconds: float = 0.9, noise: float = 0.0) -> TraceSamples:
    """The standard ball, sent back from the racket with this velocity; the table ends where it ends."""
    there, _ = law.flight(MODEL, *INCOMING, 0.008 * np.arange(90))
    since = 0.008 * np.arange(90, round((HIT + seconds) / 0.008)) - HIT
    back, _ = law.flight(MODEL, there[-1], velocity, (0.0, 0.0, 0.0), since)
    off = (np.abs(back[:, 0]) > 1.525 / 2 + 0.05) | (back[:, 1] > 2.74 / 2 + 0.05)
    last = int(np.argmax(off)) if np.any(off) else len(back)  # off the table nothing bounces
    return sightings(np.concatenate((there, back[:last])), HIT + seconds, noise)


def place(judged: Judgement) -> tuple[float, float]:
    return judged.measures['landing_x'], judged.measures['landing_y']


@pytest.mark.parametrize('noise', [0.0, 0.003])
def test_landed(noise: float) -> None:
    velocity = (0.4, 4.5, 2.2)
    judged = judge(returned(velocity, noise=noise))
    start, _ = law.flight(MODEL, *INCOMING, [0.712])
    x, y, time = law.landing(MODEL, start[0], velocity, (0.0, 0.0, 0.0))
    assert judged.outcome is Outcome.LANDED
    assert place(judged) == pytest.approx((x, y), abs=0.002 if noise == 0.0 else 0.02)
    assert judged.measures['bounce_time'] == pytest.approx(HIT + time, abs=0.004)
    assert judged.measures['landing_time'] == pytest.approx(time, abs=0.02)
    found_x, found_y = place(judged)
    assert judged.note == f'landed centre, mid-length, at ({found_x:+.2f}, {found_y:.2f}) m'
    heights = law.flight(MODEL, start[0], velocity, (0.0, 0.0, 0.0), np.linspace(0.0, time - 0.001, 400))[0]
    assert judged.measures['peak_height'] == pytest.approx(heights[:, 2].max(), abs=0.001 + 3 * noise)
    over_net = np.interp(0.0, heights[:, 1], heights[:, 2])
    assert judged.measures['net_clearance'] == pytest.approx(over_net - 0.02 - 0.1525, abs=0.001 + 2 * noise)


def test_out_beyond_the_end() -> None:
    judged = judge(returned((0.0, 7.0, 2.5)))
    assert judged.outcome is Outcome.OUT
    assert 'landing_x' not in judged.measures
    assert judged.note.endswith('m beyond the far end')
    assert 'net_clearance' in judged.measures


@pytest.mark.parametrize(('sideways', 'side'), [(2.2, 'right'), (-2.2, 'left')])
def test_out_past_a_side(sideways: float, side: str) -> None:
    judged = judge(returned((sideways, 4.0, 3.0)))
    assert judged.outcome is Outcome.OUT
    assert 'landing_x' not in judged.measures
    assert judged.note.endswith(f'past the {side} side')


def test_own_side() -> None:
    judged = judge(returned((0.0, 2.0, 1.0)))
    assert judged.outcome is Outcome.OWN_SIDE
    assert -1.3 < place(judged)[1] < -0.1
    assert "the robot's own half" in judged.note


def played(velocity: tuple[float, float, float], attenuation: float) -> tuple[Outcome, Outcome, str]:
    """Judged and true outcome, and the note, of this incoming ball."""
    task = TableTennis(SimulationConfig(launcher=Launcher(velocity=velocity)))
    trial = task.run(Modulation((attenuation,) * 8).policy, 0)
    return Outcome(trial.outcome), true_outcome(touches(task)), trial.note


def test_missed() -> None:
    judged, true, note = played((0.3, -5.646, 1.746), 0.0)
    assert (judged, true) == (Outcome.MISSED, Outcome.MISSED)
    assert note == 'the racket did not return the ball'


def test_double_bounce() -> None:
    judged, true, note = played((-0.1, -3.2, 1.5), 0.0)
    assert (judged, true) == (Outcome.DOUBLE_BOUNCE, Outcome.DOUBLE_BOUNCE)
    assert note == "the ball bounced twice on the robot's half"


@pytest.mark.parametrize('velocity', [(0.0, -9.0, 3.0), (0.0, -2.0, 1.0), (2.5, -5.0, 1.0)])
def test_bad_feed_too_long_into_the_net_or_wide(velocity: tuple[float, float, float]) -> None:
    judged, true, note = played(velocity, 0.0)
    assert (judged, true) == (Outcome.BAD_FEED, Outcome.BAD_FEED)
    assert note == "the ball did not bounce on the robot's half"


def test_nothing_seen_is_a_bad_feed() -> None:
    assert judge(TraceSamples()).outcome is Outcome.BAD_FEED


def clear_case(contacts: list[Contact], end: float) -> bool:
    """Whether the blade hit, no link of the arm, sent the ball back to y = ``end``, and then it met no edge."""
    kinds = [touch.what for touch in contacts]
    if end < -1.2 or kinds[:2] != ['table', 'blade'] or not set(kinds[2:]) <= {'table', 'net'}:
        return False
    if len(kinds) == 2:
        return True
    x, y, z = contacts[2].position
    return abs(x) < 0.74 and (-1.2 < y < -0.1 or 0.1 < y < 1.35 if kinds[2] == 'table' else z < 0.12)


def test_strokes_of_every_kind_are_judged_as_they_were() -> None:
    # Attenuation far beyond the default bounds.
    task, generator, seen = TableTennis(), np.random.default_rng(1), Counter[Outcome]()
    space = parameter_space(attenuation_low=(0.0,) * 8, attenuation_high=(2.0,) * 8)
    for _ in range(150):
        trial = task.run(space.sample(generator), 0)
        contacts = touches(task)
        if (
            clear_case(contacts, trial.samples.ball_position[-1, 1])
            and trial.outcome is not Outcome.COLLISION
        ):
            assert trial.outcome is true_outcome(contacts), (trial.note, contacts)
            seen[Outcome(trial.outcome)] += 1
    assert set(seen) == {Outcome.LANDED, Outcome.OUT, Outcome.NET, Outcome.OWN_SIDE}
    assert min(seen.values()) >= 2


def test_collision_of_the_arm_is_the_outcome_whatever_the_ball_did() -> None:
    task = TableTennis()
    trial = task.run(Modulation(residual=(0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0)).policy, 0)
    assert trial.outcome is Outcome.COLLISION
    assert trial.note == 'the arm collided: blade touched table'
    landed = judge(returned((0.4, 4.5, 2.2)), 'blade touched table')
    assert landed.outcome is Outcome.COLLISION
    assert 'landing_x' in landed.measures


def test_nearly_all_trials_with_noise_are_judged_as_they_were() -> None:
    launcher = Launcher(velocity_spread=(0.5, 0.5, 0.2), spin_spread=(30.0, 10.0, 10.0))
    task = TableTennis(SimulationConfig(camera_noise=0.003, launcher=launcher))
    generator, space = np.random.default_rng(2), parameter_space()
    judged = []
    for seed in range(100):
        trial = task.run(space.sample(generator), seed)
        struck = next((t.what for t in touches(task) if t.what not in ('table', 'net')), 'blade')
        if struck == 'blade' and trial.outcome is not Outcome.COLLISION:  # no hit with a link of the arm
            judged.append(trial.outcome is true_outcome(touches(task)))
    assert len(judged) > 80
    assert np.mean(judged) >= 0.96
