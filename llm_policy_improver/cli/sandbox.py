"""``llm-policy-improver sandbox ...``: what holds the programs of a language model on this machine."""

import json
import sys
from functools import partial

import click

from llm_policy_improver.report.progress_bar import under_progress_bar
from llm_policy_improver.sandbox.check import CheckResult, check


@click.group()
def sandbox() -> None:
    """Look after the sandbox, in which the programs of a language model are run."""


@sandbox.command('check')
@click.option('--json', 'as_json', is_flag=True, help='One JSON object.')
def check_command(as_json: bool) -> None:
    """Attack the sandbox of this machine, say what is active in it, and how fast programs answer. Takes a minute.

    The exit status is 1 if an attack got through.
    """
    result = under_progress_bar(lambda step: check(progress=partial(step, 'attacks')))
    if as_json:
        print(json.dumps(result.as_json()))
    else:
        _show(result)
    for name in result.got_through:
        click.echo(f'Error: this attack got through: {name}', err=True)
    sys.exit(1 if result.got_through else 0)


def _show(result: CheckResult) -> None:
    click.echo(result.sentence)
    click.echo(f'{result.contained} of {result.attacks} attacks were contained.')
    click.echo(
        f'A program answers {result.calls_per_second:,.0f} calls a second one by one, and '
        f'{result.batched_calls_per_second:,.0f} in batches of 100.'
    )
