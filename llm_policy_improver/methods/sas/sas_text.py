"""The text of SAS-Prompt, filled in: what is the same in the whole run, and what grows from step to step."""

import math
from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.method import Proposal
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.parameters import ParameterSpace
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.llm.tokens import count_tokens
from llm_policy_improver.methods.numeric.landing_search import BEHIND_NET, EDGE, OVER_NET
from llm_policy_improver.methods.ranking import named, ranked, trial_number
from llm_policy_improver.methods.rules import SAME_TRIAL
from llm_policy_improver.methods.sas import computed, trial_table
from llm_policy_improver.methods.sas.domain import domain_text, metric_text, parameters_text
from llm_policy_improver.methods.sas.history_selection import select_trials
from llm_policy_improver.methods.sas.model_rules import reach
from llm_policy_improver.methods.sas.repetitions import landing_noise, repetitions
from llm_policy_improver.methods.sas.sas_options import SasOptions

BELOW_TABLE: Final = 900
"""Tokens kept free for what stands below the table."""

FEWEST_ROWS: Final = 8

LEAST_NEEDED_FIRST: Final = ('feedback', 'repetitions', 'pairs')
"""What is left out below the trials where a prompt would be too long."""

LEAST_NOISE: Final = 0.0005
"""m; the last digit of a landing in the table is a millimetre."""


class SasText:
    """Writes the prompts of a run.

    Args:
        space: the bounds.
        options: how it is asked.
        noise: m, spread of the landing when the same parameters are repeated; 0 where not known.
        repeats_allowed: how often the same parameters may be tried again.
    """

    def __init__(
        self, space: ParameterSpace, options: SasOptions, noise: float, repeats_allowed: int
    ) -> None:
        self.space = space
        self.options = options
        self.noise = noise
        self.repeats_allowed = repeats_allowed

    def text(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal]
    ) -> str:
        """The whole prompt; the arguments are those of `Optimizer.propose`."""
        stable = self._stable(objective)
        return stable + self._trials(history, objective, earlier, stable)

    def repair(self, problem: str) -> str:
        """The request for a better reply, from what was wrong with the last one."""
        rule = self._repeats()
        return prompt(__package__, 'sas_repair').substitute(
            problem=problem, answer=self._answer(), repeats=rule
        )

    def _stable(self, objective: Objective) -> str:
        """The prompt up to the first trial: the same in the whole run."""
        options = self.options
        steps = prompt(__package__, 'sas_steps' if options.analysis else 'sas_steps_direct').substitute(
            first=options.names[0], second=options.names[1], last=options.names[-1], answer=self._answer(),
            several=self._several(),
        )  # fmt: skip
        text = prompt(__package__, 'sas').substitute(
            domain=domain_text(),
            edge=f'{EDGE:.2f}',
            behind_net=f'{BEHIND_NET:.2f}',
            over_net=f'{OVER_NET:.2f}',
            dimension=self.space.dimension,
            parameters=parameters_text(self.space, options.names),
            repeats=self._repeats(),
            steps=steps.strip(),
            objective=objective.words,
            metric=metric_text(objective, self.noise, self.options.distances),
            order=', those nearest to the objective last' * (options.order == 'best_last'),
            trials='',
        )
        return text.rstrip() + '\n\n'

    def _trials(
        self,
        history: Sequence[ExecutionTrace],
        objective: Objective,
        earlier: Sequence[Proposal],
        stable: str,
    ) -> str:
        """What grows and changes from step to step: as far as possible no more than fits in beside ``stable``."""
        if not history:
            return 'There are none yet: start near the unchanged controller, all parameters at 1.00.\n'
        options = self.options
        order = ranked(history, objective) or named(history, earlier)
        best = order[0] if order else None
        selection = select_trials(history, order, self.space, self._rows(history, objective, stable))
        told = trial_table.totals(history, objective, selection, options, self.noise)
        told += self._noise(history) + self._limit(history, objective)
        feedback = (
            computed.feedback_text(history, earlier, objective, self.space, options.names)
            if options.feedback
            else []
        )
        parts = {
            'table': [trial_table.trial_table(history, objective, selection, options)],
            'told': told,
            'effects': computed.effects_text(history, best, self.space, options) if options.effects else [],
            'pairs': (
                computed.pairs_text(history, objective, best, self.space, options) if options.effects else []
            ),
            'repetitions': computed.repetitions_text(history),
            'feedback': feedback,
        }
        room = self.options.token_budget - count_tokens(stable)
        text = _joined(parts)
        for part in LEAST_NEEDED_FIRST:
            while parts[part] and count_tokens(text) > room:
                # The oldest of what was said goes first; half of a comparison would say nothing.
                parts[part] = parts[part][1:] if part == 'feedback' else []
                text = _joined(parts)
        return text

    def _noise(self, history: Sequence[ExecutionTrace]) -> list[str]:
        """How much a repeated landing varies, where that is known."""
        noise = max(self.noise, landing_noise(repetitions(history)) or 0.0)
        if noise < LEAST_NOISE:
            return []
        return [
            f'The landing varies by about {noise:.3f} m even when nothing is changed: read no meaning into '
            'smaller differences, and keep so much further away from the edges.'
        ]

    def _limit(self, history: Sequence[ExecutionTrace], objective: Objective) -> list[str]:
        """How far a proposal may be from the best trial."""
        order = ranked(history, objective) if self.options.distances else []
        share = 0.5 * reach(history, objective, self.space)
        if not order or share >= 1.0:
            return []
        best = trial_number(history, order[0])
        return [
            f'The step limit is {share:.0%} of a range: where a proposal takes any parameter further than that from '
            f'trial {best}, the whole step is shortened, its direction kept.'
        ]

    def _rows(self, history: Sequence[ExecutionTrace], objective: Objective, stable: str) -> int:
        """How many trials fit in. It depends on nothing that changes during a run, nor may the selection."""
        fixed = count_tokens(stable + trial_table.header(objective, self.options))
        each = count_tokens(trial_table.row(history, 0, objective, self.options)) + 2
        return max(FEWEST_ROWS, (self.options.token_budget - fixed - BELOW_TABLE) // each)

    def _repeats(self) -> str:
        """What may be tried again."""
        if self.repeats_allowed:
            return prompt(__package__, 'repeats').substitute(times=1 + self.repeats_allowed).strip()
        widest = max(high - low for low, high in zip(self.space.low, self.space.high, strict=True))
        # Rounded up to what is proposed: hundredths.
        step = math.ceil(100.0 * (SAME_TRIAL * widest + 1e-9)) / 100.0
        return prompt(__package__, 'no_repeats').substitute(step=f'{step:.2f}').strip()

    def _answer(self) -> str:
        # Numbers here would be copied by weak models.
        one = ', '.join(f'"{name}": <number>' for name in self.options.names)
        if self.options.candidates == 1:
            return f'"parameters": {{{one}}}'
        return f'"candidates": [{{{one}}}, ...]'

    def _several(self) -> str:
        if self.options.candidates == 1:
            return ''
        return (
            f'\n\nGive {self.options.candidates} different candidates, the most promising one first; "expected" and '
            '"reason" are about that one. Let them differ in what is uncertain about the effects.'
        )


def _joined(parts: dict[str, list[str]]) -> str:
    """The parts that are not empty, an empty line between them."""
    return '\n\n'.join('\n'.join(lines) for lines in parts.values() if lines) + '\n'
