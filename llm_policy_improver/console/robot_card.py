"""Beside a robot: say what it should learn, read what was understood, let proposals play; arm, resume, disarm."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from nicegui import run, ui

from llm_policy_improver.console.objective_form import ObjectiveForm
from llm_policy_improver.console.operator_controls import OperatorControls
from llm_policy_improver.console.proposal_card import ProposalCard
from llm_policy_improver.console.stored_offer import beside_best
from llm_policy_improver.console.texts import button, facts, link, text
from llm_policy_improver.console.watched_folder import WatchedFolder
from llm_policy_improver.report.robot import (
    DISARMED,
    ESTOP,
    FAULT,
    PLAYING,
    READY,
    WAITING,
    Kind,
    Offer,
    Robot,
    RobotError,
    RobotState,
)
from llm_policy_improver.runs.writer_lock import writer_of

PERIOD: Final = 0.25
"""s between two looks."""
WATCHING: Final = (
    "Arming, resuming, deciding and beginning are for people with the operator's link, which the console printed when "
    'it was started. Stopping is for everybody.'
)


class RobotCard:
    """For one browser. Made within a page; it follows the robot.

    Args:
        robot: what it shows.
        watched: where its run may be stored.
        operates: whether whoever looks may do more than stop it.
        folder: of the run whose page this is: the card hides beside another one's; None: it is always shown.
    """

    def __init__(self, robot: Robot, watched: WatchedFolder, operates: bool, folder: Path | None = None) -> None:
        self._robot, self._watched, self._operates, self._page = robot, watched, operates, folder
        self._state: RobotState | None = None
        self._offer: Offer | None = None
        self._run = ''
        self._folder: Path | None = None
        with ui.element('section').classes('card own-run robot-card').props('aria-label="The arm"') as self._card:
            with ui.element('div').classes('stepper'):
                self._heading = text('h2', '')
                self._heading.props['aria-live'] = 'polite'
                self._open = link('Open this run', '')
            self._message = text('p', '', 'quiet')
            self._facts = ui.element('div')
            self._controls = OperatorControls(robot, self._do) if self._may else None
            with ui.element('div').props('role=group aria-label="Operate"').classes('tools wrap'):
                self._disarm = button('Disarm').on('click', partial(self._do, robot.disarm), args=[])
                self._cancel = button('End the run').on('click', partial(self._do, robot.cancel), args=[])
            self._next = text('p', '', 'next')
            self._said, self._refused = text('p', '', 'quiet'), text('p', '', 'trouble')
            self._said.props['role'], self._refused.props['role'] = 'status', 'alert'
            self._form = ObjectiveForm(robot, self._do) if self._may else None
            self._body = ui.element('div')
            self._watching = text('p', WATCHING, 'quiet')
        self._card.set_visibility(False)
        ui.timer(PERIOD, self._look)

    @property
    def _may(self) -> bool:
        return self._operates or not self._robot.keyed

    @property
    def expected_place(self) -> tuple[float, float] | None:
        """Where the ball of what waits for this page's run is expected, m; None where nothing waits or says so."""
        return None if self._offer is None or self._folder != self._page else self._offer.landing

    @property
    def _begins(self) -> bool:
        """Whether nodes write into the run whose page this is, and nothing was asked of them yet."""
        return self._page is not None and writer_of(self._page) is not None

    async def _look(self) -> None:
        state = self._robot.state()
        if state == self._state:
            return
        self._state = state
        if state.run != self._run or self._folder is None:
            self._run = state.run
            self._folder = await run.io_bound(self._watched.folder_of, state.run)
        if state.offer != self._offer:
            await self._show_offer(state)
        self._show(state)

    def _show(self, state: RobotState) -> None:
        shown = self._page is None or self._folder == self._page or (not state.run and self._begins)
        self._card.set_visibility(shown)
        if not shown:
            return
        self._heading.text = _heading(state)
        self._message.text = f'Last said by the controller: {state.message}' if state.message else ''
        self._next.text = _next(state)
        self._next.set_visibility(bool(self._next.text))
        elsewhere = self._folder is not None and self._page is None
        self._open.set_visibility(elsewhere)
        if elsewhere and self._folder is not None:
            self._open.props['href'] = f'/run?{urlencode({"name": self._folder.name})}'
        self._show_facts(state)
        self._disarm.set_visibility(not state.silent and state.controller in (READY, PLAYING))
        self._cancel.set_visibility(state.improving)
        self._watching.set_visibility(not self._may)
        if self._controls is not None:
            self._controls.show(state)
        if self._form is not None:
            self._form.element.set_visibility(bool(state.optimizer) and not state.improving)

    def _show_facts(self, state: RobotState) -> None:
        self._facts.clear()
        left_out = f'{state.left_out:,} that no node of this run has sealed' if state.left_out else ''
        with self._facts:
            facts(
                (
                    ('Objective', f'“{state.objective}”' if state.objective else ''),
                    ('Understood as', state.aim),
                    ('Trials', f'{state.played} of {state.trials}' if state.trials else ''),
                    ('Who proposes', state.method),
                    ('Said at its end', '' if state.improving else state.reason),
                    ('Messages left out', left_out),
                )
            )

    async def _show_offer(self, state: RobotState) -> None:
        offer = self._offer = state.offer
        self._body.clear()
        if offer is None:
            return
        more = await run.io_bound(self._beside_best, offer)
        if self._offer is not offer:
            return  # something else waits by now
        plays = 'one simulated ball' if state.kind is Kind.SIMULATION else 'the arm plays one ball'
        with self._body:
            ProposalCard(more or offer, plays, partial(self._decide, offer) if self._may else None, WATCHING)

    def _beside_best(self, offer: Offer) -> Offer:
        stored = None if self._folder is None else self._watched.run(self._folder.name)
        return offer if stored is None else beside_best(offer, stored)

    async def _decide(self, offer: Offer, decision: str, by: str, reason: str, values: tuple[float, ...]) -> None:
        said = await run.io_bound(self._robot.decide, offer, decision, by, reason, values)
        self._said.text = said or ''

    async def _do(self, operation: Callable[[], str]) -> None:
        self._refused.text = self._said.text = ''
        try:
            self._said.text = await run.io_bound(operation) or ''
        except RobotError as error:
            self._refused.text = str(error)


def _next(state: RobotState) -> str:
    """What it takes for the arm to move, where it does not; empty where it may."""
    decided = 'What you let play is played once it is armed.' if state.improving else ''
    if state.controller in (FAULT, ESTOP):
        return f'Resuming moves nothing: the arm is disarmed then, until somebody arms it. {decided}'.strip()
    if state.controller == DISARMED:
        return f'Nothing moves until somebody arms the arm. {decided}'.strip()
    if state.optimizer == WAITING and state.controller in (READY, PLAYING) and state.kind is not Kind.SIMULATION:
        return 'The arm is armed: a ball that comes before you decide is hit with what the arm was given last.'
    return ''


def _heading(state: RobotState) -> str:
    if not state.optimizer:
        return 'Nobody improves anything yet: no optimizer is heard'
    if state.optimizer == WAITING:
        return 'A proposal waits for you: it is not played until you decide'
    if state.improving:
        waits = {DISARMED: 'The run waits for the arm, which is disarmed'}
        waits |= dict.fromkeys((FAULT, ESTOP), 'The run waits for the arm, which was stopped')
        return waits.get(state.controller, 'A run goes on')
    return {'idle': 'Nothing is asked for yet'}.get(state.optimizer, f'The last run is {state.optimizer}')
