"""``llm-policy-improver understand``: what an objective is taken to mean, before a ball is played."""

import json
import sys

import click

from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.core.understanding import Understanding
from llm_policy_improver.table_tennis.reader import read
from llm_policy_improver.table_tennis.vocabulary import understand

NOT_UNDERSTOOD = 2
"""Exit status."""


@click.command('understand')
@click.argument('objective')
@click.option(
    '--model', help='Name of the language model that reads the objective; without one, a vocabulary does.'
)
@click.option('--base-url', help='Of an OpenAI-compatible endpoint.  [$OPENAI_BASE_URL]')
@click.option('--json', 'as_json', is_flag=True, help='One JSON object.')
def understand_command(objective: str, model: str | None, base_url: str | None, as_json: bool) -> None:
    """Say what would be aimed at for an objective, without playing.

    Exit status: 0 if all of it is understood, 2 if not.

    Example: llm-policy-improver understand "far left corner, as high as possible"
    """
    understanding = _by_model(objective, model, base_url) if model else understand(objective)
    if as_json:
        click.echo(json.dumps(understanding.as_json()))
    else:
        click.echo(understanding.sentence, err=not understanding.understood)
    if not understanding.understood:
        sys.exit(NOT_UNDERSTOOD)


def _by_model(objective: str, model: str, base_url: str | None) -> Understanding:
    from llm_policy_improver.llm.endpoint import Endpoint  # openai takes half a second to load

    reading = read(objective, Endpoint(model, base_url))
    if reading.failed:
        raise EndpointError(reading.exchanges[-1].verdict)
    return reading.understanding
