"""The page on which a person says what they want, reads what was understood, and begins a run in simulation."""

from functools import partial
from typing import Final
from urllib.parse import urlencode

from nicegui import run, ui

from llm_policy_improver.console.fields import Field
from llm_policy_improver.console.own_runs import OwnRuns, Wish
from llm_policy_improver.console.texts import button, facts, text
from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.core.objective import MAX_CHARACTERS, ObjectiveError
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.report.wording import aim_text
from llm_policy_improver.runs.background_run import BackgroundRun
from llm_policy_improver.runs.store_errors import StoreError

_REFUSED: Final = (ObjectiveError, SettingsError, EndpointError, StoreError)
_MOST_TRIALS: Final = 1000


class NewRunPage:
    """For one browser. Made within a page."""

    def __init__(self, runs: OwnRuns) -> None:
        self._runs, self._reading = runs, False
        usual = OptimizerSettings()
        with ui.element('section').classes('card form').props('aria-label="A new run"'):
            text('h2', 'Where should the ball go?')
            self._words = Field(
                'In plain words', '', placeholder='hit the ball as far right as possible', maxlength=MAX_CHARACTERS,
                autofocus=True,
            )  # fmt: skip
            self._trials = Field('Trials', str(usual.trials), 'number', min=2, max=_MOST_TRIALS)
            self._first = Field(
                'Of these first ones, spread over all that may be tried', str(usual.first_trials), 'number', min=1,
                max=_MOST_TRIALS,
            )  # fmt: skip
            self._noisy = Field("With a real arm's camera noise and delays", False, 'checkbox')
            self._approved = Field('I let each proposal play, or not', False, 'checkbox')
            self._ask = button('What is understood?', 'main').on('click', self._understand, args=[])
            self._words.element.on('keydown.enter', self._understand, args=[])
            self._trouble = text('p', '', 'trouble')
            self._trouble.props['role'] = 'alert'
        self._answer = ui.element('div').props('aria-live=polite')

    async def _understand(self) -> None:
        """Have the words read, and show what they are taken to mean."""
        if self._reading:
            return  # of Enter, which no button holds back
        self._answer.clear()
        self._trouble.text = ''
        trials, first = (_whole(each.line) for each in (self._trials, self._first))
        if not 0 < first < trials <= _MOST_TRIALS:
            self._trouble.text = (
                f'The trials must be a whole number up to {_MOST_TRIALS:,}, and the first ones fewer than that.'
            )
            return
        wish = Wish(self._words.line, trials, first, self._noisy.ticked, self._approved.ticked)
        self._reading = self._ask.props['disabled'] = True
        try:
            read = await run.io_bound(partial(self._runs.read, wish))
        except _REFUSED as error:
            self._trouble.text = str(error)
            return
        finally:
            self._reading = self._ask.props['disabled'] = False
        if read is not None:
            self._show(read)

    def _show(self, read: BackgroundRun) -> None:
        with self._answer, ui.element('section').classes('card').props('aria-label="What was understood"'):
            text('h2', f'“{read.objective.words}”')
            facts((('Understood as', aim_text(read.objective)), ('Who proposes', read.method)))
            begin = button('Begin', 'main').on('click', partial(self._begin, read), args=[])
            text('p', 'If something else is meant, say it in other words above.', 'quiet')
        begin.run_method('focus')

    async def _begin(self, read: BackgroundRun) -> None:
        if self._reading:
            return
        self._reading, self._trouble.text = True, ''
        try:
            await run.io_bound(partial(self._runs.begin, read))
        except _REFUSED as error:
            self._trouble.text = str(error)
            return
        finally:
            self._reading = False
        ui.navigate.to(f'/run?{urlencode({"name": read.folder.name})}')


def _whole(line: str) -> int:
    """The number that was typed; 0 where it is none."""
    return int(line) if line.isascii() and line.isdecimal() and len(line) < 7 else 0
