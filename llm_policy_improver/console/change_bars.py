"""What changes from one trial to a proposal, as bars."""

import math

from nicegui import ui

from llm_policy_improver.console.texts import text
from llm_policy_improver.report.told_steps import Change


def change_bars(changes: tuple[Change, ...]) -> None:
    """Only what changed, the largest change first: the range of the parameter, with a bar from the old to the new."""
    with ui.element('ul').classes('changes'):
        for each in changes:
            with ui.element('li'):
                text('span', each.label, 'name')
                with ui.element('span').classes('bar').props('aria-hidden=true'):
                    if not math.isnan(each.begins):
                        _bar(each)
                text('span', f'{each.before:.3f} → {each.after:.3f}', 'values')
                text('span', _words(each), 'share')


def _bar(change: Change) -> None:
    begin, end = (min(max(place, 0.0), 1.0) for place in (change.begins, change.begins + change.share))
    text('i', '').style(f'left: {100 * min(begin, end):.1f}%; width: {max(100 * abs(end - begin), 0.6):.1f}%')
    text('i', '', 'from').style(f'left: {100 * begin:.1f}%')


def _words(change: Change) -> str:
    if math.isnan(change.begins):
        return 'raised' if change.after > change.before else 'lowered'
    share = f'{change.share:+.0%}' if abs(change.share) >= 0.01 else f'{change.share:+.1%}'
    return f'{share} of its range{", to its end" if change.at_limit else ""}'
