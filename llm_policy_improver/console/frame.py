"""What every page of the console has: its style, a head with the way back, the switch between light and dark."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from nicegui import ui

from llm_policy_improver.console.robot_bar import RobotBar
from llm_policy_improver.console.texts import link, text
from llm_policy_improver.report.robot import Robot

_BROWSER: Final = Path(__file__).parent / 'browser'
_STYLE: Final = (_BROWSER / 'console.css').read_text(encoding='utf-8')


class ThemeSwitch(ui.element, component=_BROWSER / 'theme_switch.js'):
    """Light, dark, or as the system."""


@contextmanager
def page_frame(title: str, robot: Robot | None = None, *, home: bool = True) -> Iterator[None]:
    """Around the content of a page.

    Args:
        title: of the page and of the browser's tab.
        robot: that runs beside it, if one does.
        home: whether a link leads back to all runs.
    """
    ui.page_title(f'{title} · console')
    ui.add_css(_STYLE)
    link('To the content', '#content', 'skip')
    with ui.element('header').classes('top'):
        if home:
            link('‹ All runs', '/', 'home')
        text('h1', title)
        ThemeSwitch()
    if robot is not None:
        RobotBar(robot)
    # NiceGUI's page is a <main> around all of it.
    with ui.element('div').props('id=content tabindex=-1'):
        yield
