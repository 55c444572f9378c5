"""What an experiment comes to, for programs and for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llm_policy_improver.experiments.rows import Row


@dataclass(frozen=True, slots=True)
class Lines:
    """A table for people: a title, the headings, and texts."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What an experiment comes to.

    Attributes:
        folder: where its rows and plots are.
        rows: all that the folder holds.
        summary: one object for each group of rows, with medians and 95 % intervals.
        tables: the summary for people.
        plots: files.
        notes: what people should know, sentences.
    """

    folder: Path
    rows: Sequence[Row]
    summary: Sequence[Mapping[str, Any]]
    tables: Sequence[Lines]
    plots: Sequence[Path]
    notes: Sequence[str] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            'rows': list(self.rows), 'summary': list(self.summary), 'folder': str(self.folder),
            'plots': [str(plot) for plot in self.plots], 'notes': list(self.notes),
        }  # fmt: skip


def label(row: Mapping[str, Any]) -> str:
    """Who made a row, for tables and plots: ``'sas:gpt-4o'``, ``'cma_es'``."""
    name = row['method'] if 'method' in row else row['optimizer']
    return f'{name}:{row["model"]}' if row.get('model') else str(name)
