"""A run read back from its store: its settings, and what was asked, proposed and played, in its order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from llm_policy_improver.core.audit import Audit
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.settings import SettingsError, from_mapping, to_mapping
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.gatekeeper import kept_back_in
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.loop.step import Step, counts
from llm_policy_improver.methods.registry import PROGRAMS
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store import RunStore, StoredExchange, StoredStep
from llm_policy_improver.runs.stored_objective import objective_of
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.tasks.ball_rounds import of_balls, round_of, rounds_objective, target_of


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What steps were made with.

    Attributes:
        optimizer: of the loop.
        options: of SAS-Prompt, where they are others than those of ``optimizer``.
        ball_seed: of the incoming balls, where it is another than that of ``optimizer``.
        history: how many trials there were before, where that is known.
        objective: as it was understood, where that is known.
        own_method: name of a method that the program which played the run brought itself; empty: that of ``optimizer``.
    """

    optimizer: OptimizerSettings
    options: SasOptions | None = None
    ball_seed: int | None = None
    history: int | None = None
    objective: Objective | None = None
    own_method: str = ''

    def require_assembled(self, folder: Path) -> None:
        """Raise `SettingsError` where the method cannot be assembled from these settings.

        Args:
            folder: of the run.
        """
        if self.own_method:
            raise SettingsError(
                f'the run in {folder} was proposed by {self.own_method}, a method of the program that played it, which '
                'cannot be assembled here: it can be neither replayed nor resumed'
            )

    def meant(self, words: str) -> Objective:
        """The objective of these words as it was understood then; by the vocabulary where that was not kept."""
        meant = _meant(words, self.objective)
        return rounds_objective(meant) if self.optimizer.method in PROGRAMS else meant

    def store(self, store: RunStore) -> None:
        """Keep them for the steps from the next one on.

        Raises:
            StoreError: they are not stored.
        """
        options = None if self.options is None else to_mapping(self.options)
        store.add_settings(
            {
                'optimizer': to_mapping(self.optimizer),
                'sas_options': options,
                'ball_seed': self.ball_seed,
                'history': self.history,
                # That of rounds follows from that of single balls.
                'objective': None if self.objective is None else of_balls(self.objective).as_json(),
                'own_method': self.own_method,
            }
        )


@dataclass(frozen=True, slots=True)
class PlayedStep:
    """A stored step and what belongs to it.

    Attributes:
        stored: the step.
        exchanges: the requests to a language model made for it, in their order.
        trial: that counts for it, without the time series; None where it was not played.
        audits: what became of the proposals made for it, in their order.
        attempts: how many trials it has had; of a round, for its last ball or the one that is due.
        balls: trials that count of a round that was not played to its end.
    """

    stored: StoredStep
    exchanges: tuple[StoredExchange, ...]
    trial: Trial | None
    audits: tuple[Audit, ...] = ()
    attempts: int = 0
    balls: tuple[Trial, ...] = ()

    @property
    def number(self) -> int:
        """Of the step in the store, from 1."""
        return self.stored.number

    def step(self, number: int) -> Step:
        """As the loop had it, with this number within its run, from 1."""
        step = self.stored.step
        # Runs of older formats kept what a gate had kept back in the audit records alone.
        kept = step.proposal.kept_back or kept_back_in(self.audits)
        proposal = replace(
            step.proposal, exchanges=tuple(each.exchange for each in self.exchanges), kept_back=kept
        )
        return replace(step, number=number, proposal=proposal, audits=self.audits)


@dataclass(frozen=True, slots=True)
class StoredPart:
    """The steps towards one objective; all but the last were played.

    Attributes:
        objective: the person's words.
        history: the trials before them, oldest first.
        steps: at least one.
    """

    objective: str
    history: tuple[Trial, ...]
    steps: tuple[PlayedStep, ...]

    def before(self, number: int) -> tuple[Trial, ...]:
        """All trials before the step of this number, oldest first."""
        played = (each.trial for each in self.steps if each.number < number)
        return (*self.history, *(trial for trial in played if trial is not None))


def stored_settings(store: RunRecords, step: int | None = None) -> RunSettings | None:
    """What a step was made with; None where the run does not hold it.

    A node stores its settings when a run begins; ``improve`` and ``demo`` have them in the description.

    Args:
        store: of the run.
        step: number of the step; the last settings where None.

    Raises:
        SettingsError: they are not those of this version.
    """
    stored = [each.content for each in store.settings() if step is None or each.first_step <= step]
    content = stored[-1] if stored else store.description
    flat = content.get('optimizer')
    if not isinstance(flat, dict):
        return None
    where = f'the settings stored in {store.folder}'
    flat = {OptimizerSettings.FORMER.get(name, name): value for name, value in flat.items()}
    optimizer = from_mapping(OptimizerSettings, flat, where)
    return RunSettings(
        optimizer,
        _options(content.get('sas_options'), where),
        content.get('ball_seed'),
        content.get('history'),
        _objective(content.get('objective')),
        content.get('own_method', ''),
    )


