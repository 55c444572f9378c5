"""How SAS-Prompt shows the trials and what it asks for; the ablation experiments vary these."""

from dataclasses import dataclass
from typing import Final, Literal

Order = Literal['oldest', 'best_last', 'random']
"""Of the trials in the prompt: oldest first, those nearest to the objective last, or shuffled."""

LEAST_BUDGET: Final = 2500
"""Tokens; below it hardly a dozen trials fit in beside the instructions."""


@dataclass(frozen=True, slots=True)
class SasOptions:
    """How SAS-Prompt asks.

    Attributes:
        token_budget: most tokens of a prompt, as `llm.tokens` counts them; more trials than fit in are shown in
            part.
        candidates: proposals asked for in one reply; the most promising of them is tried.
        analysis: whether the steps of SAS-Prompt are asked for; otherwise the parameters alone.
        distances: whether the distance to the objective is computed for the model.
        effects: whether the effects of the parameters are computed for the model.
        landing_model: whether, where trials are noisy, the landing model computes them and candidates to take; a
            regression on the trials where not. Only with ``effects``.
        feedback: whether the model is shown its last expectations and claims beside what happened.
        digits: decimals of the parameters; measures have their own.
        names: (n,) what the parameters are called; none: as in their space.
        order: of the trials.
        repairs: further requests where a reply cannot be used.

    Raises:
        ValueError: an option has a value it must not have.
    """

    token_budget: int = 4000
    candidates: int = 1
    analysis: bool = True
    distances: bool = True
    effects: bool = True
    landing_model: bool = True
    feedback: bool = True
    digits: int = 3
    names: tuple[str, ...] = ()
    order: Order = 'oldest'
    repairs: int = 1

    def __post_init__(self) -> None:
        if self.token_budget < LEAST_BUDGET:
            raise ValueError(f'token_budget must be at least {LEAST_BUDGET} tokens; got {self.token_budget}')
        if not 1 <= self.candidates <= 8:
            raise ValueError(f'candidates must be 1 to 8; got {self.candidates}')
        if not 1 <= self.digits <= 6 or self.repairs < 0:
            raise ValueError(
                f'digits must be 1 to 6 and repairs at least 0; got {self.digits}, {self.repairs}'
            )
        if len(set(self.names)) != len(self.names):
            raise ValueError(f'names must all be different; got {", ".join(self.names)}')
        if self.order not in ('oldest', 'best_last', 'random'):
            raise ValueError(f'order must be oldest, best_last or random; got "{self.order}"')
