"""What moves an arm, or lets it move again: arming, after a question, and resuming."""

import getpass
from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import ui

from llm_policy_improver.console.fields import Field
from llm_policy_improver.console.texts import button, text
from llm_policy_improver.report.robot import DISARMED, ESTOP, FAULT, Kind, Robot, RobotState

Do = Callable[[Callable[[], str]], Awaitable[None]]
"""Has the robot do something, and shows what it said or why it refused."""


class OperatorControls:
    """For one browser, made within a page, and only for who may operate: what is hidden could still be clicked.

    Args:
        robot: what moves.
        do: has it do so.
    """

    def __init__(self, robot: Robot, do: Do) -> None:
        self._robot, self._do = robot, do
        self._simulated = False
        with ui.element('div').classes('confirm') as self._all:
            self._by = Field('Who operates the arm, for the record', getpass.getuser())
            with ui.element('div').classes('tools'):
                self._arm = button('Arm ...').on('click', self._ask, args=[])
                self._resume = button('Resume').on('click', self._on_resume, args=[])
            with ui.element('div').props('role=group aria-label="Arm"').classes('confirm') as self._sure:
                self._question = text('p', '')
                with ui.element('div').classes('tools'):
                    self._no = button('No').on('click', lambda: self._sure.set_visibility(False), args=[])
                    button('Yes, arm it', 'main').on('click', self._on_arm, args=[])
        for each in (self._all, self._sure):
            each.set_visibility(False)

    def show(self, state: RobotState) -> None:
        """What can be done now."""
        self._simulated = state.kind is Kind.SIMULATION
        heard = bool(state.controller) and not state.silent
        disarmed, stopped = heard and state.controller == DISARMED, heard and state.controller in (FAULT, ESTOP)
        self._all.set_visibility(disarmed or stopped)
        self._arm.set_visibility(disarmed)
        self._resume.set_visibility(stopped)
        if not disarmed:
            self._sure.set_visibility(False)

    def _ask(self) -> None:
        goes = '' if self._simulated else ' It goes to its ready pose at once.'
        self._question.text = f'Is nobody within reach, and may the arm move now?{goes}'
        self._sure.set_visibility(True)
        self._no.run_method('focus')

    async def _on_arm(self) -> None:
        self._sure.set_visibility(False)
        await self._do(partial(self._robot.arm, self._by.line))

    async def _on_resume(self) -> None:
        await self._do(partial(self._robot.resume, self._by.line))
