"""The pattern that a language model continues, as plain numbers."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.reply import ReplyError
from llm_policy_improver.methods.icpi.examples import Examples, measured
from llm_policy_improver.methods.icpi.query import Query, Told, nearest, number_of, query_of

Array = NDArray[np.float64]

NEIGHBOURS: Final = 20
"""Examples shown, as in the paper."""

_TOLD_AS: Final = {
    Told.ERROR: 'the error they left (what came of it less what was wanted)',
    Told.STATE_AND_GOAL: 'what came of it, what was wanted',
}
_NUMBER: Final = re.compile(r'[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?')


class Pattern:
    """Writes the prompt and reads the reply.

    Args:
        brief: of the task.
        neighbours: examples shown.
        told: how what is left to be wanted is told.
    """

    def __init__(self, brief: Brief, neighbours: int = NEIGHBOURS, told: Told = Told.ERROR) -> None:
        self.brief = brief
        self._neighbours = neighbours
        self._told = told
        self._digits = [parameter.digits for parameter in brief.space.parameters]

    def text(self, examples: Examples, query: Query, history: Sequence[Trial], objective: Objective) -> str:
        """The prompt."""
        space = self.brief.space
        count = min(self._neighbours, len(examples))
        near = nearest(examples, query, count, self._told) if count else ()
        measures = [term.measure for term in objective.terms]
        own = {
            number_of(trial, history): query_of(trial, objective, space)
            for trial in measured(history, objective)
        }
        best = objective.best(history)
        assert best is not None  # there is a query
        number = number_of(best, history)
        return prompt(__package__, 'icpi').substitute(
            count=space.dimension,
            told=_TOLD_AS[self._told],
            parameters='\n'.join(
                f'{each.name}: {each.meaning}, {each.low:g} to {each.high:g} {each.unit}'.rstrip()
                for each in space.parameters
            ),
            told_lines=_what_is_told(self._told, [f'{each.column} ({each.meaning}, {each.unit})' for each in measures]),
            examples='\n'.join(
                f'{self._numbers(examples.values[index])} | '
                f'{self._left(examples.outcomes[index], examples.goals[index])} | '
                f'{self._numbers(examples.changes[index])}'
                for index in near
            )
            or '(none)',
            run='\n'.join(
                f'trial {place}: {self._numbers(one.values)} | {self._left(one.outcome, one.goal)}'
                for place, one in own.items()
            ),
            best=f'The best so far is trial {number}, with an error of {np.linalg.norm(own[number].error):.4f}.',
            query=f'{self._numbers(query.values)} | {self._left(query.outcome, query.goal)} | ?',
            digits=max(self._digits),
        )  # fmt: skip

    def repair(self, problem: str) -> str:
        """The request for a better reply."""
        count = self.brief.space.dimension
        return prompt(__package__, 'icpi_repair').substitute(problem=problem, count=count)

    def read(self, reply: str) -> Array:
        """The change (n,) that a reply ends with.

        Raises:
            ReplyError: its last line with numbers does not hold exactly as many as there are parameters.
        """
        count = self.brief.space.dimension
        lines = [found for line in reply.splitlines() if (found := _NUMBER.findall(line))]
        if not lines:
            raise ReplyError(f'there is no line of {count} numbers in it')
        if len(lines[-1]) != count:
            raise ReplyError(
                f'the last line with numbers has {len(lines[-1])} of them, and {count} are needed'
            )
        return np.array([float(number.replace('−', '-')) for number in lines[-1]])

    def _numbers(self, values: Array) -> str:
        return ' '.join(f'{value:.{digits}f}' for value, digits in zip(values, self._digits, strict=True))

    def _left(self, outcome: Array, goal: Array) -> str:
        told = self._told.columns(outcome[None], goal[None])[0]
        return ' '.join(f'{value:.4f}' for value in told)


def _what_is_told(told: Told, columns: Sequence[str]) -> str:
    listed = ', '.join(columns)
    if told is Told.ERROR:
        return f'A line is: parameters | error of {listed} | change.'
    return f'A line is: parameters | {listed}: what came of it, then what was wanted | change.'
