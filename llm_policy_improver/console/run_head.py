"""The head of a run's page: where it was played, whether it goes on, what was asked, how far it came, what to keep."""

from nicegui import ui

from llm_policy_improver.console.texts import facts, metres, table, text
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.report.page import Prices, played_where
from llm_policy_improver.report.run_view import RunView
from llm_policy_improver.report.spread import Spread
from llm_policy_improver.report.stages import stages_of, verdict
from llm_policy_improver.report.wording import aim_text, best_text, kept_text


def run_banner(view: RunView, goes_on: bool) -> None:
    """Where, whether it goes on, what was asked, and whether it gets better beyond luck."""
    made = view.description
    kind = 'stand-in' if 'stand_in_arm' in made else 'simulated' if 'simulator' in made else 'nodes'
    with ui.element('section').classes('banner').props('aria-label="The run"'):
        with ui.element('p').classes('pills'):
            text('span', f'Played {played_where(view)}', f'pill {kind}')
            text('span', _state(view, goes_on), 'pill on' if goes_on else 'pill')
        text('p', f'“{view.objective.words}”', 'objective')
        text('p', f'Understood as: {aim_text(view.objective)}.', 'aim')
        text('p', run_verdict(view), 'verdict')
        facts(
            (
                ('Trials', f'{len(view.shown)}, of which {view.first} before any proposal'),
                ('Good returns', f'{sum(one.trial.succeeded for one in view.shown)} of {len(view.shown)}'),
                ('Best seen', best_text(view.result) or 'none could be ranked'),
                ('Proposed by', view.method),
                ('Begun', f'{view.created_at:%Y-%m-%d %H:%M} UTC'),
            ),
            'facts wide',
        )
        if goes_on and (said := _coming(view)):
            text('p', said, 'quiet')


def _coming(view: RunView) -> str:
    """What was decided and not played yet; empty where nothing was."""
    if not view.played or view.played[-1][2] is not None:
        return ''
    step = view.played[-1][1]
    return f'Next, not played yet: a policy of {step.proposed_by}. {step.reason}'


def run_verdict(view: RunView) -> str:
    """Whether it gets better, in a sentence."""
    if not view.objective.measurable:
        return 'No program measures this objective: whether it gets better is for people to say.'
    return verdict(stages_of(view.shown)) or 'Too early to tell: nothing but first trials was played.'


def run_end(view: RunView, prices: Prices | None) -> None:
    """What is to be kept, how it ended, what it cost, and how much of it is luck."""
    result = view.result
    with ui.element('section').classes('card').props('aria-label="What to keep"'):
        text('h2', 'What to keep')
        kept = None if view.end is None else view.end.recommended
        tokens = result.prompt_tokens, result.completion_tokens
        asked = f'{tokens[0]:,} in the prompts, {tokens[1]:,} in the replies' if any(tokens) else ''
        if asked and prices is not None:
            asked += f', {prices.cost(*tokens):.2f} {prices.currency}'
        spread = Spread.of(view)
        facts(
            (
                *_recommended(view, kept),
                ('How it ended', '' if view.end is None else view.end.message),
                ('Repeats scatter by', '' if spread is None else str(spread)),
                ('Tokens', asked),
            )
        )
        if view.of_programs:
            return
        best, keep = view.values(None if view.best is None else view.best.trial), view.values(kept)
        if best or keep:
            table(
                'Parameters of the best trial and of what to keep',
                ('parameter', 'without change', 'best trial', *(('to keep',) if keep else ())),
                (
                    (
                        each.heading, f'{each.neutral:g}', _value(best.get(each.name)),
                        *((_value(keep.get(each.name)),) if keep else ()),
                    )
                    for each in view.brief.space.parameters
                ),
            )  # fmt: skip


def _recommended(view: RunView, kept: Proposal | None) -> tuple[tuple[str, str], ...]:
    """What to keep, in words, and what is expected of it."""
    if kept is not None:
        return (('The parameters', 'those in the column "to keep" below'), ('Expected of them', kept_text(kept)))
    if view.result.best is None:
        return (('The parameters', 'none yet: no trial could be ranked'),)
    if view.best is None:
        return (('The parameters', f'those of trial {view.result.best_trial}, the best by the word of the model'),)
    best = f'those of trial {view.best.number}, the best seen: no model of the trials says more'
    return (('The parameters', best), ('It came', f'{metres(view.best.distance)} to the goal'))


def _state(view: RunView, goes_on: bool) -> str:
    if view.end is not None:
        return view.end.state.capitalize()
    if goes_on:
        return 'In progress'
    return 'Interrupted' if view.number else 'Ended, or interrupted'  # nobody kept which


def _value(value: float | None) -> str:
    return '–' if value is None else f'{value:.3f}'
