"""The prompt texts: files that a person can read and edit, beside the code that fills in their ``$names``."""

from importlib import resources
from string import Template


def prompt(package: str, name: str) -> Template:
    """The text of ``<name>.md`` in a package, e.g. ``prompt('llm_policy_improver.methods.sas', 'sas')``.

    Raises:
        FileNotFoundError: there is no such prompt.
    """
    return Template(resources.files(package).joinpath(f'{name}.md').read_text(encoding='utf-8'))
