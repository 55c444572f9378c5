"""The files of a run's trials. All that writes here runs under the write lock of the run's database."""

import os
from pathlib import Path
from typing import Final

from llm_policy_improver.runs.store_database import TRIALS, flush_folder

_PARTIAL: Final = '.writing.mcap'


def trial_file(folder: Path, trial: int) -> Path:
    """Where the time series of the trial of this number is, in the run's folder."""
    return folder / TRIALS / f'{trial:04d}.mcap'


def write_trial_file(path: Path, content: bytes) -> None:
    """Write the file; when this returns it survives a power failure, and at no moment is it there in part.

    Raises:
        OSError: it is not written.
    """
    # Under the lock one temporary name is enough, and a file that already has this name is one whose row was
    # never committed.
    partial = path.with_name(_PARTIAL)
    try:
        with partial.open('wb') as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def clear_trial_files(folder: Path, next_trial: int) -> None:
    """Remove what a crash left behind: a file written in part, and one whose row was never committed."""
    (folder / TRIALS).mkdir(exist_ok=True)
    (folder / TRIALS / _PARTIAL).unlink(missing_ok=True)
    trial_file(folder, next_trial).unlink(missing_ok=True)
