"""``llm-policy-improver console``: a page in the browser for stored runs, which follows those that go on."""

import getpass
import os
import secrets
import socket
import stat
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from llm_policy_improver.cli.nodes_config import (
    config_option,
    namespace_option,
    nodes_config,
    nodes_security,
    without_ros,
)
from llm_policy_improver.core.settings import SettingsError, read_settings
from llm_policy_improver.loop.settings import OptimizerSettings

if TYPE_CHECKING:
    from llm_policy_improver.nodes.robot_link import RobotLink

ENVIRONMENT: Final = 'LLM_POLICY_IMPROVER_CONSOLE_TOKEN'
LOOPBACK: Final = '127.0.0.1'
SHORTEST: Final = 16
"""Characters of a token."""
_BYTES: Final = 24
"""Of a token that is drawn."""


@click.command('console')
@click.argument('folder', metavar='[RUN|FOLDER]', default=Path('runs'), type=click.Path(path_type=Path))
@click.option('--port', type=click.IntRange(0, 65535), default=8080, show_default=True, help='0: any that is free.')
@click.option(
    '--host', metavar='ADDRESS',
    help=f'Let other machines look, who need the token that is printed.  [{LOOPBACK}: this machine alone]',
)  # fmt: skip
@click.option(
    '--token-file', type=click.Path(path_type=Path),
    help=f'The token whoever looks must know, in a file that its owner alone may read.  [{ENVIRONMENT}; else drawn]',
)  # fmt: skip
@click.option(
    '--prices', type=(click.FloatRange(0.0), click.FloatRange(0.0)), metavar='PROMPT REPLY',
    help='Of a million tokens of prompts and of replies, to tell what requests have cost.',
)  # fmt: skip
@click.option('--currency', default='USD', show_default=True, help='Of the prices.')
@click.option('--model', default='', help='Language model for runs begun from the page.  [none: a regression proposes]')
@click.option('--base-url', default='', help='Of an OpenAI-compatible endpoint.  [$OPENAI_BASE_URL]')
@click.option('--ros', is_flag=True, help='Beside nodes that run: how they stand, and what a person does there.')
@config_option
@namespace_option
@click.option(
    '--certificate', nargs=2, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar='CERTIFICATE KEY',
    help='Two PEM files, for an encrypted connection: an arm is operated from other machines by that alone.',
)  # fmt: skip
@click.option(
    '--show/--no-show', default=True, show_default=True, help='Open the page in the browser, where no token is needed.'
)
def console_command(
    folder: Path,
    port: int,
    host: str | None,
    token_file: Path | None,
    prices: tuple[float, float] | None,
    currency: str,
    model: str,
    base_url: str,
    ros: bool,
    config: Path | None,
    namespace: str,
    certificate: tuple[Path, Path] | None,
    show: bool,
) -> None:
    """Show a run, or a folder of runs, in the browser, and follow those that go on.

    In a folder runs of the simulated arm can be begun from the page: say an objective, read what is understood, watch
    the trials, let proposals play or reject them. With --ros it stands beside the nodes of an arm, or of a simulation:
    arm, resume, disarm and stop it, say an objective, decide on proposals.

    Example: llm-policy-improver console runs
    """
    from llm_policy_improver.runs.summary import run_folders

    run_folders(folder)
    settings = OptimizerSettings(model=model, base_url=base_url)
    token = _token(token_file, needed=host is not None)
    with _listening(host or LOOPBACK, port) as listening, ExitStack() as closing:
        try:
            import nicegui  # noqa: F401
        except ImportError:
            raise SettingsError(
                "the console needs NiceGUI: pip install 'llm-policy-improver[console]' (without it, "
                '"llm-policy-improver report RUN" writes a page)'
            ) from None
        from llm_policy_improver.console.guard import Door
        from llm_policy_improver.console.own_runs import OwnRuns
        from llm_policy_improver.console.server import Site, serve
        from llm_policy_improver.console.watched_folder import WatchedFolder
        from llm_policy_improver.report.page import Prices

        robot = closing.enter_context(_robot(config, namespace)) if ros else None
        operator = secrets.token_urlsafe(_BYTES) if robot is not None and robot.keyed else ''
        address = _address(host or LOOPBACK, listening.getsockname()[1], encrypted=certificate is not None)
        link = f'{address}?token={token}' if token else address

        def ready() -> None:
            click.echo(f'Console: {link}  (Ctrl-C ends it)')
            if operator:
                click.echo(f'Operator: {address}?token={operator}  (may arm, resume and decide: for nobody else)')
            # With a token a person opens it: others of this machine can read the command line of a browser.
            if show and not token:
                click.launch(link)

        costs = None if prices is None else Prices(*prices, currency)
        site = Site(WatchedFolder(folder), OwnRuns(folder, settings), costs, robot)
        serve(listening, Door(host or LOOPBACK, token, operator), site, ready, certificate)
    click.echo('The console has ended.')


def _robot(config: Path | None, namespace: str) -> 'RobotLink':
    """The nodes that run, by the keys of their parameter file."""
    security = nodes_security(config)
    space = replace(read_settings(nodes_config(config), OptimizerSettings, 'optimizer'), parameters='both').space()
    try:
        from llm_policy_improver.nodes.robot_link import RobotLink
    except ImportError as error:
        without_ros(error)
    return RobotLink(security, space, getpass.getuser(), namespace)


def _token(path: Path | None, *, needed: bool) -> str:
    """From the file, else the environment, else drawn where one is needed."""
    given = os.environ.get(ENVIRONMENT, '') if path is None else _read(path)
    if not given:
        return secrets.token_urlsafe(_BYTES) if needed else ''
    if len(given) < SHORTEST or not given.isascii() or not given.isprintable() or ' ' in given:
        where = ENVIRONMENT if path is None else path
        raise SettingsError(f'the token in {where} must have {SHORTEST} printable characters or more, without spaces')
    return given


def _read(path: Path) -> str:
    try:
        with path.open() as file:
            mode, found = os.fstat(file.fileno()).st_mode, file.read(1000).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f'the token file {path} cannot be read: {error}') from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f'the token file {path} is open to others: chmod 600 it, and take another token')
    if not found:
        raise SettingsError(f'the token file {path} is empty: write a token of {SHORTEST} characters or more into it')
    return found


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen()
        except OSError:
            listening.close()
            raise
    except (OSError, UnicodeError) as error:
        said = error.strerror if isinstance(error, OSError) else 'that is no address'
        raise SettingsError(
            f'the console cannot listen on {host}, port {port} ({said}): choose another with --port, e.g. --port 0 for '
            'any that is free'
        ) from None
    return listening


def _address(host: str, port: int, *, encrypted: bool) -> str:
    # 0.0.0.0 and :: are every address of this machine; a browser wants one.
    name = {'0.0.0.0': socket.gethostname(), '::': socket.gethostname()}.get(host, host)
    return f'http{"s" * encrypted}://{f"[{name}]" if ":" in name else name}:{port}/'
