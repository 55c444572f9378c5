"""SAS-Prompt for a plain function (arXiv 2504.20459, its numerical test): a language model proposes points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from llm_policy_improver.core.chat import Exchange, Message
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.experiments.kept_model import KeptModel
from llm_policy_improver.llm.asking import ask
from llm_policy_improver.llm.reply import ReplyError, parse_reply
from llm_policy_improver.llm.schema import reply_schema
from llm_policy_improver.methods.numeric.minimizers.protocol import Array, Observations

BOX: Final = 5.0
"""Every parameter is shown from -5 to 5, as in the paper, whatever the function's own box is."""

DIGITS: Final = 4
"""Decimals of the parameters: with two, runs ended a hundredth above the optimum."""

_ABOUT: Final = {
    'summary': 'How the values are spread, and which points are best.',
    'nearest': 'Number of the point with the least value so far.',
    'analysis': 'What raising each parameter does to the value near the best points.',
    'synthesis': 'What is changed, from which point, and the value that is expected.',
    'reason': 'One sentence: why this point.',
}

OVERSHOOT: Final = 0.05
"""Share of the box by which a point may miss it and still be moved to its bound."""

MOST: Final = 50
BEST: Final = 30
"""Points shown: all up to `MOST`, then the `BEST` ones and the latest."""


@dataclass(frozen=True, slots=True)
class FunctionProposal:
    """A point to try.

    Attributes:
        point: (d,) in the cube -1 ... +1; None where no reply could be used.
        exchanges: the requests made for it.
    """

    point: Array | None
    exchanges: tuple[Exchange, ...]


class SasFunction:
    """Proposes what a language model answers to the table of all points and values.

    Args:
        model: asked.
        dimension: number of parameters, x1 ... xd.
        evaluations: of the whole run.
    """

    def __init__(self, model: KeptModel, dimension: int, evaluations: int) -> None:
        self.names = tuple(f'x{index + 1}' for index in range(dimension))
        self._model = model
        self._evaluations = evaluations

    def messages(self, seen: Observations) -> tuple[Message, ...]:
        """The chat that `propose` starts with."""
        left = self._evaluations - len(seen.losses)
        text = prompt(__package__, 'functions').substitute(
            dimension=len(self.names),
            first=self.names[0],
            last=self.names[-1],
            low=f'{-BOX:.{DIGITS}f}',
            high=f'{BOX:.{DIGITS}f}',
            step=f'{10.0**-DIGITS:g}',
            digits=DIGITS,
            left='1 evaluation is' if left == 1 else f'{left} evaluations are',
            example=self._example(),
            points=self._table(seen),
        )
        return (('user', text),)

    def propose(self, seen: Observations) -> FunctionProposal:
        """The next point.

        Raises:
            ExperimentError: the endpoint is gone.
        """
        answer = ask(
            self._model,
            self.messages(seen),
            reply_schema(self.names, about=_ABOUT),
            lambda text: (self._read(text, seen), 'accepted'),
            lambda problem: prompt(__package__, 'functions_repair').substitute(
                problem=problem, example=self._example()
            ),
        )
        if answer.failed:
            self._model.require()
        return FunctionProposal(answer.value, answer.exchanges)

    def _example(self) -> str:
        return ', '.join(f'"{name}": <number>' for name in self.names)

    def _table(self, seen: Observations) -> str:
        shown = _shown(seen.losses)
        lines = [' '.join(['point', *self.names, 'value'])]
        for index in shown:
            numbers = ' '.join(f'{BOX * value:.{DIGITS}f}' for value in seen.points[index])
            lines.append(f'{index + 1} {numbers} {seen.losses[index]:.6g}')
        best = int(np.argmin(seen.losses))
        lines += ['', f'The least value so far is {seen.losses[best]:.6g}, at point {best + 1}.']
        if left_out := len(seen.losses) - len(shown):
            lines[-1] += (
                f' {left_out} older points with greater values than those shown are left out of the table.'
            )
        return '\n'.join(lines)

    def _read(self, text: str, seen: Observations) -> Array:
        values = np.round(parse_reply(text, self.names).parameters, DIGITS)
        outside = np.abs(values) > BOX * (1.0 + 2.0 * OVERSHOOT)
        if np.any(outside):
            name, value = self.names[int(np.argmax(outside))], values[int(np.argmax(outside))]
            raise ReplyError(f'{name} is {value:g} and must be from {-BOX:g} to {BOX:g}')
        point: Array = np.clip(values / BOX, -1.0, 1.0)
        same = np.flatnonzero(np.abs(seen.points - point).max(axis=1) < 0.5 * 10.0**-DIGITS / BOX)
        if len(same):
            raise ReplyError(f'this is point {same[0] + 1} again; change at least one parameter')
        return point


def _shown(losses: Array) -> Sequence[int]:
    if len(losses) <= MOST:
        return range(len(losses))
    latest = range(len(losses) - (MOST - BEST), len(losses))
    best = np.argsort(losses[: latest.start], kind='stable')[:BEST]
    return [*sorted(int(index) for index in best), *latest]
