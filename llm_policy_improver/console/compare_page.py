"""The page that shows runs side by side: how fast each came near its goal, and their figures."""

from collections.abc import Sequence
from typing import Any

from nicegui import run, ui

from llm_policy_improver.console.charts import CompareChart, trials_data
from llm_policy_improver.console.run_head import run_verdict
from llm_policy_improver.console.texts import facts, table, text
from llm_policy_improver.console.watched_run import WatchedRun
from llm_policy_improver.report.run_lines import comparison
from llm_policy_improver.report.run_view import RunView

NOT_SHOWN = 'run'
"""Figure that the headings tell."""


async def compare_page(runs: Sequence[WatchedRun]) -> None:
    """Runs as they stand now; of a store with several the last one."""
    views: list[RunView] = []
    for watched in runs:
        glance = await run.io_bound(watched.glance)
        if glance is None or not glance.views:
            trouble = '' if glance is None else glance.trouble
            text('p', trouble or f'{watched.folder.name} has no trials yet.', 'trouble')
        else:
            views.append(glance.views[-1])
    if not views:
        return
    names = [f'{index}: {view.folder.name}' for index, view in enumerate(views, 1)]
    with ui.element('section').classes('card').props('aria-label="Progress"'):
        text('h2', 'Best distance so far')
        CompareChart().props['runs'] = [_curve(name, view) for name, view in zip(names, views, strict=True)]
        facts((name, run_verdict(view)) for name, view in zip(names, views, strict=True))
    with ui.element('section').classes('card').props('aria-label="Figures"'):
        text('h2', 'Figures')
        figures = comparison(views)
        keys = dict.fromkeys(key for each in figures for key in each if key != NOT_SHOWN)
        rows = ((key, *(_cell(each.get(key)) for each in figures)) for key in keys)
        table('Figures of the runs', ('figure', *names), rows)


def _curve(name: str, view: RunView) -> dict[str, Any]:
    lowest = [[each['number'], each['lowest']] for each in trials_data(view) if each['lowest'] is not None]
    return {'name': name, 'lowest': lowest}


def _cell(value: Any) -> str:
    return '–' if value is None else f'{value:.3f}' if isinstance(value, float) else str(value)
