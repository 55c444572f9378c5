"""Runs that nobody played, stored as a run that goes on stores them: a step, then its trial.

As a program it adds one to a run for each line it reads, and says so: ``python made_up_runs.py FOLDER``.
"""

import sys
from pathlib import Path

import numpy as np

from llm_policy_improver.core.method import INITIAL
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.runs.writer_lock import Part
from llm_policy_improver.table_tennis.arm.facts import HOME
from llm_policy_improver.table_tennis.arm.kinematics import ArmKinematics
from llm_policy_improver.table_tennis.arm.modulation import ATTENUATIONS, Modulation
from llm_policy_improver.table_tennis.tracing.observed import Outcome, TraceSamples, trial_of

WORDS = 'far left corner'
FIRST = 6
"""Trials before any improvement."""


def swing(number: int) -> TraceSamples:
    """The arm turns about its first axis from the ready pose while a ball flies past it."""
    time = np.linspace(0.0, 1.5, 76)
    joints = np.tile(HOME, (len(time), 1))
    joints[:, 2] += 0.8 * time + 0.001 * number
    none = np.zeros_like(joints)
    return TraceSamples(
        ball_time=time,
        ball_position=np.column_stack([0.2 * time, 1.5 - 2.0 * time, 0.3 + 0.1 * time]),
        joint_time=time,
        joint_position=joints,
        joint_velocity=none,
        requested_velocity=none,
        applied_velocity=none,
        racket_position=ArmKinematics().blade_path(joints),
    )


def landed(number: int) -> Trial:
    """Nearer to the far left corner with every trial; each seventh goes into the net."""
    generator = np.random.default_rng(number)
    left = 1.2 / (1.0 + 0.2 * number) + 0.02 * generator.uniform()
    by = INITIAL if number <= FIRST else 'least_squares'
    modulation = Modulation(
        tuple(generator.uniform(0.7, 1.3, 8).round(3).tolist()), version=number, proposed_by=by, names=ATTENUATIONS
    )
    if number % 7 == 0:
        return trial_of(modulation, Outcome.NET, {}, 'the ball touched the net', samples=swing(number))
    measures = {'landing_x': -0.7625 + 0.7 * left, 'landing_y': 1.37 - 0.7 * left, 'bounce_time': 1.2}
    return trial_of(modulation, Outcome.LANDED, measures, f'trial {number}', samples=swing(number))


def add_trial(store: RunStore, number: int) -> Trial:
    """Add the step of this number and its trial."""
    trial = landed(number)
    reason = '' if number <= FIRST else f'Reason of trial {number}.'
    proposal = Proposal(trial.policy, trial.proposed_by, reason=reason)
    store.add_step(WORDS, Step(number, trial.policy, trial.version, proposal, number))
    return store.add_trial(trial)


def make_run(folder: Path, trials: int) -> None:
    """Make a run with so many trials that was interrupted."""
    with RunStore.create(folder, {'objective': WORDS, 'simulator': {}, 'proposed_by': 'least_squares'}) as store:
        for number in range(1, trials + 1):
            add_trial(store, number)


if __name__ == '__main__':
    with RunStore.open(Path(sys.argv[1])) as store:
        store.hold(Part.TRIALS)
        print('holds', flush=True)
        for number, _ in enumerate(sys.stdin, len(store.trials()) + 1):
            print(add_trial(store, number).number, flush=True)
