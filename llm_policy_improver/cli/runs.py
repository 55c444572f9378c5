"""``llm-policy-improver runs``: stored runs listed, shown, compared, exported, verified and pruned."""

import json
import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

DAMAGED: Final = 1
"""Exit status where anything is wrong with any run."""

_ROOT: Final = Path('runs')
_FORMATS: Final = ('csv', 'parquet', 'mcap')

_json = click.option('--json', 'as_json', is_flag=True, help='One JSON object.')


@click.group()
def runs() -> None:
    """Look through stored runs."""


@runs.command('list')
@click.argument('folder', metavar='[FOLDER]', default=_ROOT, type=click.Path(path_type=Path))
@_json
def list_command(folder: Path, as_json: bool) -> None:
    """List the runs in a folder, a line each.

    Example: llm-policy-improver runs list
    """
    from llm_policy_improver.runs.store_errors import StoreError
    from llm_policy_improver.runs.summary import summaries

    found, unreadable = [], []
    for each in summaries(folder):
        if isinstance(each, StoreError):
            unreadable.append(str(each))
        else:
            found.append(each)
    if as_json:
        click.echo(json.dumps({'runs': [each.as_json() for each in found], 'unreadable': unreadable}))
        return
    from llm_policy_improver.report.tables import print_table

    if found:
        headings = ('run', 'begun (UTC)', 'objective', 'proposed by', 'trials', 'best seen', 'expected', 'state')
        rows = (
            (
                each.folder.name, f'{each.created_at:%Y-%m-%d %H:%M}', each.objective, each.proposed_by,
                str(each.trials), _metres(each.best_m), _metres(each.expected_m), each.state,
            )
            for each in found
        )  # fmt: skip
        print_table(headings, rows)
    elif not unreadable:
        click.echo(f'{folder} holds no runs yet')
    for said in unreadable:
        click.echo(said, err=True)


@runs.command('show')
@click.argument('folder', metavar='RUN', type=click.Path(path_type=Path))
@click.option('-v', '--verbose', is_flag=True, help='With the reason of every improvement.')
def show_command(folder: Path, verbose: bool) -> None:
    """Print what a run was asked, how its trials went, and what to keep of it.

    Example: llm-policy-improver runs show runs/far-right
    """
    from llm_policy_improver.cli.opened_views import opened_views
    from llm_policy_improver.report.run_lines import run_lines

    for view in opened_views(folder):
        for line in run_lines(view, verbose):
            click.echo(line)


@runs.command('compare')
@click.argument('folders', metavar='RUN RUN...', nargs=-1, required=True, type=click.Path(path_type=Path))
@_json
def compare_command(folders: tuple[Path, ...], as_json: bool) -> None:
    """Print runs side by side; `report` draws them so, too.

    Example: llm-policy-improver runs compare runs/one runs/another
    """
    from llm_policy_improver.cli.opened_views import opened_views
    from llm_policy_improver.report.run_lines import comparison
    from llm_policy_improver.report.tables import print_table

    views = [view for folder in folders for view in opened_views(folder)]
    compared = comparison(views)
    if as_json:
        click.echo(json.dumps({'runs': compared}))
        return
    print_table(
        ('', *(str(view.folder) for view in views)),
        ((name, *(_cell(each[name]) for each in compared)) for name in compared[0] if name != 'run'),
    )


@runs.command('export')
@click.argument('folder', metavar='RUN', type=click.Path(path_type=Path))
@click.option('--to', 'kind', type=click.Choice(_FORMATS), default='csv', show_default=True, help='Format.')
@click.option(
    '--trial', 'numbers', type=click.IntRange(min=1), multiple=True, help='Of mcap: repeatable.  [all]'
)
@click.option('--output', type=click.Path(path_type=Path), help='The file.  [RUN/trials.FORMAT]')
def export_command(folder: Path, kind: str, numbers: tuple[int, ...], output: Path | None) -> None:
    """Write the trials of a run: as a table for pandas and spreadsheets, or with the arm in them for RViz and Foxglove.

    A table (csv, parquet) has a row a trial. mcap has the time series, and the arm as robot_description, tf and
    tf_static.

    Example: llm-policy-improver runs export runs/far-right --to mcap --trial 30
    """
    path = output or folder / f'trials.{kind}'
    if kind == 'mcap':
        _export_series(folder, numbers, path)
    elif numbers:
        raise click.UsageError(f'--trial is for mcap: a {kind} table has all trials')
    else:
        _export_table(folder, kind, path)


