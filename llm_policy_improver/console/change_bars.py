"""What changes from one trial to a proposal, as bars."""

from nicegui import ui

from llm_policy_improver.console.texts import text
from llm_policy_improver.report.told_steps import Change


def change_bars(changes: tuple[Change, ...]) -> None:
    """Only what changed, the largest change first: a bar to the right where it was raised, else to the left.

    A bar that fills its half is a change by the whole range of the parameter.
    """
    with ui.element('ul').classes('changes'):
        for each in changes:
            raised = each.share > 0
            with ui.element('li'):
                text('span', each.label, 'name')
                with ui.element('span').classes('bar').props('aria-hidden=true'):
                    part = text('i', '', 'up' if raised else 'down')
                    part.style(f'width: {max(50 * abs(each.share), 0.6):.1f}%')
                text('span', f'{each.before:.3f} → {each.after:.3f}', 'values')
                share = f'{abs(each.share):.0%}' if abs(each.share) >= 0.01 else 'less than 1%'
                text('span', f'{"raised" if raised else "lowered"} by {share} of its range', 'share')