def stored_objective(step: StoredStep, settings: RunSettings | None) -> Objective:
    """What a step worked towards, as it was understood then; by the vocabulary where that was not kept.

    Args:
        step: any.
        settings: that it was made with, as `stored_settings` has them.
    """
    return parse_objective(step.objective) if settings is None else settings.meant(step.objective)


def _objective(stored: Any) -> Objective | None:
    return objective_of(stored) if isinstance(stored, dict) else None


def _options(flat: Mapping[str, Any] | None, where: str) -> SasOptions | None:
    if flat is None:
        return None
    try:
        return SasOptions(**{**flat, 'names': tuple(flat['names'])})
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError(f'{where}: sas_options are not those of this version: {error}') from None


def stored_parts(store: RunRecords) -> tuple[StoredPart, ...]:
    """The run, cut where its objective or its settings change and after a step that was never played.

    Trials that no step asked for, e.g. balls thrown before there was an objective, belong to the history of the
    part that follows.
    """
    trials = store.trials()
    exchanges: dict[int, list[StoredExchange]] = {}
    for exchange in store.exchanges():
        exchanges.setdefault(exchange.step, []).append(exchange)
    audits: dict[int, list[Audit]] = {}
    for record in store.audits():
        audits.setdefault(record.step, []).append(record.audit)
    parts: list[StoredPart] = []
    steps: list[PlayedStep] = []
    before = played = 0
    stored, begun = store.steps(), {each.first_step: each.content for each in store.settings()}
    content = store.description
    for step, following in zip_longest(stored, stored[1:]):
        content = begun.get(step.number, content)
        wanted, fed = _balls(content), _fed(content)
        tries, counted = _tries(trials, played, step.step.version, wanted, fed)
        found = tries[-1] if tries and (following or len(counted) == wanted) else None
        balls = tuple(trials[index] for index in counted)
        others = counted[:-1] if len(counted) == wanted else counted
        before_it = 1 + tries.index(others[-1]) if others else 0
        if not steps:
            known = begun.get(step.number, {}).get('history')
            before = known if known is not None else tries[0] if tries else played
        steps.append(
            PlayedStep(
                step,
                tuple(exchanges.get(step.number, ())),
                None if found is None else trials[found] if wanted == 1 else _round(balls, step, content),
                tuple(audits.get(step.number, ())),
                len(tries) - before_it,
                balls if found is None else (),
            )
        )
        played = played if found is None else found + 1
        if (
            following is None
            or found is None
            or following.objective != step.objective
            or following.number in begun
        ):
            parts.append(StoredPart(step.objective, tuple(trials[:before]), tuple(steps)))
            steps = []
    return tuple(parts)


def _tries(
    trials: Sequence[Trial], first: int, version: int, balls: int, fed: bool
) -> tuple[list[int], list[int]]:
    """Indices of the trials of a step, and of those that count for it: up to as many of these as it has balls."""
    tries: list[int] = []
    counted: list[int] = []
    attempt = 0
    for index in range(first, len(trials)):
        if trials[index].version == version:
            tries.append(index)
            attempt += 1
            if counts(trials[index], attempt, fed):
                counted.append(index)
                attempt = 0
                if len(counted) == balls:
                    break
    return tries, counted


def _balls(content: Mapping[str, Any]) -> int:
    """That make up a trial under these stored settings: a round where programs are tried, else one."""
    optimizer = content.get('optimizer')
    if isinstance(optimizer, dict) and optimizer.get('method') in PROGRAMS:
        return int(optimizer['balls'])
    return 1


def _fed(content: Mapping[str, Any]) -> bool:
    """Whether the loop asked for the balls under these stored settings."""
    optimizer = content.get('optimizer')
    return not isinstance(optimizer, dict) or bool(optimizer.get('feed_balls', True))


def _round(balls: Sequence[Trial], step: StoredStep, content: Mapping[str, Any]) -> Trial | None:
    if not balls:
        return None
    return round_of(balls, target_of(_meant(step.objective, _objective(content.get('objective')))))


def _meant(words: str, known: Objective | None) -> Objective:
    """What is asked of single balls: as it was understood then; by the vocabulary where that was not kept."""
    if known is None or known.words != words:
        return parse_objective(words)
    return of_balls(known)
