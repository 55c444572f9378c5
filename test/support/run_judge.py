"""Whether anything of a run was lost, doubled or mixed up, by its store and by what was published meanwhile."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace

import numpy as np

from llm_policy_improver.core.parameters import NEUTRAL_ATTENUATION, PolicyParameters
from llm_policy_improver.core.trace import ExecutionTrace, TraceSamples
from llm_policy_improver.runs.replay import replay
from llm_policy_improver.runs.store import RunStore, StoreError
from llm_policy_improver.runs.stored_run import stored_parts


def judge(
    store: RunStore, seen: Sequence[ExecutionTrace], published: Sequence[PolicyParameters], trials: int
) -> Iterator[str]:
    """What is lost, doubled or wrong in a run, in words.

    Args:
        store: of the run.
        seen: the trials that were published meanwhile, with their samples.
        published: the parameters that were published meanwhile.
        trials: that the run was to have.
    """
    yield from _wrong_steps(store, trials)
    stored: dict[int, ExecutionTrace] = {}
    for trace in store.trials():
        try:
            stored[trace.trial] = replace(trace, samples=store.samples(trace.trial))
        except StoreError as error:
            yield str(error)
    yield from _doubled(store, stored)
    for trace in seen:
        if trace.trial not in stored or not _same(stored[trace.trial], trace):
            yield f'trial {trace.trial} was published, and is not what is stored'
    numbers = {step.parameters.version: step.parameters.attenuation for step in store.steps()}
    highest = 0
    for parameters in published:
        if parameters.version < highest:
            yield f'version {parameters.version} was published after {highest}'
        highest = max(highest, parameters.version)
        if numbers.get(parameters.version) != parameters.attenuation:
            yield f'version {parameters.version} was published with other numbers than those of its step'


def _wrong_steps(store: RunStore, trials: int) -> Iterator[str]:
    parts, stored = stored_parts(store), store.trials()
    steps = [step for part in parts for step in part.steps]
    if len(parts) != 1 or len(steps) != trials or not store.ended():
        yield f'{len(parts)} runs with {len(steps)} steps are stored instead of one that ended with {trials}'
    versions = [each.stored.parameters.version for each in steps if not each.stored.unchanged]
    if versions != sorted(set(versions)):
        yield 'the versions of the steps do not grow'
    for each in steps:
        step, trace = each.stored, each.trace
        if trace is None:
            yield f'step {step.step} has no trial'
        elif trace.parameters.attenuation != step.parameters.attenuation:
            yield f'trial {trace.trial} was not played with the parameters of its step {step.step}'
    known = {each.stored.parameters.version: each.stored.parameters.attenuation for each in steps}
    known[0] = NEUTRAL_ATTENUATION  # of a controller that has just been started
    for trace in stored:
        if known.get(trace.parameters.version) != trace.parameters.attenuation:
            yield f'trial {trace.trial} was played with parameters that nobody gave the version it tells'
    if [trace.trial for trace in stored] != list(range(1, len(stored) + 1)):
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


def _same(one: ExecutionTrace, other: ExecutionTrace) -> bool:
    samples = [
        np.array_equal(getattr(one.samples, entry.name), getattr(other.samples, entry.name))
        for entry in fields(TraceSamples)
    ]
    return (
        all(samples)
        and (one.outcome, one.parameters, one.note) == (other.outcome, other.parameters, other.note)
        and one.landing == other.landing
    )
