"""Fields of a form: labelled elements of HTML whose value is here as soon as somebody has typed it."""

from pathlib import Path
from typing import Any

from nicegui import ui

from llm_policy_improver.console.texts import text


class Line(ui.element, component=Path(__file__).parent / 'browser' / 'line.js'):
    """An input of HTML that keeps what is typed while other things on the page change."""


class Field:
    """A line, a number or a tick, with its label; made within a form.

    Args:
        label: what it is, above it; beside a tick.
        value: at first.
        kind: of the input: ``'text'``, ``'number'`` or ``'checkbox'``.
        attributes: further ones, e.g. ``min``.

    Attributes:
        value: as it is now; text is as it was typed, and empty of a number that is none.
    """

    def __init__(self, label: str, value: str | bool, kind: str = 'text', **attributes: object) -> None:
        self.value: str | bool = value
        ticked = kind == 'checkbox'
        with ui.element('label').classes('tick' if ticked else 'field'):
            if not ticked:
                text('span', label)
            if ticked:
                self.element = ui.element('input').props('type=checkbox')
                self.element.props['checked'] = value
                self.element.on('input', self._typed, js_handler='(event) => emit(event.target.checked)')
            else:
                self.element = Line().on('typed', self._typed)
                self.element.props.update({'type': kind, 'begins': value, **attributes})
            if ticked:
                text('span', label)

    def _typed(self, event: Any) -> None:
        wanted = bool if isinstance(self.value, bool) else str
        if isinstance(event.args, wanted):
            self.value = event.args

    @property
    def line(self) -> str:
        """What was typed, without space around it."""
        return str(self.value).strip()

    @property
    def ticked(self) -> bool:
        """Whether it is."""
        return self.value is True
