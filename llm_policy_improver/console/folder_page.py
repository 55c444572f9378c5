"""The page of a folder: its runs in a table, newest first, of which one is opened or some are compared."""

import json
from typing import Any, Final
from urllib.parse import urlencode

from nicegui import run, ui

from llm_policy_improver.console.texts import button, link, metres, text
from llm_policy_improver.console.watched_folder import WatchedFolder
from llm_policy_improver.core.shortened import shortened
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.runs.summary import GOES_ON, RunSummary

PERIOD: Final = 1.0
"""s between two looks for new runs and trials."""
FEWEST: Final = 2
MOST: Final = 4
"""Runs side by side."""
_HEADINGS: Final = (
    'compare', 'run', 'state', 'objective', 'proposed by', 'trials', 'best seen', 'expected', 'begun (UTC)',
)  # fmt: skip


class FolderPage:
    """For one browser. Made within a page; `begin` fills it."""

    def __init__(self, watched: WatchedFolder) -> None:
        self._watched = watched
        self._rows: list[RunSummary | StoreError] | None = None
        self._selected: set[str] = set()
        with ui.element('section').classes('card').props('aria-label="Runs"'):
            with ui.element('div').classes('stepper'):
                text('h2', 'Runs')
                link('New run', '/new')
                self._compare = button('Compare the selected').on('click', self._open_comparison, args=[])
            self._trouble = text('p', '', 'trouble')
            self._trouble.props['role'] = 'status'
            frame = ui.element('div').classes('scrolls').props('tabindex=0 role=region aria-label="Table of runs"')
            with frame, ui.element('table').classes('runs'):
                with ui.element('thead'), ui.element('tr'):
                    for heading in _HEADINGS:
                        text('th', heading).props['scope'] = 'col'
                self._body = ui.element('tbody')
            self._unreadable = ui.element('div')
        self._show_selection()

    async def begin(self) -> None:
        """Show the runs, and follow them from now on."""
        await self._look()
        ui.timer(PERIOD, self._look, immediate=False)

    async def _look(self) -> None:
        try:
            rows = await run.io_bound(self._watched.summaries)
        except StoreError as error:
            self._trouble.text = str(error)
            return
        if rows is None:
            return
        sound = [each for each in rows if isinstance(each, RunSummary)]
        self._trouble.text = '' if sound else f'{self._watched.root} holds no runs yet: one appears once it begins.'
        if rows == self._rows:
            return
        self._rows = rows
        self._selected &= {each.folder.name for each in sound}
        self._body.clear()
        with self._body:
            for each in sound:
                self._add_row(each)
        self._unreadable.clear()
        with self._unreadable:
            for unreadable in rows:
                if isinstance(unreadable, StoreError):
                    text('p', str(unreadable), 'trouble')

    def _add_row(self, each: RunSummary) -> None:
        name = each.folder.name
        address = f'/run?{urlencode({"name": name})}'
        with ui.element('tr') as row:
            # For the mouse; the keyboard and screen readers have the link.
            opening = f'event.target.tagName === "TD" && location.assign({json.dumps(address)})'
            row.on('click', js_handler=f'(event) => {opening}')
            with ui.element('td'):
                box = ui.element('input')
                box.props.update(
                    {'type': 'checkbox', 'aria-label': f'Select {name}', 'checked': name in self._selected}
                )
                box.on(
                    'change', lambda event: self._select(name, event.args is True),
                    js_handler='(event) => emit(event.target.checked)',
                )  # fmt: skip
            with ui.element('th').props('scope=row'):
                link(name, address)
            text('td', each.state, 'on' if each.state == GOES_ON else '')
            text('td', shortened(each.objective, 80))
            for words in (
                each.proposed_by, str(each.trials), metres(each.best_m), metres(each.expected_m),
                f'{each.created_at:%Y-%m-%d %H:%M}',
            ):  # fmt: skip
                text('td', words)

    def _select(self, name: str, selected: bool) -> None:
        (self._selected.add if selected else self._selected.discard)(name)
        self._show_selection()

    def _show_selection(self) -> None:
        self._compare.props['disabled'] = not FEWEST <= len(self._selected) <= MOST
        chosen = f'{len(self._selected)} selected: ' if self._selected else ''
        self._compare.text = f'Compare ({chosen}select {FEWEST} to {MOST})'

    def _open_comparison(self, _: Any = None) -> None:
        if FEWEST <= len(self._selected) <= MOST:
            order = [each.folder.name for each in self._rows or () if isinstance(each, RunSummary)]
            chosen = [name for name in order if name in self._selected]
            ui.navigate.to(f'/compare?{urlencode({"name": chosen}, doseq=True)}')
