"""What a clip tells of one stored trial: its motion, what was asked, what came of it."""

from dataclasses import dataclass
from typing import Final

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.text import clean_line
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.report.map_view import Goal
from llm_policy_improver.runs.objective_folder import runs_with_steps
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store import StoreError
from llm_policy_improver.runs.stored_run import stored_objective, stored_settings
from llm_policy_improver.runs.trial_files import SERIES
from llm_policy_improver.table_tennis.simulation.marks import Marks
from llm_policy_improver.table_tennis.tracing.motion import Motion, MotionError
from llm_policy_improver.table_tennis.tracing.observed import landing_of
from llm_policy_improver.tasks.ball_rounds import of_balls

_LONGEST: Final = 300
"""Characters of a text from outside that are looked at; the picture has room for fewer."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipTrial:
    """A trial as a clip shows it.

    Attributes:
        trial: as stored, without its samples.
        motion: of arm and ball.
        objective: that the run worked towards then; None where that was not kept.
    """

    trial: Trial
    motion: Motion
    objective: Objective | None

    @classmethod
    def stored(cls, store: RunRecords, number: int) -> 'ClipTrial':
        """A trial of a run of the arm, simulated or not.

        Raises:
            StoreError: there is no such trial, it is damaged, or it shows no motion of the arm.
        """
        path, _ = store.samples_file(number)
        trial = next((each for each in store.trials(number) if each.number == number), None)
        if trial is None:
            raise StoreError(f'trial {number} of the run in {store.place} is damaged; restore it from a copy')
        if path.suffix != SERIES:
            raise StoreError(
                f'trial {number} of the run in {store.place} holds episodes of another task, and no ball that the arm '
                'played: only the arm can be drawn'
            )
        try:
            motion = Motion.of(store.samples(number))
        except MotionError as error:
            raise StoreError(f'trial {number} of the run in {store.place} cannot be drawn: {error}') from None
        return cls(trial, motion, _objective_of(store, trial))

    @property
    def headline(self) -> str:
        """Its number and what came of it."""
        said = clean_line(self.trial.note, _LONGEST)
        outcome = clean_line(self.trial.outcome, _LONGEST).replace('_', ' ')
        landing, left = landing_of(self.trial), self.distance
        if self.trial.succeeded and landing is not None:
            said = f'landed at ({landing.x:+z.2f}, {landing.y:.2f}) m'
            if left is not None:
                said += f', {left:.3f} m to go'
        else:
            said = f'{outcome}: {said}' if said else outcome
        return f'Trial {self.trial.number}: {said}'

    @property
    def asked(self) -> str:
        """The words of the objective; empty where they were not kept."""
        return '' if self.objective is None else clean_line(self.objective.words, _LONGEST)

    @property
    def distance(self) -> float | None:
        """What is missing to the objective; None where there is none."""
        return None if self.objective is None else self.objective.distance(self.trial)

    @property
    def goal(self) -> Goal | None:
        """Where the landing was wanted; None where nothing of it was."""
        return None if self.objective is None else Goal.of(self.objective)

    def marks(self, time: float) -> Marks:
        """What is to be seen beside the arm, at a time of the trial, s."""
        ball, goal, landing = self.motion.ball(time), self.goal, landing_of(self.trial)
        coming, returned = self.motion.way(time)
        landed = landing is not None and time >= min(landing.time, self.motion.end)
        return Marks(
            None if ball is None else ball.place,
            ball is not None and ball.seen,
            coming,
            returned,
            None if goal is None else goal.x,
            None if goal is None else goal.y,
            (landing.x, landing.y) if landing is not None and landed else None,
        )


def _objective_of(store: RunRecords, trial: Trial) -> Objective | None:
    """What its run worked towards when it was played, for single balls."""
    for _, steps in reversed(runs_with_steps(store)):
        if any(each.step.version == trial.version for each in steps):
            return of_balls(stored_objective(steps[0], stored_settings(store, steps[0].number)))
    return None
