"""Which parameter file nodes that run were started with: it names the keys by which they and people are known."""

from pathlib import Path
from typing import Final

import click

from llm_policy_improver.core.share import share_folder

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
