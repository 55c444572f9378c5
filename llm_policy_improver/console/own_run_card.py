"""A run that the console plays itself: where it stands, its stop, and the proposal that waits for a person."""

from typing import Final

from nicegui import ui

from llm_policy_improver.console.proposal_card import ProposalCard
from llm_policy_improver.console.texts import button, text
from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.loop.approval import ApprovalError
from llm_policy_improver.report.contradictions import contradictions
from llm_policy_improver.report.robot import Number, Offer
from llm_policy_improver.report.told_steps import expected_text, policy_changes
from llm_policy_improver.report.wording import waiting_text
from llm_policy_improver.runs.background_run import BackgroundRun, Progress
from llm_policy_improver.table_tennis.tracing.observed import expected_place

PERIOD: Final = 0.2
"""s between two looks whether something waits."""


class OwnRunCard:
    """For one browser. Made within a page; it follows the run."""

    def __init__(self, run: BackgroundRun) -> None:
        self._run = run
        self._case: GateCase | None = None
        with ui.element('section').classes('card own-run').props('aria-label="This run"'):
            with ui.element('div').classes('stepper'):
                self._state = text('h2', '')
                self._state.props['aria-live'] = 'polite'
                self._stop = button('Stop the run').on('click', self._on_stop, args=[])
            self._message, self._said = text('p', '', 'quiet'), text('p', '', 'quiet')
            self._said.props['role'] = 'status'
            self._body = ui.element('div')
        self._look()
        ui.timer(PERIOD, self._look)

    def _look(self) -> None:
        progress, case = self._run.progress, self._run.waiting
        self._state.text = {
            Progress.PLAYING: 'This console plays the run, in simulation',
            Progress.WAITING: 'A proposal waits for you: nothing moves, in simulation, until you decide',
        }.get(progress, f'The run has {"failed" if progress is Progress.FAILED else "ended"}')
        self._message.text = f'Last: {self._run.message}' if self._run.message else ''
        self._stop.set_visibility(progress in (Progress.PLAYING, Progress.WAITING))
        if case is not self._case:
            self._case = case
            self._body.clear()
            if case is not None:
                with self._body:
                    ProposalCard(offer_of(case, self._run.space), 'one simulated ball', self._decide)

    @property
    def expected_place(self) -> tuple[float, float] | None:
        """Where the ball of what waits is expected, m, frame ``table``; None where nothing waits or says so."""
        return None if self._case is None else expected_place(self._case.proposal)

    def _on_stop(self) -> None:
        self._run.stop()
        self._said.text = 'It stops after the ball in flight; "llm-policy-improver resume" goes on with it.'

    async def _decide(self, decision: str, by: str, reason: str, values: tuple[float, ...]) -> None:
        case, approval = self._case, self._run.approval
        if case is None or approval is None:
            raise ApprovalError('nothing waits any more')
        self._said.text = approval.decide(case.version, decision, by, reason, values)


def offer_of(case: GateCase, space: ParameterSpace) -> Offer:
    """A proposal that waits in this process, beside the best trial so far."""
    best, proposal = case.objective.best(case.history), case.proposal
    told = (
        ('Why', proposal.reason),
        ('Expected', expected_text(Expectation.of(proposal))),
        ('Automatic checks', waiting_text(case)),
    )
    thoughts = (('Analysis', proposal.analysis), ('Synthesis', proposal.synthesis))
    changes = () if best is None else policy_changes(space, best, proposal)
    labels = {each.label for each in changes}
    against = (
        ()
        if best is None
        else contradictions(proposal, proposal, best, case.history, case.objective, space, labels)
    )
    return Offer(
        version=case.version,
        proposed_by=proposal.proposed_by,
        told=told,
        changed_from='' if best is None else f'trial {best.number}, the best so far',
        changes=changes,
        contradictions=against,
        thoughts=tuple((name, words) for name, words in thoughts if words),
        source='',
        numbers=tuple(
            Number(each.label, value, each.low, each.high)
            for each, value in zip(space.parameters, space.values(proposal), strict=True)
        ),
        landing=expected_place(proposal),
    )
