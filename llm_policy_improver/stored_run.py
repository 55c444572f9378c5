"""A run read back from its store: what was asked, proposed and played, in the order in which it happened."""

from dataclasses import dataclass
from itertools import zip_longest

from llm_policy_improver.optimizers.protocol import Proposal
from llm_policy_improver.settings import OptimizerSettings, from_mapping
from llm_policy_improver.trace import ExecutionTrace
from llm_policy_improver.tracing.store import RunStore, StoredExchange, StoredStep


@dataclass(frozen=True, slots=True)
class PlayedStep:
    """A stored step and what belongs to it.

    Attributes:
        stored: the step.
        exchanges: the requests to a language model made for it, in their order.
        trace: its trial, without the time series; None where it was not played.
    """

    stored: StoredStep
    exchanges: tuple[StoredExchange, ...]
    trace: ExecutionTrace | None

    @property
    def proposal(self) -> Proposal:
        """What the store holds of the proposal: the words and the requests, not its own checks."""
        step = self.stored
        return Proposal(
            attenuation=step.parameters.attenuation,
            proposed_by=step.parameters.proposed_by,
            summary=step.summary,
            analysis=step.analysis,
            synthesis=step.synthesis,
            reason=step.reason,
            exchanges=tuple(each.exchange for each in self.exchanges),
            fallback=step.fallback,
        )


@dataclass(frozen=True, slots=True)
class StoredPart:
    """The steps towards one objective; all but the last were played.

    Attributes:
        objective: the person's words.
        history: the trials before them, oldest first.
        steps: at least one.
    """

    objective: str
    history: tuple[ExecutionTrace, ...]
    steps: tuple[PlayedStep, ...]

    def before(self, number: int) -> tuple[ExecutionTrace, ...]:
        """All trials before the step of this number, oldest first."""
        played = (each.trace for each in self.steps if each.stored.step < number)
        return (*self.history, *(trace for trace in played if trace is not None))


def stored_settings(store: RunStore) -> OptimizerSettings | None:
    """The optimizer's settings that the run was made with; None where the run does not hold them.

    Raises:
        SettingsError: they are not those of this version.
    """
    flat = store.description.get('optimizer')
    if not isinstance(flat, dict):
        return None
    return from_mapping(OptimizerSettings, flat, f'the settings stored in {store.folder}')


def stored_parts(store: RunStore) -> tuple[StoredPart, ...]:
    """The run, cut where its objective changes and after a step that was never played.

    Trials that no step asked for, e.g. balls thrown before there was an objective, belong to the history of the
    part that follows.
    """
    trials = store.trials()
    exchanges: dict[int, list[StoredExchange]] = {}
    for exchange in store.exchanges():
        exchanges.setdefault(exchange.step, []).append(exchange)
    parts: list[StoredPart] = []
    steps: list[PlayedStep] = []
    before = played = 0
    stored = store.steps()
    for step, following in zip_longest(stored, stored[1:]):
        version = step.parameters.version
        left = range(played, len(trials))
        found = next((i for i in left if trials[i].parameters.version == version), None)
        if not steps:
            before = played if found is None else found
        steps.append(
            PlayedStep(step, tuple(exchanges.get(step.step, ())), None if found is None else trials[found])
        )
        played = played if found is None else found + 1
        if following is None or found is None or following.objective != step.objective:
            parts.append(StoredPart(step.objective, tuple(trials[:before]), tuple(steps)))
            steps = []
    return tuple(parts)
