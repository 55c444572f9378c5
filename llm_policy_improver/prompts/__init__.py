"""The prompt texts, as files that a person can read and edit; ``$name`` marks what is filled in."""

from importlib import resources
from string import Template


def prompt(name: str) -> Template:
    """The text of ``<name>.md`` in this folder, e.g. ``prompt('sas')``.

    Raises:
        FileNotFoundError: there is no such prompt.
    """
    return Template(resources.files(__name__).joinpath(f'{name}.md').read_text(encoding='utf-8'))
