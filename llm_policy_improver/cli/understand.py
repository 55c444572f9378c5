"""``llm-policy-improver understand``: what an objective is taken to mean, before a ball is played."""

import json
import sys

import click

from llm_policy_improver.loop.language_model import words_reader
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.table_tennis.objectives import read_words

NOT_UNDERSTOOD = 2
"""Exit status."""


@click.command('understand')
@click.argument('objective')
@click.option(
    '--model', help='Name of the language model that reads what the vocabulary does not understand.'
)
@click.option('--base-url', help='Of an OpenAI-compatible endpoint.  [$OPENAI_BASE_URL]')
@click.option('--json', 'as_json', is_flag=True, help='One JSON object.')
def understand_command(objective: str, model: str | None, base_url: str | None, as_json: bool) -> None:
    """Say what would be aimed at for an objective, without playing.

    The words are read as "improve" and "demo" read them: by a vocabulary, and what that does not understand by the
    language model where one is named. Who read them is told on the standard error stream.

    Exit status: 0 if all of it is understood, 2 if not.

    Example: llm-policy-improver understand "far left corner, as high as possible"
    """
    settings = OptimizerSettings(model=model or '', base_url=base_url or '')
    reading = read_words(objective, words_reader(settings))
    understanding = reading.understanding
    if as_json:
        click.echo(json.dumps(understanding.as_json()))
    else:
        click.echo(understanding.sentence, err=not understanding.understood)
    if settings.model:
        click.echo(f'Read by {reading.by}.', err=True)
    if not understanding.understood:
        sys.exit(NOT_UNDERSTOOD)
