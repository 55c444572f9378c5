"""The optional packages that some parts rest on: asked for by name before they are needed."""

from importlib.util import find_spec


class MissingPackageError(ImportError):
    """A package that something needs is not installed; the message says how to install it.

    Attributes:
        extra: of this package, that installs it.
    """

    def __init__(self, message: str, extra: str = '') -> None:
        super().__init__(message)
        self.extra = extra


def require_package(module: str, package: str, user: str, extra: str) -> None:
    """Raise `MissingPackageError` unless ``module``, of the distribution ``package``, is installed.

    It is looked for and not imported, as that may take a second. ``user`` is what needs it, e.g. ``'method knn'``;
    ``extra`` installs it.
    """
    spec = find_spec(module)
    # A folder that happens to have the name is found, too, but has no code of its own.
    if spec is None or spec.origin is None:
        raise MissingPackageError(
            f"{user} needs the package {package}: pip install 'llm-policy-improver[{extra}]'", extra
        )
