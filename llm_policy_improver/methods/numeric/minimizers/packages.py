"""The optional packages that some minimizers rest on: asked for by name before they are needed."""

from importlib.util import find_spec


class MissingPackageError(ImportError):
    """A package that an optimizer needs is not installed; the message says how to install it."""


def require_package(module: str, package: str, optimizer: str) -> None:
    """Raise `MissingPackageError` unless ``module``, of the distribution ``package``, is installed.

    It is looked for and not imported, as that may take a second.
    """
    if find_spec(module) is None:
        raise MissingPackageError(
            f"optimizer {optimizer} needs the package {package}: pip install 'llm-policy-improver[optimizers]'"
        )
