"""A stored run towards one objective as pages and tables show it: what was asked, tried, expected and decided.

Example:
    with closing(RunRecords.look(Path('runs/far-right'))) as store:
        view = views_of(store)[-1]
        view.result.best_distance_m
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.method import INITIAL
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.space import Carrier
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.improvement_result import ImprovementResult
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import Step
from llm_policy_improver.methods.registry import PROGRAMS
from llm_policy_improver.report.map_view import Shown
from llm_policy_improver.runs.objective_folder import runs_with_steps, shown_trials
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store_records import StoredEnd
from llm_policy_improver.runs.stored_run import (
    PlayedStep,
    RunSettings,
    stored_objective,
    stored_parts,
    stored_settings,
)
from llm_policy_improver.table_tennis.bench.reachable_best import ReachableBest, reachable_best
from llm_policy_improver.table_tennis.task_brief import make_brief
from llm_policy_improver.tasks.ball_rounds import is_program


@dataclass(frozen=True)
class RunView:
    """One run.

    Attributes:
        folder: of its store, as it was named.
        number: among the runs in its store, from 1; 0 where no settings were kept.
        created_at: of the store, UTC.
        description: what the store says of itself.
        made_with: the settings; None where they were not kept.
        objective: as it was understood, of single balls.
        trials: all that it rests on, oldest first; those of earlier runs in the store are among them.
        first: how many of these came before any improvement.
        steps: its own, with what belongs to them.
        end: how it ended; None of one that was interrupted, goes on, or is older than ends are.
    """

    folder: Path
    number: int
    created_at: datetime
    description: Mapping[str, Any]
    made_with: RunSettings | None
    objective: Objective
    trials: tuple[Trial, ...]
    first: int
    steps: tuple[PlayedStep, ...]
    end: StoredEnd | None

    @cached_property
    def optimizer(self) -> OptimizerSettings:
        """The settings of the loop; the usual ones where they were not kept."""
        return OptimizerSettings() if self.made_with is None else self.made_with.optimizer

    @property
    def method(self) -> str:
        """Who proposed most of it; of a run that asked nobody so far, `INITIAL`."""
        asked = Counter(name for step in self.steps if (name := step.stored.step.proposed_by) != INITIAL)
        return max(asked, key=lambda name: asked[name], default=INITIAL)

    @property
    def of_programs(self) -> bool:
        """Whether its policies are programs, of which there are no parameters to show."""
        return self.optimizer.method in PROGRAMS

    @cached_property
    def brief(self) -> Brief:
        """Of the task, with the parameters that were searched."""
        return make_brief(self.optimizer.space())

    def values(self, carrier: Carrier | None) -> dict[str, float]:
        """The parameters of a trial, step or proposal, by name; none of a program, and where there is nothing."""
        if carrier is None or self.of_programs:
            return {}
        space = self.brief.space
        return dict(zip(space.names, space.values(carrier), strict=True))

    @cached_property
    def shown(self) -> tuple[Shown, ...]:
        """The trials as pictures show them."""
        return tuple(
            Shown(trial.number, trial, index < self.first, self.objective.distance(trial))
            for index, trial in enumerate(self.trials)
        )

    @cached_property
    def best(self) -> Shown | None:
        """The trial nearest to the objective; None where none can be ranked."""
        nearest = self.objective.best(self.trials)
        return next((one for one in self.shown if one.trial is nearest), None)

    @cached_property
    def reachable(self) -> ReachableBest | None:
        """The nearest that a long search of these parameters came in simulation; None where there was none."""
        return None if self.of_programs else reachable_best(self.objective, self.brief.space)

    @cached_property
    def played(self) -> tuple[tuple[PlayedStep, Step, Trial | None], ...]:
        """Its steps, each with what the loop had and its trial; of rounds, that of the whole round."""
        return tuple(
            (each, each.step(number), each.trial) for number, each in enumerate(self.steps, 1)
        )

    @cached_property
    def result(self) -> ImprovementResult:
        """Summed up as at its end."""
        run = [(step, trial) for _, step, trial in self.played if trial is not None]
        own = {trial.number for _, trial in run}
        return ImprovementResult.of(
            self.objective,
            self.method,
            [trial for trial in self.trials if trial.number not in own],
            run,
            None,
            self.brief.space.labels,
            recommended=None if self.end is None else self.end.recommended,
            noisy=self.optimizer.landing_noise > 0.0,
        )


def views_of(store: RunRecords) -> tuple[RunView, ...]:
    """The runs in a store that made a step, oldest first; of a damaged one, what is left of them."""
    played = {each.number: each for part in stored_parts(store) for each in part.steps}
    found = []
    for number, steps in runs_with_steps(store):
        made_with = stored_settings(store, steps[0].number)
        objective = stored_objective(steps[0], made_with)
        first = sum(each.step.proposed_by == INITIAL for each in steps)
        trials, before, aim = shown_trials(store, objective, first, number)
        if made_with is not None and made_with.optimizer.method not in PROGRAMS:
            # Of programs that were played before, nobody learns numbers.
            before = sum(not is_program(trial) for trial in trials[:before])
            trials = [trial for trial in trials if not is_program(trial)]
        found.append(
            RunView(
                folder=store.folder,
                number=number,
                created_at=store.created_at,
                description=store.description,
                made_with=made_with,
                objective=aim,
                trials=tuple(trials),
                first=before,
                steps=tuple(played[each.number] for each in steps if each.number in played),
                end=store.end(number) if number else None,
            )
        )
    return tuple(found)