def _export_table(folder: Path, kind: str, path: Path) -> None:
    from llm_policy_improver.cli.opened_views import opened_views
    from llm_policy_improver.runs.export import trial_rows, write_csv, write_parquet

    view = opened_views(folder)[-1]
    steps = {trial.number: step for _, step, trial in view.played if trial is not None}
    rows = trial_rows(view.objective, view.first, view.trials, steps)
    (write_csv if kind == 'csv' else write_parquet)(path, rows)
    click.echo(f'{len(rows)} trials: {path}')


def _export_series(folder: Path, numbers: tuple[int, ...], path: Path) -> None:
    from llm_policy_improver.cli.run_commands import looked_into
    from llm_policy_improver.report.run_view import views_of
    from llm_policy_improver.runs.mcap_export import export_mcap

    with looked_into(folder) as store:
        wanted = sorted(set(numbers or [trial.number for trial in store.trials()]))
        views = views_of(store)
        try:
            from llm_policy_improver.nodes.exported_scene import exported_scene

            shown = exported_scene(views[-1].objective, len(views[-1].shown)) if views else None
        except ImportError:
            shown = None
        messages = export_mcap(store, wanted, path, shown)
    markers = '' if shown else '; without markers, which take ROS 2 with visualization_msgs'
    click.echo(f'{len(wanted)} trial{"s" * (len(wanted) != 1)}, {messages} messages: {path}{markers}')


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
    from llm_policy_improver.runs.verify import verify

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
        for each in found:
            verdict = 'sound' if each.sound else f'{len(each.damaged)} damaged, {len(each.orphans)} orphans'
            more = '; recorded without checksums by an older version' if each.unprotected else ''
            lines = [f'{each.folder}: {verdict}; {each.trials} trials{more}']
            click.echo('\n'.join([*lines, *(f'  {one}' for one in (*each.damaged, *each.orphans))]))
    if not all(each.sound for each in found):
        sys.exit(DAMAGED)


@runs.command('prune')
@click.argument('folder', metavar='[FOLDER]', default=_ROOT, type=click.Path(path_type=Path))
@click.option('--older-than', type=click.FloatRange(min=0.0), metavar='DAYS', help='Runs begun before that.')
@click.option('--fewer-than', type=click.IntRange(min=1), metavar='TRIALS', help='Runs with fewer trials.')
@click.option('--yes', is_flag=True, help='Do not ask.')
def prune_command(folder: Path, older_than: float | None, fewer_than: int | None, yes: bool) -> None:
    """Delete runs of a folder for good, after asking; of several conditions all must hold.

    Runs that go on, and those that cannot be read, are never deleted.

    Example: llm-policy-improver runs prune --fewer-than 3
    """
    from llm_policy_improver.runs.store_errors import StoreError
    from llm_policy_improver.runs.summary import GOES_ON, RunSummary, summaries

    if older_than is None and fewer_than is None:
        raise click.UsageError('say which runs: --older-than DAYS, --fewer-than TRIALS, or both')

    def wanted(each: RunSummary) -> bool:
        old = older_than is None or each.created_at < datetime.now(UTC) - timedelta(days=older_than)
        return old and (fewer_than is None or each.trials < fewer_than) and each.state != GOES_ON

    found = [each for each in summaries(folder) if not isinstance(each, StoreError) and wanted(each)]
    for each in found:
        click.echo(f'{each.folder}  {each.created_at:%Y-%m-%d}  {each.trials} trials  {each.objective}')
    if not found:
        click.echo('No run is like that.')
        return
    if not (yes or click.confirm(f'Delete {len(found)} run{"s" * (len(found) != 1)} for good?')):
        click.echo('Nothing was deleted.')
        return
    for each in found:
        try:
            shutil.rmtree(each.folder)
        except OSError as error:
            raise StoreError(f'{each.folder} cannot be deleted: {error.strerror or error}') from error
    click.echo(f'{len(found)} deleted.')


def _metres(value: float | None) -> str:
    return '' if value is None else f'{value:.3f} m'


def _cell(value: Any) -> str:
    return '' if value is None else f'{value:.3f}' if isinstance(value, float) else str(value)
