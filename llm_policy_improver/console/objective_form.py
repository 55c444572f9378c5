"""An objective in words for nodes that run: what would be understood, and only then its beginning."""

from functools import partial

from nicegui import run, ui

from llm_policy_improver.console.fields import Field
from llm_policy_improver.console.operator_controls import Do
from llm_policy_improver.console.texts import button, facts, text
from llm_policy_improver.core.objective import MAX_CHARACTERS
from llm_policy_improver.report.robot import Robot, RobotError


class ObjectiveForm:
    """For one browser, made within a page, and only for who may begin a run: what is hidden could still be clicked.

    Args:
        robot: reads the words, and begins.
        do: lets it begin.

    Attributes:
        element: all of it, to be shown and hidden.
    """

    def __init__(self, robot: Robot, do: Do) -> None:
        self._robot, self._do, self._reading = robot, do, False
        with ui.element('div').classes('form') as self.element:
            text('h3', 'Where should the ball go?')
            self._words = Field(
                'In plain words', '', placeholder='hit the ball as far right as possible', maxlength=MAX_CHARACTERS
            )
            self._ask = button('What is understood?', 'main').on('click', self._understand, args=[])
            self._words.element.on('keydown.enter', self._understand, args=[])
            self._refused = text('p', '', 'trouble')
            self._refused.props['role'] = 'alert'
            self._answer = ui.element('div').props('aria-live=polite')

    async def _understand(self) -> None:
        """Have the words read, and show what they are taken to mean; nothing begins."""
        if self._reading:
            return  # of Enter, which no button holds back
        self._answer.clear()
        self._refused.text = ''
        words = self._words.line
        self._reading = self._ask.props['disabled'] = True
        try:
            read = await run.io_bound(self._robot.understood, words)
        except RobotError as error:
            self._refused.text = str(error)
            return
        finally:
            self._reading = self._ask.props['disabled'] = False
        if read is None:
            return  # the console ends
        aim, follows = read
        with self._answer:
            facts((('Understood as', aim or 'no program measures it: people rank the trials'), ('Then', follows)))
            begin = button('Begin', 'main').on('click', partial(self._begin, words), args=[])
            text('p', 'If something else is meant, say it in other words above.', 'quiet')
        begin.run_method('focus')

    async def _begin(self, words: str) -> None:
        self._answer.clear()
        await self._do(partial(self._robot.begin, words))
