"""The page of a run: everything that is known of it, followed live, with one trial chosen."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from nicegui import run, ui

from llm_policy_improver.console.arm_scene import Replay, arm_scene, replay_data
from llm_policy_improver.console.charts import (
    DistanceChart,
    LandingMap,
    TrialTable,
    map_data,
    rounded,
    trials_data,
)
from llm_policy_improver.console.run_head import run_banner, run_end
from llm_policy_improver.console.texts import button, link, metres, text
from llm_policy_improver.console.told_trials import told_trials
from llm_policy_improver.console.trial_panel import trial_panel
from llm_policy_improver.console.watched_run import Glance, WatchedRun
from llm_policy_improver.loop.step import Step
from llm_policy_improver.report.map_view import Shown
from llm_policy_improver.report.page import Prices
from llm_policy_improver.report.run_view import RunView
from llm_policy_improver.report.told_steps import ToldStep
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.table_tennis.tracing.observed import expected_place

PERIOD: Final = 0.4
"""s between two looks for new trials, at least."""
_PAUSE: Final = 9.0
"""Times as long as a look took nothing is looked for: who plays the trials has the processor."""


class Foretelling(Protocol):
    """What knows of a proposal that waits for this page's run."""

    @property
    def expected_place(self) -> tuple[float, float] | None:
        """Where its ball is expected, m, frame ``table``; None where nothing waits or says so."""


