"""What a person, or a program, sees of a run while it goes on: a line per trial, then a summary."""

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TextIO

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from llm_policy_improver.core.method import INITIAL
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.llm.waiting import told_at_intervals, waiting_text
from llm_policy_improver.loop.improvement_result import End, ImprovementResult, recommended_json
from llm_policy_improver.loop.step import TrialResult
from llm_policy_improver.report.wording import best_text, claims_text, kept_text, step_text
from llm_policy_improver.table_tennis.tracing.observed import landing_of


@dataclass(frozen=True, slots=True)
class TrialReport:
    """One trial as shown; distances and positions in metres, None where there is none.

    `recommended` is what would be kept if the run ended now, where a model says so; `best_distance` is that of the
    best trial seen.
    """

    number: int
    trial: int
    outcome: str
    landing: tuple[float, float] | None
    distance: float | None
    best_distance: float | None
    parameters: Mapping[str, float]
    proposed_by: str
    reason: str
    verdict: str
    note: str = ''
    claims: str = ''
    recommended: Proposal | None = None

    @classmethod
    def of(cls, result: TrialResult) -> 'TrialReport':
        """From a result of the loop."""
        trial, step = result.trial, result.step
        landing = landing_of(trial)
        return cls(
            number=result.number,
            trial=trial.number or result.number,
            outcome=trial.outcome,
            landing=None if landing is None else (landing.x, landing.y),
            distance=result.distance,
            best_distance=result.best_distance,
            parameters=trial.plain,
            proposed_by=trial.proposed_by,
            reason=step.reason,
            verdict=step_text(step),
            note=trial.note,
            claims=claims_text(step.proposal.claims),
            recommended=result.recommended,
        )

    def as_json(self) -> dict[str, Any]:
        """Plain data for a JSON line."""
        kept = {} if self.recommended is None else recommended_json(self.recommended)
        return {
            'type': 'trial',
            'trial': self.trial,
            'outcome': self.outcome,
            'landing_m': None if self.landing is None else [round(value, 4) for value in self.landing],
            'distance_m': self.distance,
            'best_distance_m': self.best_distance,
            'parameters': dict(self.parameters),
            'proposed_by': self.proposed_by,
            'note': self.note,
            'reason': self.reason,
            'verdict': self.verdict,
            'claims': self.claims,
        } | kept


class Reporter(Protocol):
    """Shows a run."""

    def begin(self, objective: str, aim: str, method: str, trials: int) -> None:
        """Before the first trial."""

    def trial(self, report: TrialReport) -> None:
        """After each trial."""

    def waiting(self, seconds: float, why: str) -> None:
        """While a language model's endpoint wants a pause; 0 s when it is over."""

    def end(self, result: ImprovementResult, folder: Path, picture: Path | None) -> None:
        """After the last trial; the picture is None where nothing could be drawn."""

    def close(self) -> None:
        """In any case, also after an error."""


class JsonReporter:
    """One JSON object a line: each trial, then the summary; everything else goes to standard error."""

    def __init__(self) -> None:
        self._stream: TextIO = sys.stdout
        self.waiting = told_at_intervals(lambda line: print(line, file=sys.stderr, flush=True))

    def _line(self, content: dict[str, Any]) -> None:
        print(json.dumps(without_nan(content)), file=self._stream, flush=True)

    def begin(self, objective: str, aim: str, method: str, trials: int) -> None:
        """Nothing: the summary names all this."""

    def trial(self, report: TrialReport) -> None:
        """One line."""
        self._line(report.as_json())

    def end(self, result: ImprovementResult, folder: Path, picture: Path | None) -> None:
        """One line."""
        files = {'run': str(folder), 'picture': None if picture is None else str(picture)}
        self._line({'type': 'summary'} | result.as_json() | files)

    def close(self) -> None:
        """Nothing is left open."""


