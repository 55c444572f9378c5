"""SAS-Prompt: a language model as the numerical optimizer. It summarises, analyses and synthesises.

SAS-Prompt, arXiv 2504.20459. The prompt is the files of `llm_policy_improver.prompts` filled
in; its stable part comes first, so that providers can cache it. Numbers that can be computed are computed.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from llm_policy_improver.llm.chat import Completer, EndpointError, Exchange, Message, clean_text
from llm_policy_improver.llm.reply import Reply, ReplyError, parse_reply
from llm_policy_improver.llm.schema import reply_schema
from llm_policy_improver.llm.tokens import count_tokens
from llm_policy_improver.objective import Objective
from llm_policy_improver.optimizers import computed, trial_table
from llm_policy_improver.optimizers.candidates import ModelScreen, Screen
from llm_policy_improver.optimizers.checks import MODEL_RULES, Verdict, check
from llm_policy_improver.optimizers.claims import compare_claims, parse_claims
from llm_policy_improver.optimizers.domain import domain_text, metric_text, parameters_text
from llm_policy_improver.optimizers.history_selection import select_trials
from llm_policy_improver.optimizers.landing_search import BEHIND_NET, EDGE, OVER_NET
from llm_policy_improver.optimizers.model_rules import reach
from llm_policy_improver.optimizers.protocol import Proposal, ProposalError
from llm_policy_improver.optimizers.ranking import named, ranked, trial_number
from llm_policy_improver.optimizers.repetitions import landing_noise, repetitions
from llm_policy_improver.optimizers.sas_options import SasOptions
from llm_policy_improver.parameters import ParameterSpace
from llm_policy_improver.prompts import prompt
from llm_policy_improver.trace import ExecutionTrace

LONGEST_QUOTE: Final = 4_000
"""Characters of a bad reply, from its end, that are sent back with the request to repair it."""

BELOW_TABLE: Final = 900
"""Tokens kept free for what stands below the table."""

FEWEST_ROWS: Final = 8

REPEATS: Final = 2
"""How often the same parameters may be tried again where the landing is known to vary."""

DEFAULT_OPTIONS: Final = SasOptions()


class SasPrompt:
    """Proposes what a language model answers, once it has passed the checks.

    Args:
        model: answers the chat, e.g. an `llm.endpoint.Endpoint`.
        space: the bounds.
        options: how it is asked.
        noise: m, spread of the landing when the same parameters are repeated, where known; told to the model.
        screen: chooses among several candidates of one reply; a regression on the trials where None.
    """

    def __init__(
        self,
        model: Completer,
        space: ParameterSpace,
        *,
        options: SasOptions = DEFAULT_OPTIONS,
        noise: float = 0.0,
        screen: Screen | None = None,
    ) -> None:
        self.space = space
        self.options = options
        self.noise = noise
        self._model = model
        self._screen = screen or ModelScreen(space)

    @property
    def repeats_allowed(self) -> int:
        """How often the same parameters may be tried again."""
        return REPEATS if self.noise else 0

    @property
    def name(self) -> str:
        """``'sas:'`` and the model's name."""
        return f'sas:{self._model.model}'

    def messages(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> tuple[Message, ...]:
        """The chat that `propose` starts with: exactly what is sent."""
        return (('user', self._stable(objective) + self._trials(history, objective, earlier)),)

    def _stable(self, objective: Objective) -> str:
        """The prompt up to the first trial: the same in the whole run."""
        options = self.options
        steps = prompt('sas_steps' if options.analysis else 'sas_steps_direct').substitute(
            first=options.names[0], second=options.names[1], last=options.names[-1], answer=self._answer(),
            several=self._several(),
        )  # fmt: skip
        orders = {
            'oldest': ', oldest first',
            'best_last': ', those nearest to the objective last',
            'random': '',
        }
        text = prompt('sas').substitute(
            domain=domain_text(),
            edge=f'{EDGE:.2f}',
            behind_net=f'{BEHIND_NET:.2f}',
            over_net=f'{OVER_NET:.2f}',
            dimension=self.space.dimension,
            parameters=parameters_text(self.space, options.names),
            repeats=prompt('repeats' if self.repeats_allowed else 'no_repeats')
            .substitute(times=1 + REPEATS)
            .strip(),
            steps=steps.strip(),
            objective=objective.words,
            metric=metric_text(objective, self.noise),
            order=orders[options.order],
            trials='',
        )
        return text.rstrip() + '\n\n'

    def _trials(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal]
    ) -> str:
        """What grows and changes from step to step."""
        if not history:
            return 'There are none yet: start near the unchanged controller, all parameters at 1.00.\n'
        options = self.options
        selection = select_trials(
            history, objective, self.space, self._rows(history, objective), named(history, earlier)
        )
        lines = [trial_table.trial_table(history, objective, selection, options), '']
        lines += trial_table.totals(history, objective, selection, options)
        lines += computed.repetitions_text(history)
        if noise := max(self.noise, landing_noise(repetitions(history)) or 0.0):
            lines.append(
                f'The landing varies by about {noise:.3f} m even when nothing is changed: read no meaning into '
                'smaller differences, and keep so much further away from the edges.'
            )
        lines += self._limit(history, objective)
        if options.effects:
            lines += ['', *computed.effects_text(history, objective, self.space, options)]
        if options.feedback and (told := computed.feedback_text(history, earlier, self.space, options.names)):
            lines += ['', *told]
        return '\n'.join(lines).rstrip() + '\n'

    def _limit(self, history: Sequence[ExecutionTrace], objective: Objective) -> list[str]:
        """How far a proposal may be from the best trial."""
        order = ranked(history, objective)
        share = 0.5 * reach(history, objective, self.space)
        if not order or share >= 1.0:
            return []
        best = trial_number(history, order[0])
        return [
            f'A proposal in which a parameter is more than {share:.0%} of its range away from trial {best} is '
            'shortened to that, in its direction.'
        ]

    def _rows(self, history: Sequence[ExecutionTrace], objective: Objective) -> int:
        """How many trials fit in. It depends on nothing that changes during a run, nor may the selection."""
        fixed = count_tokens(self._stable(objective) + trial_table.header(objective, self.options))
        each = count_tokens(trial_table.row(history, 0, objective, self.options)) + 2
        return max(FEWEST_ROWS, (self.options.token_budget - fixed - BELOW_TABLE) // each)

    def propose(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """Ask the model; where its reply cannot be used, tell it why and ask again.

        Raises:
            ProposalError: the endpoint failed, or no reply could be used; it carries the exchanges.
        """
        messages = self.messages(history, objective, earlier)
        exchanges: list[Exchange] = []
        problem = ''
        for _ in range(1 + self.options.repairs):
            exchange = self._ask(messages, exchanges)
            try:
                reply = parse_reply(exchange.reply, self.options.names)
                verdicts = [self._checked(one, history, objective) for one in reply.candidates]
                if any(verdict.accepted for verdict in verdicts):
                    verdict, why = self._chosen(verdicts, history, objective)
                    exchanges.append(replace(exchange, verdict=str(verdict)))
                    return self._proposal(reply, verdict, why, history, exchanges)
                problem, refusal = '; '.join(verdicts[0].reasons), str(verdicts[0])
            except ReplyError as error:
                problem = str(error)
                refusal = f'refused: {problem}'
            exchanges.append(replace(exchange, verdict=refusal))
            repair = prompt('sas_repair').substitute(problem=problem, answer=self._answer())
            messages += (
                ('assistant', exchange.reply[-LONGEST_QUOTE:] or '(empty)'),
                ('user', repair),
            )
        requests = f'after {len(exchanges)} requests ' if len(exchanges) > 1 else ''
        raise ProposalError(f'no usable reply {requests}from {self._model.model}: {problem}', exchanges)

    def _checked(
        self, attenuation: tuple[float, ...], history: Sequence[ExecutionTrace], objective: Objective
    ) -> Verdict:
        return check(
            attenuation,
            history,
            self.space,
            objective,
            rules=MODEL_RULES,
            repeats_allowed=self.repeats_allowed,
        )

    def _ask(self, messages: tuple[Message, ...], before: Sequence[Exchange]) -> Exchange:
        schema = reply_schema(self.options.names, self.options.candidates, self.options.analysis)
        try:
            completion = self._model.complete(messages, schema)
        except EndpointError as error:
            failed = Exchange(messages, '', self._model.model, verdict=f'failed: {error}')
            raise ProposalError(str(error), (*before, failed)) from None
        return Exchange(
            messages,
            clean_text(completion.text),
            completion.model or self._model.model,
            completion.prompt_tokens,
            completion.completion_tokens,
            completion.seconds,
        )

    def _chosen(
        self, verdicts: Sequence[Verdict], history: Sequence[ExecutionTrace], objective: Objective
    ) -> tuple[Verdict, str]:
        """The verdict of the candidate to try, and why it was chosen of several."""
        usable = [(place, verdict) for place, verdict in enumerate(verdicts, start=1) if verdict.accepted]
        if len(usable) == 1:
            said = f'the only usable one of {len(verdicts)} candidates' if len(verdicts) > 1 else ''
            return usable[0][1], said
        index, why = self._screen.choose([one.attenuation for _, one in usable], history, objective)
        place, verdict = usable[index]
        return verdict, f'candidate {place} of {len(verdicts)}: {why}'

    def _proposal(
        self,
        reply: Reply,
        verdict: Verdict,
        why: str,
        history: Sequence[ExecutionTrace],
        exchanges: Sequence[Exchange],
    ) -> Proposal:
        claims = compare_claims(parse_claims(reply.analysis, self.options.names), history, self.space, None)
        told = [*verdict.changes, *reply.notes, *filter(None, (why,))]
        return Proposal(
            attenuation=verdict.attenuation,
            proposed_by=self.name,
            summary=reply.summary,
            analysis=reply.analysis,
            synthesis=reply.synthesis,
            reason=reply.reason or reply.synthesis or 'The model gave no reason.',
            nearest=reply.nearest,
            verdict='; '.join(told),
            claims=claims.summary,
            exchanges=tuple(exchanges),
        )

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
