"""Elements of a page whose content is text, and never markup, whatever is in it."""

from collections.abc import Iterable, Sequence

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement


def text(tag: str, words: str, classes: str = '') -> TextElement:
    """An element of HTML around words."""
    return TextElement(tag=tag, text=words).classes(classes)


def link(words: str, target: str, classes: str = '') -> TextElement:
    """A link to a page of the console."""
    element = text('a', words, classes)
    element.props['href'] = target
    return element


def button(words: str, classes: str = '', *, label: str = '') -> TextElement:
    """A button; ``label`` is what it is called where its words are a sign."""
    element = text('button', words, classes)
    element.props['type'] = 'button'
    if label:
        element.props['aria-label'] = label
        element.props['title'] = label
    return element


def facts(rows: Iterable[tuple[str, str]], classes: str = 'facts') -> None:
    """Names and what stands for them; rows with nothing to say are left out."""
    with ui.element('dl').classes(classes):
        for name, words in rows:
            if words:
                text('dt', name)
                text('dd', words)


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]], classes: str = '') -> None:
    """A table whose first column names the rows."""
    # Scrolled within itself where it is wider than a phone, for which the keyboard must reach it.
    with ui.element('div').classes('scrolls') as frame:
        frame.props['tabindex'] = '0'
        frame.props['role'] = 'region'
        frame.props['aria-label'] = caption
        with ui.element('table').classes(classes):
            with ui.element('thead'), ui.element('tr'):
                for heading in headings:
                    text('th', heading).props['scope'] = 'col'
            with ui.element('tbody'):
                for first, *others in rows:
                    with ui.element('tr'):
                        text('th', first).props['scope'] = 'row'
                        for words in others:
                            text('td', words)


def metres(value: float | None) -> str:
    """A distance; a dash where there is none."""
    return '–' if value is None else f'{value:.3f} m'
