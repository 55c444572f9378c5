"""The text of SAS-Prompt, filled in: what is the same in the whole run, and what grows from step to step."""

import math
from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.measure import Measure
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.tokens import count_tokens
from llm_policy_improver.methods.ranking import named, ranked
from llm_policy_improver.methods.sas import told
from llm_policy_improver.methods.sas.advice.advice import Advice
from llm_policy_improver.methods.sas.compact_table import CompactTable
from llm_policy_improver.methods.sas.history_selection import select_trials
from llm_policy_improver.methods.sas.repetitions import repetitions
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.methods.sas.sections import write_sections
from llm_policy_improver.methods.sas.sections.seen import Seen
from llm_policy_improver.methods.sas.trial_table import TrialTable

MOST_COMPACT_ROWS: Final = 28
"""Of trials beside candidates that were computed from all of them: more rows would tell hardly more."""

BELOW_TABLE: Final = 900
"""Tokens kept free for what stands below the table of eight parameters."""

FEWEST_ROWS: Final = 8


class SasText:
    """Writes the prompts of a run.

    Args:
        brief: of the task.
        options: how it is asked.
        noise: spread of the measures when a policy is repeated; 0 where not known.
        repeats_allowed: how often the same policy may be tried again.
    """

    def __init__(self, brief: Brief, options: SasOptions, noise: float, repeats_allowed: int) -> None:
        self.brief = brief
        self.options = options
        self.noise = noise
        self.repeats_allowed = repeats_allowed
        self.names = options.names or brief.space.names

    def text(
        self,
        history: Sequence[Trial],
        objective: Objective,
        earlier: Sequence[Proposal],
        advice: Advice | None = None,
    ) -> str:
        """The whole prompt; the first arguments are those of `Method.propose`.

        Args:
            history, objective, earlier: as there.
            advice: of the landing model, where `by_landing_model` and it can say something.
        """
        stable = self._stable(objective)
        return stable + self._trials(history, objective, earlier, advice, stable)

    def by_landing_model(self, objective: Objective) -> bool:
        """Whether the landing model is told in place of a regression on the trials; the same in the whole run."""
        told_at_all = self.options.effects and self.options.landing_model
        return told_at_all and self.noise > 0.0 and objective.measurable

    def repair(self, problem: str, objective: Objective) -> str:
        """The request for a better reply, from what was wrong with the last one."""
        rule = self._repeats()
        return prompt(__package__, 'sas_repair').substitute(
            problem=problem, answer=self._answer(objective), repeats=rule
        )

    def _stable(self, objective: Objective) -> str:
        """The prompt up to the first trial: the same in the whole run."""
        options = self.options
        spoken_of, compact = self.spoken_of(objective), self.by_landing_model(objective)
        taking = prompt(__package__, 'taking' if options.candidates == 1 else 'taking_several').substitute().strip()
        steps = prompt(__package__, self._steps(objective)).substitute(
            first=self.names[0],
            last=self.names[-1],
            answer=self._answer(objective),
            several=self._several(),
            taking=taking if options.analysis else f' You may {taking}' * compact,
            measures=', '.join(each.column for each in spoken_of),
            expected=', '.join(f'"{each.column}": <{each.unit or "number"}>' for each in spoken_of),
            effects=', '.join(
                f'"{each.column}": "{"|".join(told.effect_words(each))}"' for each in spoken_of
            ),
        )
        text = prompt(__package__, 'sas').substitute(
            domain=self.brief.text,
            margins=told.margins_text(self.brief),
            dimension=self.brief.space.dimension,
            neutral=told.neutral_text(self.brief, self.names),
            parameters=(told.bounds_text if compact else told.parameters_text)(self.brief, self.names),
            repeats=self._repeats(),
            steps=steps.strip(),
            objective=objective.words,
            metric=told.objective_text(objective, self.noise, options.distances),
            misread=' ' + prompt(__package__, 'misread').substitute().strip() if objective.measurable else '',
            order=', those nearest to the objective last' * (options.order == 'best_last'),
            trials='',
        )
        return text.rstrip() + '\n\n'

    def _trials(
        self,
        history: Sequence[Trial],
        objective: Objective,
        earlier: Sequence[Proposal],
        advice: Advice | None,
        stable: str,
    ) -> str:
        """What grows and changes from step to step: as far as possible no more than fits in beside ``stable``."""
        if not history:
            return 'There are none yet: start near the values that leave the controller unchanged.\n'
        compact = self.by_landing_model(objective)
        table = (CompactTable if compact else TrialTable)(self.brief, objective, self.options, self.names)
        rows = self._rows(table, history, stable)
        rows = min(rows, MOST_COMPACT_ROWS) if compact else rows
        order = ranked(history, objective) or named(history, earlier)
        seen = Seen(
            history, objective, earlier, self.brief, self.options, self.noise, self.names,
            best=order[0] if order else None,
            table=table,
            selection=select_trials(history, order, self.brief.space, rows),
            repeated=repetitions(
                history, [each for each in self.brief.measures if all(each.margins)], self.brief.space
            ),
            advice=advice,
        )  # fmt: skip
        room = self.options.token_budget - count_tokens(stable)
        return write_sections(seen, lambda text: count_tokens(text) <= room)

    def _rows(self, table: TrialTable, history: Sequence[Trial], stable: str) -> int:
        """How many trials fit in. It depends on nothing that changes during a run, nor may the selection."""
        fixed = count_tokens(stable + table.header())
        each = count_tokens(table.row(history, 0)) + 2
        below = BELOW_TABLE * self.brief.space.dimension // 8
        return max(FEWEST_ROWS, (self.options.token_budget - fixed - below) // each)

    def _repeats(self) -> str:
        """What may be tried again."""
        if self.repeats_allowed:
            return prompt(__package__, 'repeats').substitute(times=1 + self.repeats_allowed).strip()
        least = max(parameter.same_within for parameter in self.brief.space.parameters) + 1e-9
        # Rounded up to one digit, and to hundredths where they are enough.
        digits = max(2, math.floor(-math.log10(least)))
        step = math.ceil(10**digits * least) / 10**digits
        return prompt(__package__, 'no_repeats').substitute(step=f'{step:.{digits}f}').strip()

    def spoken_of(self, objective: Objective) -> tuple[Measure, ...]:
        """The measures that a reply must speak of; the landing model knows by itself where trials fail."""
        looked_at = told.looked_at(self.brief, objective)
        if not self.by_landing_model(objective):
            return looked_at
        wanted = {term.measure.name for term in objective.terms}
        return tuple(each for each in looked_at if each.name in wanted)

    def _steps(self, objective: Objective) -> str:
        if not self.options.analysis:
            return 'sas_steps_direct'
        return 'sas_steps_candidates' if self.by_landing_model(objective) else 'sas_steps'

    def _answer(self, objective: Objective) -> str:
        # Numbers here would be copied by weak models.
        if self.by_landing_model(objective):
            some = f'{{"{self.names[0]}": <number>, ...}}'
            if self.options.candidates == 1:
                return f'"take": "<letter, or own>", "parameters": {some}'
            return f'"candidates": ["<letter>", {some}, ...]'
        one = ', '.join(f'"{name}": <number>' for name in self.names)
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
