"""The files of a run's trials. All that writes here runs under the write lock of the run's database."""

import os
from pathlib import Path
from typing import Final

from llm_policy_improver.core.shortened import LONGEST_PLACE, shortened
from llm_policy_improver.runs import episode_files
from llm_policy_improver.runs.store_database import flush_folder
from llm_policy_improver.runs.store_errors import StoreError
from llm_policy_improver.runs.store_schema import TRIALS

_PARTIAL: Final = '.writing.mcap'


SERIES: Final = '.mcap'
"""Suffix of a time series; episodes have another one."""


def trial_file(folder: Path, trial: int, suffix: str = SERIES) -> Path:
    """Where the time series, or the episodes, of the trial of this number are, in the run's folder."""
    return folder / TRIALS / f'{trial:04d}{suffix}'


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


def require_no_later_files(folder: Path, next_trial: int) -> None:
    """Raise `StoreError` where there are files of trials after the next one: a crash leaves none, rows were lost."""
    for path in sorted((folder / TRIALS).glob('*')):
        number = path.name.partition('.')[0]
        if number.isdecimal() and int(number) > next_trial:
            raise StoreError(
                f'the run in {shortened(str(folder), LONGEST_PLACE)} is damaged: {TRIALS}/{path.name} is named by no '
                'trial; restore it from a copy, or see "llm-policy-improver runs verify"'
            )


def clear_trial_files(folder: Path, next_trial: int) -> None:
    """Remove what a crash left behind: a file written in part, and one whose row was never committed."""
    (folder / TRIALS).mkdir(exist_ok=True)
    (folder / TRIALS / _PARTIAL).unlink(missing_ok=True)
    for suffix in (SERIES, episode_files.SUFFIX):
        trial_file(folder, next_trial, suffix).unlink(missing_ok=True)
