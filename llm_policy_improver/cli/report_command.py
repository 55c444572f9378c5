"""``llm-policy-improver report``: one page of HTML that shows stored runs whole."""

from pathlib import Path

import click

from llm_policy_improver.cli.opened_views import opened_views
from llm_policy_improver.runs.written import write_whole

PAGE = 'report.html'


@click.command('report')
@click.argument('folders', metavar='RUN...', nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option('--output', type=click.Path(path_type=Path), help=f'The page.  [RUN/{PAGE}; of several runs {PAGE}]')
@click.option(
    '--prices', type=(click.FloatRange(0.0), click.FloatRange(0.0)), metavar='PROMPT REPLY',
    help='Of a million tokens of prompts and of replies, to tell what the run has cost.',
)  # fmt: skip
@click.option('--currency', default='USD', show_default=True, help='Of the prices.')
@click.option('--show', is_flag=True, help='Open the page in the browser.')
def report_command(
    folders: tuple[Path, ...],
    output: Path | None,
    prices: tuple[float, float] | None,
    currency: str,
    show: bool,
) -> None:
    """Write a page that shows a run whole: landings, progress, effects, every reason. Of several runs: side by side.

    It holds its pictures, loads nothing from elsewhere, and prints well. A run that goes on is shown as far as it is.

    Example: llm-policy-improver report runs/far-right
    """
    from llm_policy_improver.report.page import Prices, report_page  # matplotlib takes a second

    views = [view for folder in folders for view in opened_views(folder)]
    page = report_page(views, None if prices is None else Prices(*prices, currency))
    if output is None:
        output = folders[0] / PAGE if len(folders) == 1 else Path(PAGE)
    write_whole(output, page.encode())
    click.echo(f'Report: {output}')
    if show:
        click.launch(output.absolute().as_uri())
