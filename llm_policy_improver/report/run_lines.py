"""A stored run, or several, in lines for a terminal."""

from collections.abc import Iterator, Sequence
from typing import Any

from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.report.labels import ranges
from llm_policy_improver.report.page import played_where
from llm_policy_improver.report.run_view import RunView
from llm_policy_improver.report.stages import stages_of, verdict
from llm_policy_improver.report.told_steps import told_steps
from llm_policy_improver.report.wording import aim_text, best_text, kept_text

_MOST_CHANGES = 3


def run_lines(view: RunView, verbose: bool = False) -> Iterator[str]:
    """One run.

    Args:
        view: of it.
        verbose: with reasons.
    """
    result, end = view.result, view.end
    yield f'"{view.objective.words}": {aim_text(view.objective)}'
    begun = f'{view.created_at:%Y-%m-%d %H:%M} UTC'
    yield f'{len(view.shown)} trials {played_where(view)}, proposed by {view.method}, begun {begun}'
    yield f'{end.state}: {end.message}' if end is not None else 'not at its end: interrupted, or it goes on'
    yield ''
    failed = [one.number for one in view.shown if not one.trial.succeeded]
    yield f'First trials 1 to {view.first}; no good return: {ranges(failed) or "none"}'
    for step in told_steps(view):
        distance = '' if step.distance is None else f'  {step.distance:.3f} m to go'
        mark = '   best so far' if step.best else ''
        yield f'{step.number or "":>4}  {step.outcome or "not played yet"}{distance}{mark}'
        if verbose:
            told = [f'{each.label} {each.before:.3f} to {each.after:.3f}' for each in step.changes[:_MOST_CHANGES]]
            more = ', ...' if len(step.changes) > _MOST_CHANGES else ''
            if told:
                yield f'        from trial {step.changed_from}: {", ".join(told)}{more}'
            yield from (f'        {line}' for line in (*step.reason.splitlines(), *step.contradictions))
    yield ''
    if view.objective.measurable and (said := verdict(stages_of(view.shown))):
        yield said
    if result.best is not None:
        yield f'Best seen: {best_text(result)}'
        yield f'  {result.best_told}'
    if result.recommended is not None:
        yield f'To keep: {kept_text(result.recommended)}'
        yield f'  {result.recommended_told}'
    if foretold := str(result.foretold or ''):
        yield foretold
    if result.prompt_tokens or result.completion_tokens:
        yield f'Tokens: {result.prompt_tokens:,} in the prompts, {result.completion_tokens:,} in the replies'
    if len(view.trials) and view.number > 1:
        yield f'(run {view.number} of this store)'


def comparison(views: Sequence[RunView]) -> list[dict[str, Any]]:
    """The figures of runs, by the same names; None for what one does not have."""
    return [_figures(view) for view in views]


def _figures(view: RunView) -> dict[str, Any]:
    result = view.result
    expected = Expectation.of(result.recommended)
    stages, kept = stages_of(view.shown), view.values(result.recommended)
    return {
        'run': str(view.folder),
        'objective': view.objective.words,
        'played': played_where(view),
        'proposed by': view.method,
        'trials': len(view.shown),
        'first trials': view.first,
        'good returns': f'{result.returned:.0%}',
        'first trial (m)': result.initial_distance_m,
        'best seen (m)': result.best_distance_m,
        'expected of what to keep (m)': None if expected is None else expected.loss,
        'last half of the proposals (m)': stages[-1].loss if len(stages) > 1 else None,
        'stand-ins': result.fallbacks,
        'tokens': result.prompt_tokens + result.completion_tokens,
        'seed': view.optimizer.seed,
        'state': 'not at its end' if view.end is None else view.end.state,
        **{
            f'to keep {each.label}': kept.get(each.name)
            for each in ([] if view.of_programs else view.brief.space.parameters)
        },
    }
