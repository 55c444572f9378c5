"""What is known of one trial: where it landed, what was changed and why, what was expected, who decided."""

import math
from typing import Final

from nicegui import ui

from llm_policy_improver.console.change_bars import change_bars
from llm_policy_improver.console.exchange_fold import exchange_fold
from llm_policy_improver.console.texts import facts, metres, table, text
from llm_policy_improver.core.expectation import FAILED_LOSS
from llm_policy_improver.core.finding import ClaimedEffect
from llm_policy_improver.loop.step import Step
from llm_policy_improver.report.map_view import Shown
from llm_policy_improver.report.page import Prices
from llm_policy_improver.report.run_view import RunView
from llm_policy_improver.report.told_steps import ToldStep
from llm_policy_improver.report.wording import agreement_text
from llm_policy_improver.table_tennis.ball.table import place

_MEANING: Final = (
    'Each parameter changes the speed of one joint of the arm: by a factor, 1 without change, or by what is added, 0. '
    'Per cent are of its range.'
)
_MOVES: Final = {-1: 'lowers', 0: 'hardly moves', 1: 'raises'}


def trial_panel(view: RunView, one: Shown, improvement: tuple[ToldStep, Step] | None, prices: Prices | None) -> None:
    """One trial.

    Args:
        view: the run it is of.
        one: the trial.
        improvement: what is told of the one that it was played for, and its step; None of a first trial, which nobody
            reasoned about, and where that is lost.
        prices: of the language model's tokens; no cost is told where None.
    """
    text('p', _outcome(view, one), 'outcome' if one.trial.succeeded else 'outcome failed')
    if improvement is None:
        said = 'One of the first trials, spread over all that may be tried before anybody reasons about them.'
        text('p', said if one.first else 'Nobody gave a reason for this trial.', 'quiet')
        _policy(view, one)
        return
    told, step = improvement
    facts(
        (
            ('Why', told.reason),
            ('Contradiction', '\n'.join(told.contradictions)),
            ('Expected', told.expected),
            ('Came', _came(one)),
            ('Proposed by', told.proposed_by),
            ('Checked', told.checks),
            ('Claims', told.claims),
            ('Cost', _cost(told, step, prices)),
        )
    )
    if view.of_programs:
        _policy(view, one)
    else:
        text('h3', f'Changed from trial {told.changed_from}, the best before it' if told.changed_from else 'Changed')
        if told.changes:
            text('p', _MEANING, 'quiet')
            change_bars(told.changes)
        else:
            text('p', 'Nothing: the same is played again.' if told.changed_from else 'None came before it.')
    if step.proposal.claims:
        with ui.element('details'):
            text('summary', 'What the model claimed, beside what the trials show')
            _claims(view, step.proposal.claims)
    for kept in told.kept_back:
        text('p', f'Proposed before it and not played, decided by {kept.by}: {kept.reason}', 'kept-back')
    for heading, words in told.thoughts:
        with ui.element('details'):
            text('summary', heading)
            text('p', words, 'words')
    exchange_fold(step.proposal.exchanges)


def _outcome(view: RunView, one: Shown) -> str:
    if one.place is None:
        return f'No good return: {one.trial.outcome.replace("_", " ")}. {one.trial.note}'
    x, y = one.place
    where = f'Landed {place(x, y)}: {abs(x):.2f} m to the {"left" if x < 0 else "right"}, {y:.2f} m beyond the net'
    if one.distance is None:
        return f'{where}.'
    best = view.best is not None and view.best.number == one.number
    return f'{where}; {metres(one.distance)} to the goal{", the best seen" if best else ""}.'


def _came(one: Shown) -> str:
    if one.distance is None and one.place is not None:
        return 'a good return; no program measures how near to the goal'
    if one.distance is None:
        return f'no good return, which counts as {FAILED_LOSS:g} m'
    return f'{metres(one.distance)} to the goal'


def _policy(view: RunView, one: Shown) -> None:
    """What was played: values, or the source of a program."""
    if view.of_programs:
        with ui.element('details'):
            text('summary', 'Its program')
            source = text('pre', str(one.trial.plain.get('source', '')))
            source.props.update({'tabindex': '0', 'role': 'region', 'aria-label': 'Program'})
        return
    values = view.values(one.trial)
    if not values:
        return
    labels = {each.name: each.heading for each in view.brief.space.parameters}
    with ui.element('details'):
        text('summary', 'Its parameters')
        table('Parameters', ('parameter', 'value'), ((labels[name], f'{each:.3f}') for name, each in values.items()))


def _claims(view: RunView, claims: tuple[ClaimedEffect, ...]) -> None:
    labels = {each.name: each.label for each in view.brief.space.parameters}
    rows = [
        (
            labels.get(claim.parameter, claim.parameter),
            f'{_MOVES[claim.sign]} {claim.measure.replace("_", " ")}',
            '–' if claim.effect is None else f'{claim.effect:+.3f}' + _doubt(claim.error),
            agreement_text(claim),
        )
        for claim in claims
    ]
    table('Claimed effects', ('raising', 'it said', 'trials show, for +0.1', 'verdict'), rows)


def _doubt(error: float | None) -> str:
    return '' if error is None or math.isnan(error) else f' ± {2 * error:.3f}'


def _cost(told: ToldStep, step: Step, prices: Prices | None) -> str:
    asked = step.proposal.exchanges
    if not asked or prices is None:
        return told.cost
    cost = prices.cost(sum(each.prompt_tokens for each in asked), sum(each.completion_tokens for each in asked))
    return f'{told.cost}, {cost:.4f} {prices.currency}'
