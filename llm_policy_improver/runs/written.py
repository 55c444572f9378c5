"""Files made of a run for people: under their name only once they are whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from llm_policy_improver.core.shortened import LONGEST_PLACE, shortened
from llm_policy_improver.runs.store_errors import StoreError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to, which takes its place, and that of an earlier file, at the end of the block.

    Where the block raises, ``path`` is as it was.

    Raises:
        StoreError: it cannot be written.
    """
    partial = path.with_name(f'.{uuid4().hex}.{path.name}')
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise IsADirectoryError(None, 'a folder is in its way')
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        said = shortened(str(path), LONGEST_PLACE)
        raise StoreError(
            f'{said} cannot be written: {error.strerror or error}; choose another file with --output'
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file at once, as `written_whole`.

    Raises:
        StoreError: it cannot be written.
    """
    with written_whole(path) as partial:
        partial.write_bytes(content)
