"""The exchange with a language model behind a fold; its texts, which are long, are sent once somebody opens it."""

from collections.abc import Sequence

from nicegui import ui

from llm_policy_improver.console.texts import text
from llm_policy_improver.core.chat import Exchange


def exchange_fold(exchanges: Sequence[Exchange]) -> None:
    """A fold for each request; nothing where nobody was asked."""
    for index, exchange in enumerate(exchanges, 1):
        _fold(f'Request {index} of {len(exchanges)}' if len(exchanges) > 1 else 'Prompt and reply', exchange)


def _fold(name: str, exchange: Exchange) -> None:
    tokens = f'{exchange.prompt_tokens:,} + {exchange.completion_tokens:,} tokens, {exchange.seconds:.1f} s'
    with ui.element('details').classes('exchange') as fold:
        text('summary', f'{name}: {exchange.model}, {tokens}, {exchange.ending.value}')
        body = ui.element('div')
    opened: list[bool] = []

    def fill() -> None:
        if opened:
            return
        opened.append(True)
        with body:
            for role, words in (*exchange.messages, ('reply', exchange.reply)):
                text('h4', role)
                # Long lines are wrapped; what is long is scrolled within itself, by the keyboard too.
                said = text('pre', words)
                said.props.update({'tabindex': '0', 'role': 'region', 'aria-label': role})
            if exchange.verdict:
                text('p', f'What became of it: {exchange.verdict}')

    fold.on('toggle', fill, args=[])
