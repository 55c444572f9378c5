"""Where the package's shared files are: configuration, launch files, package.xml."""

from pathlib import Path

PACKAGE = 'llm_policy_improver'


def share_folder() -> Path:
    """The folder holding ``config/`` and ``launch/``, the same however the package was installed.

    In the source tree and in an editable install it is the repository's root, else
    ``<prefix>/share/llm_policy_improver`` of the environment or workspace this module is installed in.

    Raises:
        FileNotFoundError: the installation lacks it.
    """
    package = Path(__file__).parent.parent
    candidates = [package.parent, *(parent / 'share' / PACKAGE for parent in package.parents)]
    for folder in candidates:
        if (folder / 'package.xml').is_file():
            return folder
    raise FileNotFoundError(
        f'share/{PACKAGE} was not found in any folder above {package}: the installation is incomplete, '
        'install the package again'
    )
