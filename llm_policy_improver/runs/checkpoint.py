"""A run that has not come to its end, e.g. as its process was killed, as far as its folder tells: to be resumed."""

from dataclasses import dataclass, replace
from typing import Final

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.settings import SettingsError, to_mapping
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.stored_run import RunSettings, stored_parts, stored_settings

_MAY_DIFFER: Final = (
    'objective', 'method', 'trials', 'all_trials', 'resume', 'output_folder', 'draw_landings',
    'trial_timeout',
)  # fmt: skip
"""Settings that do not change what comes out of a run's trials; objective, method and number are the run's own."""
FINISHED: Final = 'finished'
"""State of a run that came to its end by itself, as in ``OptimizerStatus.msg``: it is over for everybody."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is there of a run that has not come to its end; nothing but the objective where it has only begun.

    Attributes:
        objective: what the person asked.
        method: name of who proposes, as in the settings.
        trials: of the whole run.
        history: trials before it, oldest first.
        played: its steps, each with its trial; the last one may still wait for it.
        attempts: trials that the last step has had for the ball it waits for, none of which counts.
        balls: trials that count of a round that the last step waits for.
    """

    objective: Objective
    method: str
    trials: int
    history: tuple[Trial, ...]
    played: tuple[tuple[Step, Trial | None], ...] = ()
    attempts: int = 0
    balls: tuple[Trial, ...] = ()

    def waits(self, step: Step) -> bool:
        """Whether this step was on record when the run was interrupted, and its trial was not."""
        return step.number == len(self.played) and self.played[-1][1] is None


def interrupted(store: RunRecords, settings: OptimizerSettings, asked_for: bool = False) -> Checkpoint | None:
    """The run towards the last objective, where it was interrupted; None where it has ended, or there is none.

    Args:
        store: of the folder.
        settings: with which it would be resumed.
        asked_for: whether a person asks to go on. Only then one that was cancelled, or failed, counts as interrupted:
            nobody else moves the arm again for what a person has ended.

    Raises:
        SettingsError: it was made with others, so that its steps would not fit together, or by a method that cannot be
            assembled from settings.
    """
    begun, state = store.settings(), store.end_state()
    if not begun or (state == FINISHED if asked_for else state is not None):
        return None
    made_with = stored_settings(store)
    if made_with is None:
        return None
    made_with.require_assembled(store.folder)
    own = made_with.optimizer
    objective = made_with.meant(own.objective)
    _require_same(made_with, settings)
    steps = [step for step in store.steps() if step.number >= begun[-1].first_step]
    if not steps:
        return Checkpoint(objective, own.method, own.trials, tuple(store.trials()[: made_with.history]))
    part = stored_parts(store)[-1]
    played = tuple((each.step(number), each.trial) for number, each in enumerate(part.steps, 1))
    waits = part.steps[-1].trial is None
    last = part.steps[-1]
    return Checkpoint(
        objective, own.method, own.trials, part.history, played, last.attempts if waits else 0,
        last.balls if waits else (),
    )  # fmt: skip


def _require_same(made_with: RunSettings, settings: OptimizerSettings) -> None:
    stored, given = (
        to_mapping(replace(each, token_budget=each.prompt_budget)) for each in (made_with.optimizer, settings)
    )
    other = [name for name in stored if name not in _MAY_DIFFER and stored[name] != given.get(name)]
    if other:
        name = other[0]
        raise SettingsError(
            f'the run towards "{made_with.optimizer.objective}" was interrupted and cannot be resumed: {name} was '
            f'{stored[name]} and is {given.get(name)} now; give the same settings, or call set_objective'
        )
