"""On the page of a run that the console plays: the proposal that waits for a person, and the way to stop."""

import getpass
from typing import Final

from nicegui import ui

from llm_policy_improver.console.change_bars import change_bars
from llm_policy_improver.console.fields import Field
from llm_policy_improver.console.texts import button, facts, text
from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.loop.approval import APPROVE, EDIT, REJECT, ApprovalError
from llm_policy_improver.report.told_steps import expected_text, policy_changes
from llm_policy_improver.report.wording import waiting_text
from llm_policy_improver.runs.background_run import BackgroundRun, Progress

PERIOD: Final = 0.2
"""s between two looks whether something waits."""


class OwnRunCard:
    """For one browser. Made within a page; it follows the run until its end."""

    def __init__(self, run: BackgroundRun) -> None:
        self._run = run
        self._case: GateCase | None = None
        self._fields: dict[str, Field] = {}
        with ui.element('section').classes('card own-run').props('aria-label="This run"'):
            with ui.element('div').classes('stepper'):
                self._state = text('h2', '')
                self._state.props['aria-live'] = 'polite'
                self._stop = button('Stop after this ball').on('click', self._on_stop, args=[])
            self._message = text('p', '', 'quiet')
            self._body = ui.element('div')
        self._look()
        self._timer = ui.timer(PERIOD, self._look)

    def _look(self) -> None:
        progress, case = self._run.progress, self._run.waiting
        self._state.text = {
            Progress.PLAYING: 'This console plays the run, in simulation',
            Progress.WAITING: 'A proposal waits for you: nothing moves, in simulation, until you decide',
        }.get(progress, f'The run has {"failed" if progress is Progress.FAILED else "ended"}')
        self._message.text = self._run.message
        self._stop.set_visibility(progress in (Progress.PLAYING, Progress.WAITING))
        if case is not self._case:
            self._case = case
            self._body.clear()
            self._fields = {}
            if case is not None:
                with self._body:
                    self._show(case)

    def _on_stop(self) -> None:
        self._run.stop()
        self._message.text = 'It stops after the ball in flight; "llm-policy-improver resume" goes on with it.'

    def _show(self, case: GateCase) -> None:
        best, space = case.objective.best(case.history), self._run.space
        expected = expected_text(Expectation.of(case.proposal))
        facts(
            (
                ('Version', f'{case.version}, by {case.proposal.proposed_by}'),
                ('Why', case.proposal.reason),
                ('Expected', expected),
                ('Checks', waiting_text(case)),
            )
        )
        if best is not None:
            text('h3', f'What changes from trial {best.number}, the best so far')
            changes = policy_changes(space, best, case.proposal)
            if changes:
                change_bars(changes)
            else:
                text('p', 'Nothing: the same parameters are played again.')
        for heading, words in (('Analysis', case.proposal.analysis), ('Synthesis', case.proposal.synthesis)):
            if words:
                with ui.element('details'):
                    text('summary', heading)
                    text('p', words, 'words')
        with ui.element('details'):
            text('summary', 'Put other numbers in its place')
            with ui.element('div').classes('numbers'):
                for each, value in zip(space.parameters, space.values(case.proposal), strict=True):
                    self._fields[each.name] = Field(
                        each.label, f'{value:.3f}', 'number', min=each.low, max=each.high, step='any'
                    )
        with ui.element('div').classes('decide'):
            self._person = Field('Who decides, for the record', getpass.getuser())
            self._reason = Field('Why (a rejection must have one; the next prompt tells it)', '')
            text(
                'p',
                'Let it play: one simulated ball with these numbers, then the next proposal. Reject it: it is not '
                'played, and another is made.',
                'quiet',
            )
            with ui.element('div').props('role=group aria-label="Decide"').classes('tools'):
                button('Let it play', 'main').on('click', self._approve, args=[])
                button('Reject it').on('click', self._reject, args=[])
        self._refused = text('p', '', 'trouble')
        self._refused.props['role'] = 'alert'

    def _approve(self) -> None:
        """As it is, or with the person's numbers where some were changed."""
        case = self._case
        if case is None:
            return
        before = [f'{value:.3f}' for value in self._run.space.values(case.proposal)]
        typed = [field.line for field in self._fields.values()]
        if typed == before:
            self._decide(APPROVE, ())
            return
        try:
            # What was not touched stays as it was proposed, with all its digits.
            exact = self._run.space.values(case.proposal)
            values = tuple(
                value if now == was else float(now) for now, was, value in zip(typed, before, exact, strict=True)
            )
        except ValueError:
            self._refused.text = 'Each of the numbers must be one.'
            return
        self._decide(EDIT, values)

    def _reject(self) -> None:
        self._decide(REJECT, ())

    def _decide(self, decision: str, values: tuple[float, ...]) -> None:
        case, approval = self._case, self._run.approval
        if case is None or approval is None:
            return
        try:
            said = approval.decide(case.version, decision, self._person.line, self._reason.line, values)
        except ApprovalError as error:
            self._refused.text = str(error)[:1].upper() + str(error)[1:]
            return
        ui.notify(said, position='bottom')
        self._look()


