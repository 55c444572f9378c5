"""``llm-policy-improver prompt``, ``replay``, ``plot``, ``audit``: look into a stored run, without endpoint."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from llm_policy_improver.cli.run_setup import draw_run
from llm_policy_improver.core.method import INITIAL
from llm_policy_improver.core.shortened import shortened
from llm_policy_improver.report.tables import print_table
from llm_policy_improver.runs.objective_folder import open_run, runs_with_steps
from llm_policy_improver.runs.prompt_preview import PromptPreview, preview
from llm_policy_improver.runs.replay import ReplayedStep, ReplayResult, replay
from llm_policy_improver.runs.run_records import RunRecords, named
from llm_policy_improver.runs.store import StoredAudit, StoreError
from llm_policy_improver.runs.stored_run import stored_objective, stored_settings

DIFFERENT = 1
"""Exit status of a replay that is not identical."""
_HEADINGS: Final = ('step', 'proposed by', 'parameters', 'requests', 'prompts', 'replay')

_json = click.option('--json', 'as_json', is_flag=True, help='One JSON object.')


@contextmanager
def looked_into(folder: Path) -> Iterator[RunRecords]:
    """The run in a folder that a person names; what cannot be understood of a damaged one is said in a sentence."""
    with closing(open_run(folder, RunRecords.look)) as store, store.understood():
        yield store


def say_damage(store: RunRecords) -> None:
    """Say what was kept out of that which is shown."""
    damage = store.damage
    if damage:
        said = f'The run in {store.place} is damaged, and this is what is left of it: {named(damage)}'
        click.echo(shortened(said), err=True)


@click.command('prompt')
@click.option(
    '--run', 'folder', type=click.Path(path_type=Path), required=True, help='Folder of a stored run.'
)
@click.option('--step', type=int, help='Number of the step.  [the one after the last]')
@_json
def prompt_command(folder: Path, step: int | None, as_json: bool) -> None:
    """Print exactly what a language model is sent for a step of a run; its size goes to standard error.

    Example: llm-policy-improver prompt --run runs/far-right | less
    """
    with looked_into(folder) as store:
        shown = preview(store, step)
    if as_json:
        click.echo(json.dumps(shown.as_json()))
    else:
        click.echo(str(shown), nl=False)
    click.echo(_size(shown), err=True)
    for note in shown.notes:
        click.echo(f'Note: {note}.', err=True)


def _size(shown: PromptPreview) -> str:
    said = f'Step {shown.step}: about {shown.tokens} tokens'
    if shown.common_prefix is not None:
        said += f'; the first {shown.common_prefix:.0%} of the text are those of step {shown.step - 1}'
    return f'{said}.'


@click.command('replay')
@click.argument('folder', metavar='RUN', type=click.Path(path_type=Path))
@_json
def replay_command(folder: Path, as_json: bool) -> None:
    """Play a stored run again from its recorded replies and trials, and compare every step.

    Exit status: 0 if all steps are identical, 1 if not.

    Example: llm-policy-improver replay runs/far-right
    """
    with looked_into(folder) as store:
        result = ReplayResult(tuple(replay(store)))
    if as_json:
        click.echo(json.dumps(result.as_json()))
    else:
        print_table(_HEADINGS, map(_row, result.steps))
        click.echo(result.sentence[0].upper() + result.sentence[1:])
    if not result.identical:
        sys.exit(DIFFERENT)


def _row(step: ReplayedStep) -> tuple[str, ...]:
    stored = step.recorded.stored.step
    recorded = len(step.recorded.exchanges)
    requests = str(recorded) if step.asked == recorded else f'{recorded}, now {step.asked}'
    return (
        str(step.number),
        stored.proposed_by + ' (unchanged)' * stored.unchanged,
        str(stored.policy),
        requests if recorded or step.asked else '-',
        'differ' if step.differing else 'same' if step.asked else '-',
        step.difference or 'same',
    )


@click.command('plot')
@click.argument('folder', metavar='RUN', type=click.Path(path_type=Path))
def plot_command(folder: Path) -> None:
    """Draw ``landings.png`` for a stored run, and one for each further objective that its nodes have worked towards.

    Example: llm-policy-improver plot runs/far-right
    """
    with looked_into(folder) as store:
        say_damage(store)
        runs = runs_with_steps(store)
        if not (runs and store.trials()):
            raise StoreError(f'the run in {folder} has no trials yet, so there is nothing to draw')
        pictures = []
        for number, steps in runs:
            objective = stored_objective(steps[0], stored_settings(store, steps[0].number))
            first = sum(each.step.proposed_by == INITIAL for each in steps)
            asked = [each.step.proposed_by for each in steps if each.step.proposed_by != INITIAL]
            pictures.append(draw_run(store, objective, first, asked[-1] if asked else INITIAL, number))
    for picture in pictures:
        if picture is not None:
            click.echo(f'Picture: {picture}')
    if None in pictures:
        sys.exit(2)


@click.command('audit')
@click.argument('folder', metavar='RUN', type=click.Path(path_type=Path))
@_json
def audit_command(folder: Path, as_json: bool) -> None:
    """Print what became of every proposal of a stored run: who made it, what judged it, who let it through.

    Example: llm-policy-improver audit runs/far-right
    """
    with looked_into(folder) as store:
        audits = store.audits()
        say_damage(store)
    if as_json:
        click.echo(json.dumps({'audits': [_audit_json(each) for each in audits]}))
    elif audits:
        click.echo('\n'.join(_audit_text(each) for each in audits))
    else:
        click.echo(
            f'{folder} holds no audit records: it was made before they were kept, or nothing was proposed'
        )


def _audit_json(stored: StoredAudit) -> dict[str, Any]:
    audit, published = stored.audit, stored.audit.published
    return {
        'audit': stored.number,
        'step': stored.step or None,
        'recorded_at': stored.recorded_at.isoformat(),
        **{name: value for name, value in asdict(audit).items() if name != 'proposal'},
        'proposed': None if audit.proposal is None else audit.proposal.policy.as_json(),
        'published': None if published is None else published.policy.as_json(),
        'decided_at': audit.decided_at.isoformat(),
    }


def _audit_text(stored: StoredAudit) -> str:
    audit, published = stored.audit, stored.audit.published
    step = f'step {stored.step}, version' if stored.step else 'version'
    by = f' by {audit.decided_by}' if audit.decided_by else ''
    proposed = 'none' if audit.proposal is None else str(audit.proposal.policy)
    lines = [
        f'{step} {audit.version}: {audit.decision.value}{by}, {audit.decided_at:%Y-%m-%d %H:%M:%S} UTC',
        f'  proposed by {audit.proposed_by}: {proposed}',
    ]
    if audit.model:
        lines.append(f'  model {audit.model}, prompt {audit.prompt_sha256}')
    if published is not audit.proposal:
        lines.append(f'  published: {"none" if published is None else published.policy}')
    lines += [f'  checks: {"; ".join(map(str, audit.findings))}'] if audit.findings else []
    lines += [f'  {verdict}' for verdict in audit.verdicts]
    if audit.reason and not audit.verdicts:
        lines.append(f'  {audit.reason}')
    return '\n'.join(lines)
