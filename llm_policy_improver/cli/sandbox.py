"""``llm-policy-improver sandbox ...``: what holds the programs of a language model on this machine."""

import json
import sys
from functools import partial
from pathlib import Path

import click

from llm_policy_improver.cli.experiment_options import fail
from llm_policy_improver.core.packages import MissingPackageError
from llm_policy_improver.experiments.program_file import FileResult, ProgramFileError, run_file
from llm_policy_improver.report.progress_bar import under_progress_bar
from llm_policy_improver.sandbox.check import CheckResult, check
from llm_policy_improver.sandbox.errors import SandboxUnavailableError
from llm_policy_improver.tasks.registry import TASKS


@click.group()
def sandbox() -> None:
    """Check the sandbox, in which programs of a language model are run, or run a program of your own in it."""


@sandbox.command('check')
@click.option('--json', 'as_json', is_flag=True, help='One JSON object.')
def check_command(as_json: bool) -> None:
    """Attack the sandbox of this machine, say what is active in it, and how fast programs answer. Takes half a minute,
    and longer on a machine that is busy.

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


@sandbox.command('run')
@click.argument('file', type=click.Path(path_type=Path, dir_okay=False))
@click.option('--task', type=click.Choice(list(TASKS)), required=True, help='That it acts in.')
@click.option('--episodes', type=click.IntRange(1), default=20, show_default=True, help='To play.')
@click.option(
    '--seed', type=click.IntRange(0), default=0, show_default=True, help='Each has episodes of its own.'
)
@click.option('--json', 'as_json', is_flag=True, help='One JSON object.')
def run_command(file: Path, task: str, episodes: int, seed: int, as_json: bool) -> None:
    """Run the program in FILE on a task, in the sandbox.

    It is a class Policy with act(self, obs), or a function get_action of the named numbers of an observation. The
    exit status is 1 if it failed.
    """
    try:
        result = run_file(file, task, episodes, seed)
    except (ProgramFileError, MissingPackageError, SandboxUnavailableError) as error:
        fail(str(error))
    if as_json:
        given = {'file': str(file), 'task': task, 'episodes': episodes, 'seed': seed}
        print(json.dumps(given | result.as_json()))
    else:
        _show_run(task, result)
    if result.failed:
        click.echo(f'Error: {file} failed in episode {len(result.returns) + 1}: {result.note}', err=True)
    sys.exit(1 if result.failed else 0)


def _show_run(task: str, result: FileResult) -> None:
    click.echo(result.sandbox)
    if result.told is not None:
        error = result.told.standard_error
        click.echo(f'{task}: {result.note}.')
        click.echo(
            f'Standard error of the mean: {"none of one episode" if error is None else f"{error:.3g}"}.'
        )
        click.echo(f'The kind of policy, by its syntax: {result.kind.value}.')


def _show(result: CheckResult) -> None:
    click.echo(result.sentence)
    click.echo(f'{result.contained} of {result.attacks} attacks were contained.')
    click.echo(
        f'A program answers {result.calls_per_second:,.0f} calls a second one by one, and '
        f'{result.batched_calls_per_second:,.0f} in batches of 100.'
    )