class RunPage:
    """Of one run in a store, for one browser. Made within a page; `begin` fills it.

    Args:
        watched: the store.
        part: which of the runs in it, from 1; the last one where 0.
        trial: chosen at first; 0: the best one, or the newest of a run that goes on.
        prices: of a language model's tokens; no cost is told where None.
        waits: what may know of a proposal that waits.
    """

    def __init__(
        self, watched: WatchedRun, part: int, trial: int, prices: Prices | None, waits: Sequence[Foretelling] = ()
    ) -> None:
        self._watched, self._part, self._prices, self._waits = watched, part, prices, waits
        self._glance = Glance(-1, (), False, '')
        self._chosen, self._second = trial, 0
        self._next_look = 0.0
        self._told: dict[int, tuple[ToldStep, Step]] = {}
        self._lay_out()

    async def begin(self) -> None:
        """Show how the run stands, and follow it from now on."""
        await self._look()
        ui.timer(PERIOD, self._follow_on, immediate=False)

    async def _follow_on(self) -> None:
        if time.monotonic() < self._next_look:
            return
        began = time.monotonic()
        await self._look()
        ended = time.monotonic()
        self._next_look = ended + _PAUSE * (ended - began)

    def _lay_out(self) -> None:
        self._trouble = text('p', '', 'trouble')
        self._trouble.props['role'] = 'status'
        self._news = text('p', '', 'unseen')
        self._news.props['aria-live'] = 'polite'
        self._parts = ui.element('nav').classes('parts').props('aria-label="Runs in this store"')
        self._head = ui.element('div')
        self._body = ui.element('div').classes('columns')
        self._end = ui.element('div')
        ui.keyboard(self._on_key, ignore=['input', 'select', 'textarea'])

    def _lay_out_body(self) -> None:
        """Once there is a trial: the pictures are not made without one."""
        with self._body:
            with ui.element('div').classes('column-of-cards'):
                self._lay_out_pictures()
            with ui.element('div').classes('column-of-cards'):
                with ui.element('section').classes('card').props('aria-label="Chosen trial"'):
                    self._lay_out_stepper()
                    self._panel = ui.element('div').classes('panel')
                self._lay_out_replay()

    def _lay_out_pictures(self) -> None:
        with ui.element('section').classes('card').props('aria-label="Landings"'):
            text('h2', 'Where the balls landed')
            self._map = LandingMap().on('choose', self._on_choose)
        with ui.element('section').classes('card').props('aria-label="Progress"'):
            text('h2', 'Distance to the goal')
            self._chart = DistanceChart().on('choose', self._on_choose)
            self._table = TrialTable().on('choose', self._on_choose)

    def _lay_out_replay(self) -> None:
        with ui.element('section').classes('card').props('aria-label="Arm and ball"'):
            self._replayed = text('h2', 'Arm and ball')
            with ui.element('div').props('role=img aria-label="The arm, the table and the ball in three dimensions"'):
                scene, arms = arm_scene()
            self._replay = Replay().on('beside', self._on_beside)
            self._replay.props.update({'scene': scene.id, 'arms': arms, 'trials': [], 'numbers': []})
            self._replay_trouble = text('p', '', 'quiet')

    def _lay_out_stepper(self) -> None:
        with ui.element('div').classes('stepper'):
            self._heading = text('h2', 'Trial')
            with ui.element('div').props('role=group aria-label="Choose a trial"'):
                for words, key, by in (('‹', 'Trial before (left', -1), ('›', 'Next trial (right', 1)):
                    button(words, label=f'{key} arrow key)').on('click', lambda by=by: self._step_by(by), args=[])
                button('Best').on('click', self._choose_best, args=[])
                button('Newest').on('click', self._choose_newest, args=[])
            with ui.element('label').classes('follow'):
                self._follow = ui.element('input').props('type=checkbox')
                self._follow.on('change', self._on_follow, js_handler='(event) => emit(event.target.checked)')
                text('span', 'follow the newest')
        self._following = False

    @property
    def _view(self) -> RunView | None:
        views = self._glance.views
        if not views:
            return None
        return next((view for view in views if view.number == self._part), views[-1])

    def _goes_on(self, view: RunView) -> bool:
        """Whether trials of this very run come still; its process may have further ones to play."""
        return self._glance.goes_on and view.end is None and view is self._glance.views[-1]

    def _query(self, **wanted: int) -> str:
        """Of the address that shows this run with this part or trial."""
        kept = {'part': self._part} if self._part else {}
        return urlencode({'name': self._watched.folder.name, **kept, **wanted})

    async def _look(self) -> None:
        glance = await run.io_bound(self._watched.glance)
        if glance is None or glance.revision == self._glance.revision:
            self._foretell()
            return
        first, before = self._view is None, self._newest
        self._glance = glance
        self._trouble.text = glance.trouble
        view = self._view
        if view is None:
            if not glance.trouble:
                self._trouble.text = 'No trial has been played yet: this page shows the first one once it is stored.'
            return
        told = await run.io_bound(told_trials, view)  # of a long run it takes a tenth of a second
        if told is None:
            return
        self._told = told
        if first:
            self._lay_out_body()
            self._set_following(self._goes_on(view) and not self._chosen)
        self._show_run(view)
        self._foretell()
        if self._newest != before and not first:
            self._announce(view)
        if self._following or self._shown(self._chosen) is None:
            self._chosen = self._newest if self._following or view.best is None else view.best.number
        await self._show_trial(view)

    def _show_run(self, view: RunView) -> None:
        trials, numbers = trials_data(view), [one.number for one in view.shown]
        for picture in (self._map, self._chart, self._table):
            picture.props['trials'] = trials
        self._map.props['map'] = map_data(view)
        self._chart.props['reachable'] = None if view.reachable is None else asdict(view.reachable)
        self._replay.props['numbers'] = numbers
        for place, fill in (
            (self._parts, lambda: self._show_parts(view)),
            (self._head, lambda: run_banner(view, self._goes_on(view))),
            (self._end, lambda: run_end(view, self._prices)),
        ):
            place.clear()
            with place:
                fill()

    def _show_parts(self, view: RunView) -> None:
        if len(self._glance.views) < 2:
            return
        for each in self._glance.views:
            other = link(f'{each.number}: {each.objective.words}', f'?{self._query(part=each.number)}')
            if each is view:
                other.props['aria-current'] = 'page'

    async def _show_trial(self, view: RunView) -> None:
        one = self._shown(self._chosen)
        if one is None:
            return
        for picture in (self._map, self._chart, self._table):
            picture.props['chosen'] = one.number
        self._heading.text = f'Trial {one.number} of {len(view.shown)}'
        self._replayed.text = f'Arm and ball in trial {one.number}'
        self._panel.clear()
        with self._panel:
            trial_panel(view, one, self._told.get(one.number), self._prices)
        await self._load()

    async def _load(self) -> None:
        """Bring the chosen trial, and the one beside it, into the scene."""
        wanted = [number for number in (self._chosen, self._second) if number]
        loaded, trouble = [], ''
        for number in wanted:
            try:
                samples = await run.io_bound(self._watched.samples, number)
            except StoreError as error:
                trouble = f'It cannot be replayed: {error}'
                break
            if samples is not None:
                loaded.append(replay_data(number, samples))
        if wanted == [number for number in (self._chosen, self._second) if number]:  # nothing else was chosen meanwhile
            self._replay.props['trials'] = loaded
            self._replay_trouble.text = trouble

    def _foretell(self) -> None:
        """On the map: where the ball is expected that comes next, of what waits or was let through."""
        view = self._view
        if view is None:
            return  # there is no map yet
        going_on = self._goes_on(view)
        places = [each.expected_place for each in self._waits] if going_on else []
        if going_on and view.played and view.played[-1][2] is None:
            places.append(expected_place(view.played[-1][1].proposal))
        coming = rounded(next(filter(None, places), None))
        if coming != self._map.props.get('coming'):
            self._map.props['coming'] = coming

    def _announce(self, view: RunView) -> None:
        one = view.shown[-1]
        failed = one.trial.outcome.replace('_', ' ')
        came = failed if one.distance is None else f'{metres(one.distance)} to the goal'
        self._news.text = f'Trial {one.number}: {came}'

    def _shown(self, number: int) -> Shown | None:
        view = self._view
        return None if view is None else next((one for one in view.shown if one.number == number), None)

    @property
    def _newest(self) -> int:
        return 0 if self._view is None else self._view.shown[-1].number

    async def _choose(self, number: int) -> None:
        view = self._view
        if view is None or number == self._chosen or self._shown(number) is None:
            return
        self._chosen = number
        ui.navigate.history.replace(f'?{self._query(trial=number)}')
        self._set_following(self._following and number == self._newest)
        await self._show_trial(view)

    async def _step_by(self, by: int) -> None:
        numbers = [] if self._view is None else [one.number for one in self._view.shown]
        if self._chosen in numbers:
            at = numbers.index(self._chosen) + by
            await self._choose(numbers[min(max(at, 0), len(numbers) - 1)])

    async def _choose_best(self) -> None:
        if self._view is not None and self._view.best is not None:
            await self._choose(self._view.best.number)

    async def _choose_newest(self) -> None:
        await self._choose(self._newest)

    async def _on_choose(self, event: Any) -> None:
        if isinstance(event.args, int):
            await self._choose(event.args)

    async def _on_beside(self, event: Any) -> None:
        if isinstance(event.args, int) and (event.args == 0 or self._shown(event.args) is not None):
            self._second = event.args
            await self._load()

    async def _on_follow(self, event: Any) -> None:
        self._set_following(event.args is True)
        if self._following:
            await self._choose_newest()

    def _set_following(self, following: bool) -> None:
        self._following = following
        self._follow.props['checked'] = following

    async def _on_key(self, event: Any) -> None:
        modified = event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta
        if event.action.keydown and not modified and (event.key.arrow_left or event.key.arrow_right):
            await self._step_by(1 if event.key.arrow_right else -1)
