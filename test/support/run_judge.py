"""Whether anything of a run was lost, doubled or mixed up, by its store and by what was published meanwhile."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace

import numpy as np

from llm_policy_improver.core.trial import Trial
from llm_policy_improver.runs.replay import replay
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.runs.stored_run import stored_parts
from llm_policy_improver.table_tennis.arm.modulation import Modulation
from llm_policy_improver.table_tennis.tracing.observed import TraceSamples


def judge(
    store: RunStore, seen: Sequence[Trial], published: Sequence[Modulation], trials: int
) -> Iterator[str]:
    """What is lost, doubled or wrong in a run, in words.

    Args:
        store: of the run.
        seen: the trials that were published meanwhile, with their samples.
        published: the parameters that were published meanwhile.
        trials: that the run was to have.
    """
    yield from _wrong_steps(store, trials)
    stored: dict[int, Trial] = {}
    for trace in store.trials():
        try:
            stored[trace.number] = replace(trace, samples=store.samples(trace.number))
        except StoreError as error:
            yield str(error)
    yield from _doubled(store, stored)
    for trace in seen:
        if trace.number not in stored or not _same(stored[trace.number], trace):
            yield f'trial {trace.number} was published, and is not what is stored'
    numbers = {each.step.version: each.step.policy for each in store.steps()}
    highest = 0
    for parameters in published:
        if parameters.version < highest:
            yield f'version {parameters.version} was published after {highest}'
        highest = max(highest, parameters.version)
        if numbers.get(parameters.version) != parameters.policy:
            yield f'version {parameters.version} was published with other numbers than those of its step'


def _wrong_steps(store: RunStore, trials: int) -> Iterator[str]:
    parts, stored = stored_parts(store), store.trials()
    steps = [step for part in parts for step in part.steps]
    if len(parts) != 1 or len(steps) != trials or not store.ended():
        yield f'{len(parts)} runs with {len(steps)} steps are stored instead of one that ended with {trials}'
    versions = [each.stored.step.version for each in steps if not each.stored.step.unchanged]
    if versions != sorted(set(versions)):
        yield 'the versions of the steps do not grow'
    for each in steps:
        step, trace = each.stored.step, each.trial
        if trace is None:
            yield f'step {step.number} has no trial'
        elif trace.policy != step.policy:
            yield f'trial {trace.number} was not played with the parameters of its step {step.number}'
    known = {each.stored.step.version: each.stored.step.policy for each in steps}
    known[0] = Modulation().policy  # of a controller that has just been started
    for trace in stored:
        if known.get(trace.version) != trace.policy:
            yield f'trial {trace.number} was played with parameters that nobody gave the version it tells'
    if [trace.number for trace in stored] != list(range(1, len(stored) + 1)):
        yield 'the numbers of the trials have gaps'
    for again in replay(store):
        if again.difference:
            yield f'replayed, step {again.number} differs: {again.difference}'


def _doubled(store: RunStore, trials: Iterable[int]) -> Iterator[str]:
    """Balls of the same seed can be the same to the last bit, but no two begin at the same time."""
    starts: dict[int, int] = {}
    for trial in trials:
        twin = starts.setdefault(store.start(trial), trial)
        if twin != trial:
            yield f'trials {twin} and {trial} are the same ball'


def _same(one: Trial, other: Trial) -> bool:
    samples = [
        np.array_equal(getattr(one.samples, entry.name), getattr(other.samples, entry.name))
        for entry in fields(TraceSamples)
    ]
    return (
        all(samples)
        and (one.outcome, one.policy, one.version, one.note)
        == (other.outcome, other.policy, other.version, other.note)
        and one.measures == other.measures
    )
