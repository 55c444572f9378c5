"""One page of HTML that holds a run, or several side by side, whole: pictures, reasons, figures, no script."""

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import jinja2
from markupsafe import Markup

from llm_policy_improver.core.shortened import shortened
from llm_policy_improver.methods.sas.effects import LARGE
from llm_policy_improver.report.learned import learned_effects
from llm_policy_improver.report.map_view import crowded
from llm_policy_improver.report.page_figures import (
    WIDTH,
    compared_figure,
    distance_figure,
    effect_figure,
    map_figure,
    parameter_figure,
)
from llm_policy_improver.report.run_view import RunView
from llm_policy_improver.report.spread import Spread
from llm_policy_improver.report.stages import stages_of, verdict
from llm_policy_improver.report.svg import STYLE, inline_svg
from llm_policy_improver.report.told_steps import told_steps
from llm_policy_improver.report.wording import aim_text, kept_text

MOST_TOLD: Final = 150
"""Improvements whose reasons stand in the page, the last ones: with more it would not be read."""
LONGEST: Final = 4000
"""Characters of one of a language model's texts."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a language model.

    Attributes:
        prompt, reply: for a million tokens, in ``currency``.
        currency: e.g. ``'USD'``.
    """

    prompt: float
    reply: float
    currency: str = 'USD'

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Of so many tokens."""
        return (self.prompt * prompt_tokens + self.reply * completion_tokens) / 1e6


def report_page(views: Sequence[RunView], prices: Prices | None = None) -> str:
    """The page.

    Args:
        views: at least one run; of several, a comparison stands before them.
        prices: for the cost of the tokens; none is told where None.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters['metres'] = _metres
    environment.filters['shortened'] = lambda text: shortened(text, LONGEST)
    template = environment.from_string(_source('page.html'))
    runs = [_run(view, f'run{index}', prices) for index, view in enumerate(views, 1)]
    compared = (
        Markup(
            inline_svg(compared_figure(views), 'compared', 'Best distance so far over trials, of each run')
        )
        if len(views) > 1
        else None
    )
    return template.render(
        runs=runs,
        compared=compared,
        title=views[0].objective.words if len(views) == 1 else f'{len(views)} runs',
        style=Markup(_source('page.css') + STYLE),
        width=f'{WIDTH}in',
    )


def _run(view: RunView, name: str, prices: Prices | None) -> dict[str, Any]:
    """What the template fills in for one run."""
    result = view.result
    effects = learned_effects(view)
    pictures = {
        'landings': (map_figure(view), 'The table from above with all landings'),
        'distance': (distance_figure(view), 'Distance to the goal over trials'),
    }
    if not view.of_programs:
        pictures['parameters'] = (parameter_figure(view), 'Each parameter over trials')
    if effects:
        pictures['effects'] = (effect_figure(effects), 'What raising each parameter does, with intervals')
    drawn = {
        each: Markup(inline_svg(figure, f'{name}-{each}', said))
        for each, (figure, said) in pictures.items()
    }
    steps = told_steps(view)
    stages = stages_of(view.shown)
    tokens = result.prompt_tokens, result.completion_tokens
    return {
        'name': name,
        'view': view,
        'result': result,
        'returned': sum(one.trial.succeeded for one in view.shown),
        'pictures': drawn,
        'stages': stages,
        'aim': aim_text(view.objective),
        'verdict': verdict(stages) if view.objective.measurable else '',
        'spread': Spread.of(view),
        'kept': None if view.end is None else view.end.recommended,
        'kept_text': kept_text(None if view.end is None else view.end.recommended),
        'small': LARGE,
        'claimed': any(one.claim is not None for _, rows in effects for one in rows),
        'parameters': _parameters(view),
        'steps': steps[-MOST_TOLD:],
        'left_out': max(len(steps) - MOST_TOLD, 0),
        'tokens': tokens,
        'cost': None if prices is None else f'{prices.cost(*tokens):.2f} {prices.currency}',
        'crowded': crowded(view.shown),
        'where': played_where(view),
        'again': _again(view),
        'kept_back': sum(len(step.kept_back) for step in steps),
    }


def _parameters(view: RunView) -> list[tuple[str, float, float, float, float | None, float | None]]:
    """Label, bounds and neutral value of each parameter, its value in the best trial and in what is to be kept."""
    if view.of_programs:
        return []
    best = view.values(None if view.best is None else view.best.trial)
    kept = view.values(None if view.end is None else view.end.recommended)
    return [
        (each.heading, each.low, each.high, each.neutral, best.get(each.name), kept.get(each.name))
        for each in view.brief.space.parameters
    ]


def played_where(view: RunView) -> str:
    """Where the balls were played, for people."""
    if 'stand_in_arm' in view.description:
        return 'on the stand-in arm, in real time'
    return 'in simulation' if 'simulator' in view.description else 'through ROS nodes'


def _again(view: RunView) -> list[tuple[str, str]]:
    """Commands that look into it again, and what each does."""
    folder = shlex.quote(str(view.folder))
    return [
        (f'llm-policy-improver replay {folder}', 'plays the stored replies and trials again and compares every step'),
        (f'llm-policy-improver audit {folder}', 'prints what became of every proposal'),
        (f'llm-policy-improver prompt --run {folder} --step N', 'prints what a language model is sent for a step'),
    ]


def _metres(value: float | None) -> str:
    return '–' if value is None or math.isnan(value) else f'{value:.3f} m'


def _source(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding='utf-8')

