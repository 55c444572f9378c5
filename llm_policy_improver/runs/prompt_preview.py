"""What a language model would be sent for a step of a stored run: rebuilt from its trials, not copied."""

from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from llm_policy_improver.core.chat import Message
from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.llm.recorded import RecordedModel
from llm_policy_improver.llm.tokens import count_message_tokens
from llm_policy_improver.loop.build import assemble
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.registry import PROGRAMS, WITH_MODEL
from llm_policy_improver.runs.run_records import RunRecords
from llm_policy_improver.runs.store import StoreError
from llm_policy_improver.runs.stored_run import (
    PlayedStep,
    RunSettings,
    StoredPart,
    stored_parts,
    stored_settings,
)

_UNKNOWN: Final = 'language model'


@dataclass(frozen=True, slots=True)
class PromptPreview:
    """A prompt and what there is to say about it.

    Attributes:
        step: number of the step it is for, from 1.
        messages: exactly what is sent; none where nothing is.
        tokens: about how many they cost.
        common_prefix: share of the text, 0 to 1, up to the first character that differs from the prompt of the
            step before; None where one of them is not there.
        same_as_sent: whether it is what was sent for this step; None where nothing was.
        notes: sentences for the person.
    """

    step: int
    messages: tuple[Message, ...]
    tokens: int
    common_prefix: float | None
    same_as_sent: bool | None
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'step': self.step,
            'messages': [{'role': role, 'content': text} for role, text in self.messages],
            'tokens': self.tokens,
            'common_prefix': self.common_prefix,
            'same_as_sent': self.same_as_sent,
        }

    def __str__(self) -> str:
        return '\n'.join(f'## {role}\n\n{text.rstrip()}\n' for role, text in self.messages)


def preview(store: RunRecords, number: int | None = None) -> PromptPreview:
    """The prompt of a step, from the trials before it.

    Args:
        store: of the run.
        number: of the step, from 1; the one after the last where None.

    Raises:
        StoreError: the run is damaged, or has no steps, or no such step.
        SettingsError: its settings are not those of this version.
    """
    store.require_sound()
    parts = stored_parts(store)
    if not parts:
        raise StoreError(
            f'the run in {store.folder} has no steps yet, so there is no objective to write about'
        )
    last = parts[-1].steps[-1].number
    wanted = last + 1 if number is None else number
    if not 1 <= wanted <= last + 1:
        raise StoreError(
            f'the run in {store.folder} has the steps 1 to {last}, and {last + 1} would come next; there is no '
            f'step {wanted}'
        )
    notes: list[str] = []
    part = next((each for each in parts if wanted <= each.steps[-1].number), parts[-1])
    # Given steps of an experiment were made with none: its own ones then say what would be sent.
    settings = stored_settings(store, part.steps[0].number) or stored_settings(store)
    if settings is None:
        settings = RunSettings(OptimizerSettings(method='sas', model=_UNKNOWN))
        notes.append('the run does not hold its settings: the default ones are used')
    steps = [each for each in part.steps if each.number < wanted]
    proposals = tuple(each.step(1).proposal for each in steps if each.trial is not None)
    optimizer = settings.optimizer
    asks = optimizer.model and optimizer.method in ('auto', *WITH_MODEL, *PROGRAMS)
    if settings.own_method or not asks:
        asking = replace(optimizer, method='sas', model=_UNKNOWN, base_url='')
        settings = replace(settings, optimizer=asking)
        notes.append(
            'no language model proposes in this run: this is what SAS-Prompt would send for its objective'
        )
    messages = _messages(part, wanted, proposals, settings)
    if not messages:
        notes.append(f'nothing is asked for step {wanted}: what was answered before holds a proposal for it')
    before = _messages(part, wanted - 1, proposals, settings) if steps else ()
    stored = next((each for each in part.steps if each.number == wanted), None)
    same = None if stored is None else _same_as_sent(stored, messages, notes)
    return PromptPreview(
        wanted,
        messages,
        count_message_tokens(messages),
        _common_prefix(before, messages) if before and messages else None,
        same,
        tuple(notes),
    )


def _messages(
    part: StoredPart, number: int, proposals: Sequence[Proposal], settings: RunSettings
) -> tuple[Message, ...]:
    played = part.before(number)[len(part.history) :]
    earlier = proposals[: len(played)]
    # Nothing is loaded, so that the model takes the request and answers nothing.
    model = RecordedModel(settings.optimizer.model)
    assembly = assemble(settings.optimizer, model, settings.options)
    with closing(assembly), suppress(ProposalError):
        history = (*assembly.known(part.history), *played)
        assembly.method.propose(history, settings.meant(part.objective), earlier)
    return model.asked[0] if model.asked else ()


def _same_as_sent(step: PlayedStep, messages: tuple[Message, ...], notes: list[str]) -> bool | None:
    number = step.number
    if not step.exchanges:
        if step.stored.step.proposed_by == 'initial':
            notes.append(f'step {number} was one of the first trials: nothing was sent for it')
        else:
            notes.append(f'nothing was sent for step {number}: {step.stored.step.proposed_by} proposed it')
        return None
    sent = step.exchanges[0]
    if sent.exchange.messages == messages:
        return True
    was, now = _text(sent.exchange.messages), _text(messages)
    line = now[: _common(was, now)].count('\n') + 1
    notes.append(
        f'this is not what was sent for step {number} (exchange {sent.number}): the first difference is in line '
        f'{line}; the prompt files, the settings or the program changed since'
    )
    return False


def _text(messages: tuple[Message, ...]) -> str:
    return '\n'.join(f'{role}\n{text}' for role, text in messages)


def _common_prefix(before: tuple[Message, ...], now: tuple[Message, ...]) -> float:
    text = _text(now)
    return _common(_text(before), text) / len(text)


def _common(one: str, other: str) -> int:
    """Length of the longest common beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))
