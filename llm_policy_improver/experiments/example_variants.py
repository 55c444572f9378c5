"""Solved examples used with one thing changed: what `ICPI` and its numeric peers owe to them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.experiments.report import label
from llm_policy_improver.experiments.rows import ExperimentError
from llm_policy_improver.methods.icpi.examples import Examples
from llm_policy_improver.methods.icpi.experience import MOST
from llm_policy_improver.methods.icpi.query import Told
from llm_policy_improver.tasks.dynamic_manipulation.references import Kind, stored_examples
from llm_policy_improver.tasks.problem import Problem
from llm_policy_improver.tasks.problems import MANIPULATION

SIBLINGS: Final = MappingProxyType(
    {'slide': 'slide_gc', 'slide_gc': 'slide', 'rope_swing': 'rope_swing_gc', 'rope_swing_gc': 'rope_swing'}
)
"""Tasks of the same parameters and measures: one has a goal of each seed, the other a physics of each."""


@dataclass(frozen=True, slots=True)
class ExampleVariant:
    """How solved examples are used.

    Attributes:
        told: how what an example left to be wanted is told.
        count: examples used at most.
        kind: of the stored solutions.
        of_sibling: whether they are those of the task's sibling.
    """

    told: Told = Told.ERROR
    count: int = MOST
    kind: Kind = Kind.SEARCHED
    of_sibling: bool = False

    def fits(self, task: str) -> bool:
        """Whether a task has examples of this kind."""
        if self.of_sibling:
            return task in SIBLINGS
        return self.kind is Kind.SEARCHED or task in MANIPULATION

    def applied(self, problem: Problem, task: str) -> Problem:
        """The problem with these examples; the same where it has none.

        Raises:
            ExperimentError: the task has none of this kind.
        """
        if not self.fits(task):
            raise ExperimentError(f'{task} has no such examples; there are some of {", ".join(SIBLINGS)}')
        given = problem.examples
        if given is None:
            return problem

        def source(objective: Objective) -> Examples:
            if self.of_sibling or self.kind is not Kind.SEARCHED:
                return stored_examples(SIBLINGS[task] if self.of_sibling else task, self.kind).first(
                    self.count
                )
            return given(objective).first(self.count)

        return replace(problem, examples=source)


AS_USUAL: Final = 'as_usual'
EXAMPLE_VARIANTS: Final = MappingProxyType(
    {
        AS_USUAL: ExampleVariant(),
        'state_and_goal': ExampleVariant(told=Told.STATE_AND_GOAL),
        'examples_50': ExampleVariant(count=50),
        'examples_100': ExampleVariant(count=100),
        'examples_200': ExampleVariant(count=200),
        'near': ExampleVariant(kind=Kind.NEAR),
        'of_sibling': ExampleVariant(of_sibling=True),
    }
)
"""The ablations of ICPI's paper (arXiv 2508.15021), by name; usually 300 `searched` examples and their errors."""


def label_of(row: Mapping[str, Any]) -> str:
    """Who made a row of ``bench methods``, for tables and plots, with the variant where it is not the usual one."""
    variant = row.get('variant', AS_USUAL)
    return label(row) if variant == AS_USUAL else f'{label(row)} {variant}'
