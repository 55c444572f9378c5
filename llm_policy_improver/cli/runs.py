"""``llm-policy-improver runs verify``: which records of stored runs are damaged."""

import json
import sys
from pathlib import Path
from typing import Final

import click

from llm_policy_improver.runs.verify import Verification, verify

DAMAGED: Final = 1
"""Exit status where anything is wrong with any run."""


@click.group()
def runs() -> None:
    """Look through stored runs."""


@runs.command('verify')
@click.argument('folders', metavar='RUN...', nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option('--json', 'as_json', is_flag=True, help='One JSON object for all runs.')
def verify_command(folders: tuple[Path, ...], as_json: bool) -> None:
    """List what is damaged of stored runs; nothing is changed.

    Damaged is a record that is no longer what was stored; an orphan one whose partner is not there: a request without
    its step, a trial without its file, a file that no trial names.

    Exit status: 0 if all runs are sound, 1 if not.

    Example: llm-policy-improver runs verify runs/*
    """
    found = [verify(folder) for folder in folders]
    if as_json:
        told = [each.as_json() for each in found]
        click.echo(
            json.dumps(
                {
                    'trials': sum(each['trials'] for each in told),
                    'damaged': [one for each in told for one in each['damaged']],
                    'orphans': [one for each in told for one in each['orphans']],
                }
            )
        )
    else:
        click.echo('\n'.join(map(_text, found)))
    if not all(each.sound for each in found):
        sys.exit(DAMAGED)


def _text(found: Verification) -> str:
    verdict = 'sound' if found.sound else f'{len(found.damaged)} damaged, {len(found.orphans)} orphans'
    more = '; recorded without checksums by an older version' if found.unprotected else ''
    lines = [f'{found.folder}: {verdict}; {found.trials} trials{more}']
    return '\n'.join([*lines, *(f'  {each}' for each in (*found.damaged, *found.orphans))])
