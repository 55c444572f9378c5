"""Rows of improvements summed up: medians and intervals for each method, and tables for people."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from llm_policy_improver.experiments import statistics
from llm_policy_improver.experiments.report import Lines, label
from llm_policy_improver.experiments.rows import Row

GROUP: Final = ('optimizer', 'model', 'variant', 'objective', 'cache', 'after', 'parameters')
ALL: Final = 'all'
"""In place of an objective: rows of all objectives together."""

_METRES: Final = ('initial_m', 'final_m', 'regret_m')
_TRIALS: Final = ('trials_to_0_10_m', 'trials_to_regret_0_10_m')


def summarize(rows: Sequence[Row], improvements: int) -> list[dict[str, Any]]:
    """One object for each method (with its model, variant, cache, objective before) and objective, and for all.

    Args:
        rows: of `improvement_run`.
        improvements: trials that were proposed in each; "never" counts as more.
    """
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        for objective in (ALL, row['objective']):
            groups[tuple(({**row, 'objective': objective})[name] for name in GROUP)].append(row)
    return [
        dict(zip(GROUP, group, strict=True)) | _figures(found, improvements)
        for group, found in groups.items()
    ]


def _figures(rows: Sequence[Row], improvements: int) -> dict[str, Any]:
    figures: dict[str, Any] = {'n': len(rows)}
    for name in _METRES:
        figures[name] = statistics.median([row[name] for row in rows]).as_json()
    # Where there were replays, None means that most of them failed.
    replayed = [
        row['replayed_m'] for row in rows if row.get('replayed_returned', row['replayed_m']) is not None
    ]
    figures['replayed_m'] = statistics.median(replayed, never=np.inf).as_json()
    for name in _TRIALS:
        figures[name] = statistics.median([row[name] for row in rows], never=improvements + 1.0).as_json()
        figures[name.replace('trials_to', 'reached')] = statistics.share(
            [row[name] is not None for row in rows]
        ).as_json('share')
    figures['seconds'] = statistics.median([row['seconds'] for row in rows]).as_json()
    figures['returned'] = float(np.mean([row['returned'] for row in rows]))
    for name in ('requests', 'refused', 'fallbacks', 'unchanged', 'prompt_tokens', 'completion_tokens'):
        figures[name] = sum(row[name] for row in rows)
    return figures


def who(entry: dict[str, Any]) -> str:
    """Method, variant and what was improved before, for tables and plots."""
    parts = [label(entry)]
    parts += [f'({entry["variant"]})'] if entry['variant'] else []
    parts += [f'after {entry["after"]}'] if entry['after'] else []
    parts += [entry['parameters']] if entry['parameters'] != 'attenuation' else []
    return ' '.join(parts)


def cell(entry: dict[str, Any], name: str, form: str = '.3f') -> str:
    """A median and its interval, for people."""
    found = entry[name]
    return statistics.Interval(found['median'], found['low'], found['high'], found['n']).text(form)


def over_all(summary: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries over all objectives, least regret first."""
    entries = [entry for entry in summary if entry['objective'] == ALL]
    return sorted(entries, key=lambda entry: (entry['cache'], statistics.finite(entry['regret_m']['median'])))


def tables(summary: Sequence[dict[str, Any]]) -> list[Lines]:
    """Over all objectives with costs, then the regret by objective."""
    entries = over_all(summary)
    several = len({entry['cache'] for entry in entries}) > 1
    noisy = any(entry['replayed_m']['n'] for entry in entries)
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        'method': who,
        **({'cache': lambda e: str(e['cache'])} if several else {}),
        'before (m)': lambda e: cell(e, 'initial_m'),
        'after (m)': lambda e: cell(e, 'final_m'),
        **({'replayed (m)': lambda e: cell(e, 'replayed_m')} if noisy else {}),
        'regret (m)': lambda e: cell(e, 'regret_m'),
        'trials to 0.10 m': lambda e: cell(e, 'trials_to_0_10_m', '.0f'),
        'reached': lambda e: f'{e["reached_0_10_m"]["share"]:.0%}',
        'returned': lambda e: f'{e["returned"]:.0%}',
        'seconds': lambda e: cell(e, 'seconds', '.1f'),
        'tokens': lambda e: str(e['prompt_tokens'] + e['completion_tokens']),
        'refused': lambda e: str(e['refused']),
        'fallbacks': lambda e: str(e['fallbacks']),
        'runs': lambda e: str(e['n']),
    }
    lines = [tuple(shown(entry) for shown in columns.values()) for entry in entries]
    title = 'All objectives: median [95 % interval]; regret = distance beyond the reachable best'
    return [Lines(title, tuple(columns), tuple(lines)), _by_objective(summary, entries, several)]


def _by_objective(
    summary: Sequence[dict[str, Any]], entries: Sequence[dict[str, Any]], several: bool
) -> Lines:
    found = {(who(e), e['cache'], e['objective']): e for e in summary}
    objectives = sorted({e['objective'] for e in summary} - {ALL})
    lines = []
    for e in entries:
        cells = [found.get((who(e), e['cache'], objective)) for objective in objectives]
        shown = (
            '-' if one is None else f'{statistics.finite(one["regret_m"]["median"]):.3f}' for one in cells
        )
        lines.append((who(e), *((str(e['cache']),) if several else ()), *shown))
    headings = ('method', *(('cache',) if several else ()), *objectives)
    return Lines('Median regret (m) by objective', headings, tuple(lines))
