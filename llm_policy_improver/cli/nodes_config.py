"""Which parameter file nodes that run were started with: it names the keys by which they and people are known."""

from pathlib import Path
from typing import Final, NoReturn

import click

from llm_policy_improver.cli.main import fail
from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.settings import read_settings
from llm_policy_improver.core.share import share_folder
from llm_policy_improver.table_tennis.settings import ControllerSettings

DEFAULT: Final = 'hardware.yaml'

config_option = click.option(
    '--config',
    type=click.Path(path_type=Path),
    help=f"Parameter file of the nodes, or the name of one of the package's, e.g. sim.yaml.  [{DEFAULT}]",
)
namespace_option = click.option('--namespace', default='', help='Of the nodes.')


def nodes_config(given: Path | None) -> Path:
    """The file that was named; one of the package's where it is a mere name that is no file here."""
    named = given or Path(DEFAULT)
    if named.parent == Path() and (given is None or not named.exists()):
        shared = share_folder() / 'config' / named
        if shared.exists():
            return shared
    return named


def nodes_security(given: Path | None) -> SecuritySettings:
    """Where the keys of the nodes are, by their parameter file.

    Raises:
        SettingsError: it cannot be read, or says something else.
    """
    return read_settings(nodes_config(given), ControllerSettings, 'controller').security


def without_ros(error: ImportError) -> NoReturn:
    """End the program, as a command is asked for that nodes must answer."""
    fail(f'ROS 2 is not installed here ({error}): this needs it')
