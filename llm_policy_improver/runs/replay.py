"""Plays a stored run again, without endpoint and without simulator: the same loop, the recorded replies and trials.

    with RunRecords.look(Path('runs/far-right')) as store:
        result = ReplayResult(tuple(replay(store)))
    result.identical

Each step is compared with the stored one and then gets the stored trial, so that one step that comes out
differently does not hide what the others do.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Final

from llm_policy_improver.core.policy import Program
from llm_policy_improver.llm.recorded import RecordedModel
from llm_policy_improver.loop.build import Assembly, assemble
from llm_policy_improver.loop.gates import RecordedGate
from llm_policy_improver.loop.step import Step
from llm_policy_improver.runs.replayed_reading import ReplayedReading, read_again
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store import StoreError
from llm_policy_improver.runs.stored_run import (
    PlayedStep,
    RunSettings,
    StoredPart,
    stored_parts,
    stored_settings,
)
from llm_policy_improver.tasks.ball_rounds import of_balls

_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class ReplayedStep:
    """A step of the replay beside the stored one.

    Attributes:
        recorded: what is stored.
        step: what the replay came to; None where it ended before.
        asked: requests made to the recorded model.
        differing: numbers of the recorded exchanges whose messages were not those asked now.
        reading: of the objective's words by a language model, with the first step after it; else None.
    """

    recorded: PlayedStep
    step: Step | None
    asked: int
    differing: tuple[int, ...]
    reading: ReplayedReading | None = None

    @property
    def number(self) -> int:
        """Of the step in the stored run, from 1."""
        return self.recorded.number

    @property
    def difference(self) -> str:
        """In what the step differs from the stored one, as a clause; empty where it is identical."""
        stored, step = self.recorded.stored.step, self.step
        if step is None:
            return 'the replay ended before it'
        if stored.policy != step.policy:
            if isinstance(stored.policy, Program) or isinstance(step.policy, Program):
                return 'its program is another one'
            if stored.parameters.names != step.parameters.names:
                return f'its parameters were {", ".join(stored.parameters.names)}'
            pairs = zip(stored.parameters.items(), step.parameters.values, strict=True)
            gaps = {name: abs(was - now) for (name, was), now in pairs}
            largest = max(gaps, key=lambda name: gaps[name])
            return f'parameters differ by up to {gaps[largest]:.3g} ({largest})'
        if stored.proposed_by != step.proposed_by or stored.unchanged != step.unchanged:
            return (
                f'{stored.proposed_by} proposed it, now {step.proposed_by}{" (unchanged)" * step.unchanged}'
            )
        return '' if stored.seed == step.seed else f'another ball: seed {step.seed} instead of {stored.seed}'

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        stored, step = self.recorded.stored.step, self.step
        return {
            'step': self.number,
            'objective': self.recorded.stored.objective,
            'proposed_by': stored.proposed_by,
            'stored': stored.policy.as_json(),
            'replayed': None if step is None else step.policy.as_json(),
            'identical': not self.difference,
            'difference': self.difference,
            'requests': self.asked,
            'recorded_requests': len(self.recorded.exchanges),
            'differing_exchanges': list(self.differing),
        }


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay came to."""

    steps: tuple[ReplayedStep, ...]

    @property
    def readings(self) -> tuple[ReplayedReading, ...]:
        """Of objectives that a language model read."""
        return tuple(step.reading for step in self.steps if step.reading is not None)

    @property
    def identical(self) -> bool:
        """Whether every step is the stored one, and every objective is understood as it was."""
        differences = [each.difference for each in self.steps] + [each.difference for each in self.readings]
        return not any(differences)

    @property
    def sentence(self) -> str:
        """The verdict for people."""
        exchanges = sum(len(step.recorded.exchanges) for step in self.steps)
        different = [step for step in self.steps if step.difference]
        if different:
            first = different[0]
            said = f'not identical: step {first.number}: {first.difference}'
            if len(different) > 1:
                said += f'; {len(different)} of {len(self.steps)} steps differ, {_listed(different)}'
        else:
            verdict = 'identical' if self.identical else 'not identical'
            said = f'{verdict}: all {len(self.steps)} steps gave the stored parameters'
        clauses = [said, *(each.difference for each in self.readings if each.difference)]
        if exchanges:
            clauses.append(self._prompts(exchanges))
        if self.readings:
            clauses.append(self._requests())
        return '; '.join(clauses) + '.'

    def _prompts(self, exchanges: int) -> str:
        numbers = [(number, step.number) for step in self.steps for number in step.differing]
        more = [step for step in self.steps if step.asked != len(step.recorded.exchanges)]
        if not numbers and not more:
            return f'all {exchanges} prompts are the same'
        said = []
        if numbers:
            number, step = numbers[0]
            said.append(
                f'{len(numbers)} of {exchanges} prompts differ, the first in exchange {number} (step {step}): '
                'the prompt files, the settings or the program changed since'
            )
        if more:
            said.append(f'the number of requests differs first in step {more[0].number}')
        return '; '.join(said)

    def _requests(self) -> str:
        other = [each for each in self.readings if not each.same_prompts]
        if not other:
            return 'what the words mean is asked as it was'
        named = ', '.join(f'"{each.stored.words}" (step {each.step})' for each in other[:_MOST_NAMED])
        return f'what the words mean is asked otherwise now: {named}'

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        differing = [number for step in self.steps for number in step.differing]
        first = next((step.number for step in self.steps if step.difference), None)
        return {
            'identical': self.identical,
            'first_differing_step': first,
            'first_differing_exchange': differing[0] if differing else None,
            'verdict': self.sentence,
            'readings': [reading.as_json() for reading in self.readings],
            'steps': [step.as_json() for step in self.steps],
        }


