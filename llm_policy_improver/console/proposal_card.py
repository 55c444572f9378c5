"""A proposal that waits for a person, who lets it play, puts other numbers in its place, or rejects it."""

import getpass
from collections.abc import Awaitable, Callable

from nicegui import ui

from llm_policy_improver.console.change_bars import change_bars
from llm_policy_improver.console.fields import Field
from llm_policy_improver.console.texts import button, facts, text
from llm_policy_improver.loop.approval import APPROVE, EDIT, REJECT, ApprovalError
from llm_policy_improver.report.robot import Offer, RobotError

Decide = Callable[[str, str, str, tuple[float, ...]], Awaitable[None]]
"""Given the decision, who decides, why, and other numbers. Raises `ApprovalError` or `RobotError`."""


class ProposalCard:
    """For one browser. Made within a page.

    Args:
        offer: what waits.
        plays: what a ball is here, e.g. ``'one simulated ball'``.
        decide: takes the decision; None where whoever looks may not decide.
        why_not: the sentence for those.
    """

    def __init__(self, offer: Offer, plays: str, decide: Decide | None, why_not: str = '') -> None:
        self._offer, self._decide = offer, decide
        facts((('Version', f'{offer.version}, by {offer.proposed_by}'), *offer.told))
        if offer.changed_from:
            text('h3', f'What changes from {offer.changed_from}')
            if offer.changes:
                change_bars(offer.changes)
                changed = {each.label for each in offer.changes}
                same = ', '.join(each.label for each in offer.numbers if each.label not in changed)
                text('p', f'As before: {same}.' if same else '', 'quiet')
            else:
                text('p', 'Nothing: the same parameters are played again.')
        for sentence in offer.contradictions:
            text('p', sentence, 'trouble')
        for heading, words in offer.thoughts:
            with ui.element('details'):
                text('summary', heading)
                text('p', words, 'words')
        if offer.source:
            text('h3', 'The program that chooses for each ball')
            text('pre', offer.source).props('tabindex=0')
        if decide is None:
            text('p', why_not, 'quiet')
            return
        self._fields = self._numbers()
        with ui.element('div').classes('decide'):
            self._person = Field('Who decides, for the record', getpass.getuser())
            self._reason = Field('Why (a rejection must have one; a language model is told it)', '')
            text(
                'p',
                f'Let it play: {plays} with these numbers, then the next proposal. Reject it: it is not played, and '
                'another is made.',
                'quiet',
            )
            with ui.element('div').props('role=group aria-label="Decide"').classes('tools'):
                button('Let it play', 'main').on('click', self._approve, args=[])
                button('Reject it').on('click', self._reject, args=[])
        self._refused = text('p', '', 'trouble')
        self._refused.props['role'] = 'alert'

    def _numbers(self) -> list[Field]:
        if not self._offer.numbers:
            return []
        with ui.element('details'):
            text('summary', 'Put other numbers in its place')
            with ui.element('div').classes('numbers'):
                return [
                    Field(each.label, f'{each.value:.3f}', 'number', step='any', **_bounds(each.low, each.high))
                    for each in self._offer.numbers
                ]

    async def _approve(self) -> None:
        """As it is, or with the person's numbers where some were changed."""
        exact = [each.value for each in self._offer.numbers]
        before = [f'{value:.3f}' for value in exact]
        typed = [field.line for field in self._fields]
        if typed == before:
            await self._decided(APPROVE, ())
            return
        try:
            # What was not touched stays as it was proposed, with all its digits.
            values = tuple(
                value if now == was else float(now) for now, was, value in zip(typed, before, exact, strict=True)
            )
        except ValueError:
            self._refused.text = 'Each of the numbers must be one.'
            return
        await self._decided(EDIT, values)

    async def _reject(self) -> None:
        await self._decided(REJECT, ())

    async def _decided(self, decision: str, values: tuple[float, ...]) -> None:
        if self._decide is None:
            return
        self._refused.text = ''
        try:
            await self._decide(decision, self._person.line, self._reason.line, values)
        except (ApprovalError, RobotError) as error:
            self._refused.text = str(error)[:1].upper() + str(error)[1:]


def _bounds(low: float | None, high: float | None) -> dict[str, float]:
    return {name: value for name, value in (('min', low), ('max', high)) if value is not None}