class ConsoleReporter:
    """For people: a line per trial over a progress bar, the result at the end.

    Args:
        console: to print on.
        verbose: also the reason of every trial, how claims compare with it, and what would be kept.
    """

    def __init__(self, console: Console, verbose: bool = False) -> None:
        self._console = console
        self._verbose = verbose
        self._progress = Progress(
            TextColumn('trial'), MofNCompleteColumn(), BarColumn(), TimeElapsedColumn(),
            TextColumn('{task.description}'), console=console, transient=True,
        )  # fmt: skip
        self._best: float | None = None
        self._said_first = False
        self._task: TaskID | None = None
        self._wait_lines = told_at_intervals(lambda line: console.print(escape(line), style='yellow'))

    def begin(self, objective: str, aim: str, method: str, trials: int) -> None:
        """A heading."""
        self._console.print(f'[bold]Objective[/]  {escape(objective)}')
        unmeasured = 'none: the words name nothing measurable, so the model ranks the trials'
        self._console.print(f'[bold]Aim[/]        {escape(aim or unmeasured)}')
        self._console.print(f'[bold]Method[/]     {escape(method)}\n')
        self._task = self._progress.add_task('', total=trials)
        self._progress.start()

    def trial(self, report: TrialReport) -> None:
        """What happened; why these parameters, where that is wanted; what checks and gates found amiss, always."""
        # By the best of the whole run: what was played before an interrupt is not shown here.
        improved = report.distance is not None and report.distance == report.best_distance != self._best
        self._best = report.best_distance
        # Where a ball came down that is no good return would read like a landing: the note says what it did.
        landed = report.outcome == 'landed' and report.landing is not None
        where = (
            f'at ({report.landing[0]:+z.2f}, {report.landing[1]:.2f}) m' if landed and report.landing else ''
        )
        distance = '' if report.distance is None else f'{report.distance:.3f} m to go'
        what = f'landed {where:20s} {distance}' if landed else f'{report.outcome}: {report.note}'
        colour = 'green' if improved else 'default' if landed else 'yellow'
        said = kept_text(report.recommended)
        # Beside what a model expects the best trial is what it is: partly luck.
        best = 'best seen so far' if said else 'best so far'
        mark = f'   [bold]{best}[/]' if improved else ''
        self._console.print(f'[{colour}]{report.number:4d}  {escape(what)}{mark}[/]')
        first = report.proposed_by == INITIAL
        if self._verbose and not (first and self._said_first and report.number > 2):
            self._aside(report.reason, 'dim')
        self._said_first = self._said_first or first
        if report.verdict not in ('', 'accepted'):
            self._aside(f'checks: {report.verdict}', 'yellow')
        if self._verbose and report.claims:
            self._aside(report.claims, 'dim')
        if self._verbose and said:
            self._aside(f'to keep now: {said}', 'cyan')
        assert self._task is not None
        self._progress.update(self._task, completed=report.number)

    def waiting(self, seconds: float, why: str) -> None:
        """Counted down beside the bar; in lines where there is none."""
        if self._task is None or not self._console.is_terminal:
            self._wait_lines(seconds, why)
        else:
            text = escape(waiting_text(seconds, why)) if seconds else ''
            self._progress.update(self._task, description=text)

    def _aside(self, text: str, style: str) -> None:
        """Indented, also where it wraps."""
        self._console.print(Padding(Text(text, style), (0, 0, 0, 6), expand=False))

    def end(self, result: ImprovementResult, folder: Path, picture: Path | None) -> None:
        """The result, the best parameters and where everything is."""
        self.close()
        self._console.print()
        if result.best is not None:
            first = result.initial_distance_m
            kept = result.recommended_told
            name = 'Best seen' if kept else 'Best'
            self._console.print(
                f'[bold green]{name}:[/] {escape(best_text(result))}'
                + (f' (the first trial: {first:.3f} m)' if first is not None else '')
            )
            self._aside(result.best_told, '')
            if kept:
                self._console.print('[bold green]To keep, by the model of all trials:[/]')
                self._aside(kept, '')
                self._aside(kept_text(result.recommended), '')
        else:
            self._console.print('[bold]No trial could be ranked.[/]')
        if result.fallbacks or result.unchanged:
            self._console.print(
                f'[yellow]{result.fallbacks} proposals came from the fallback, '
                f'{result.unchanged} trials repeated the last parameters.[/]'
            )
        if result.prompt_tokens or result.completion_tokens:
            self._console.print(
                f'Tokens: {result.prompt_tokens} in the prompts, {result.completion_tokens} in the replies'
            )
        if result.claims_agreeing or result.claims_contradicted or result.claims_undecided:
            self._console.print(
                f'Claimed effects: {result.claims_agreeing} agree with the trials, '
                f'{result.claims_contradicted} contradict them, {result.claims_undecided} undecided'
            )
        self._console.print(
            f'{result.trials} trial{"s" * (result.trials != 1)}, {result.returned:.0%} returned'
        )
        if foretold := str(result.foretold or ''):
            self._console.print(foretold)
        if result.end is End.SETTLED:
            self._console.print(f'[bold green]Ended:[/] {escape(result.stopped)}.', soft_wrap=True)
        elif result.end is End.REACHED:
            self._console.print('[bold green]The objective is reached.[/]')
        elif result.stopped:
            self._console.print(f'[bold red]Ended early:[/] {escape(result.stopped)}', soft_wrap=True)
        if picture is not None:
            self._console.print(f'Picture: {escape(str(picture))}', soft_wrap=True)
        self._console.print(f'Stored:  {escape(str(folder))}', soft_wrap=True)

    def close(self) -> None:
        """Take the progress bar away."""
        self._progress.stop()


def without_nan(value: Any) -> Any:
    """The same with null for what JSON cannot hold."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