def _listed(steps: Sequence[ReplayedStep]) -> str:
    named = ', '.join(str(step.number) for step in steps[:_MOST_NAMED])
    return f'{named}, ...' if len(steps) > _MOST_NAMED else named


def replay(store: RunRecords) -> Iterator[ReplayedStep]:
    """Play a stored run again, step by step.

    Steps of which the run does not hold what they were made with are left out, e.g. given ones of an experiment.

    Raises:
        StoreError: the run is damaged, or holds no steps, or not the settings it was made with.
        SettingsError: the settings are not those of this version, or tell of a method that cannot be assembled.
    """
    store.require_sound()
    parts = stored_parts(store)
    if not parts:
        raise StoreError(f'the run in {store.folder} has no steps to replay')
    made_with = [stored_settings(store, part.steps[0].number) for part in parts]
    if not any(made_with):
        raise StoreError(
            f'the run in {store.folder} does not hold its settings, so it cannot be replayed: an earlier '
            'version recorded it, or another program'
        )
    for each in made_with:
        if each is not None:
            each.require_assembled(store.folder)
    for part, settings in zip(parts, made_with, strict=True):
        if settings is not None:
            yield from replay_part(part, settings)


def replay_part(part: StoredPart, settings: RunSettings) -> Iterator[ReplayedStep]:
    """Play the steps towards one objective again.

    Args:
        part: of a stored run.
        settings: that it was made with.
    """
    model, gate = RecordedModel(settings.optimizer.model), RecordedGate()
    with closing(assemble(settings.optimizer, model, settings.options)) as assembly:
        yield from _played_again(part, settings, assembly, model, gate)


def _played_again(
    part: StoredPart, settings: RunSettings, assembly: Assembly, model: RecordedModel, gate: RecordedGate
) -> Iterator[ReplayedStep]:
    objective = settings.meant(part.objective)
    reading = read_again(of_balls(objective), part.steps[0].number)
    # A run that was interrupted may have ended within its first trials.
    trials = max(len(part.steps), settings.optimizer.first_trials)
    improvement = assembly.improvement(
        objective, trials=trials, ball_seed=settings.ball_seed, history=part.history,
        first_version=_first_version(part.steps[0]), gates=(gate,), all_trials=True,
    )  # fmt: skip
    for recorded in part.steps:
        exchanges = [each.exchange for each in recorded.exchanges]
        first = recorded.exchanges[0].number if exchanges else 1
        model.load(exchanges, first)
        gate.load(recorded.audits)
        asked, differing = len(model.asked), len(model.differing)
        step = None if improvement.done else improvement.propose()
        yield ReplayedStep(
            recorded, step, len(model.asked) - asked, tuple(model.differing[differing:]), reading
        )
        reading = None
        if step is not None and recorded.trial is not None:
            improvement.record(replace(recorded.trial, version=step.version))


def _first_version(step: PlayedStep) -> int:
    """That of the first proposal made for it, let through or not."""
    return min((step.stored.step.version, *(audit.version for audit in step.audits)))
