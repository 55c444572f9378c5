"""SAS-Prompt: a language model as the numerical optimiser that explains itself (arXiv 2504.20459).

One prompt holds the domain, the objective and the trials, and asks for a summary, an analysis of every
parameter, and a synthesis of new ones. The text is in ``prompts/sas.md``.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from llm_policy_improver import table
from llm_policy_improver.llm.chat import Completer, EndpointError, Exchange, Message, clean_text
from llm_policy_improver.llm.reply import Reply, ReplyError, parse_reply
from llm_policy_improver.objective import Objective
from llm_policy_improver.optimizers.checks import check
from llm_policy_improver.optimizers.landing_search import BEHIND_NET, EDGE, OVER_NET
from llm_policy_improver.optimizers.protocol import Proposal, ProposalError
from llm_policy_improver.optimizers.trial_table import TableOptions, trial_table
from llm_policy_improver.parameters import JOINTS, LETTERS, ParameterSpace
from llm_policy_improver.prompts import prompt
from llm_policy_improver.trace import ExecutionTrace

LONGEST_QUOTE: Final = 4_000
"""Characters of a bad reply, from its end, that are sent back with the request to repair it."""

DEFAULT_OPTIONS: Final = TableOptions()


class SasPrompt:
    """Proposes what a language model answers, once it has passed the checks.

    Args:
        model: answers the chat, e.g. an `llm.endpoint.Endpoint`.
        space: the bounds.
        options: how the trials are shown.
        landing_noise: m, spread of the landing when the same parameters are repeated; told to the model
            where known and not 0.
        repairs: further requests where a reply cannot be used.
    """

    def __init__(
        self,
        model: Completer,
        space: ParameterSpace,
        *,
        options: TableOptions = DEFAULT_OPTIONS,
        landing_noise: float | None = None,
        repairs: int = 1,
    ) -> None:
        self.space = space
        self.options = options
        self.landing_noise = landing_noise
        self.repairs = repairs
        self._model = model

    @property
    def name(self) -> str:
        """``'sas:'`` and the model's name."""
        return f'sas:{self._model.model}'

    def messages(self, history: Sequence[ExecutionTrace], objective: Objective) -> tuple[Message, ...]:
        """The chat that `propose` starts with: exactly what is sent."""
        text = prompt('sas').substitute(
            half_width=f'{table.HALF_WIDTH:g}',
            half_length=f'{table.HALF_LENGTH:g}',
            middle=f'{table.HALF_LENGTH / 2:.2f}',
            net_height=f'{table.NET_HEIGHT:g}',
            edge=f'{EDGE:.2f}',
            behind_net=f'{BEHIND_NET:.2f}',
            over_net=f'{OVER_NET:.2f}',
            dimension=self.space.dimension,
            first=LETTERS[0],
            last=LETTERS[-1],
            parameters='\n'.join(self._parameter_lines()),
            noise=self._noise(),
            example=self._example(),
            objective=objective.words,
            metric=_metric(objective),
            trials=trial_table(history, objective, self.space, self.options),
        )
        return (('user', text),)

    def propose(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """Ask the model; where its reply cannot be used, tell it why and ask again.

        Raises:
            ProposalError: the endpoint failed, or no reply could be used; it carries the exchanges.
        """
        messages = self.messages(history, objective)
        exchanges: list[Exchange] = []
        problem = ''
        for _ in range(1 + self.repairs):
            exchange = self._ask(messages, exchanges)
            try:
                reply = parse_reply(exchange.reply)
                verdict = check(reply.parameters, history, self.space)
                if verdict.accepted:
                    exchanges.append(replace(exchange, verdict=str(verdict)))
                    return self._proposal(reply, verdict.attenuation, exchanges)
                problem = '; '.join(verdict.reasons)
            except ReplyError as error:
                problem = str(error)
            exchanges.append(replace(exchange, verdict=f'refused: {problem}'))
            messages += (
                ('assistant', exchange.reply[-LONGEST_QUOTE:] or '(empty)'),
                ('user', prompt('sas_repair').substitute(problem=problem, example=self._example())),
            )
        requests = f'after {len(exchanges)} requests ' if len(exchanges) > 1 else ''
        raise ProposalError(f'no usable reply {requests}from {self._model.model}: {problem}', exchanges)

    def _ask(self, messages: tuple[Message, ...], before: Sequence[Exchange]) -> Exchange:
        try:
            completion = self._model.complete(messages)
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

    def _proposal(
        self, reply: Reply, attenuation: tuple[float, ...], exchanges: Sequence[Exchange]
    ) -> Proposal:
        return Proposal(
            attenuation=attenuation,
            proposed_by=self.name,
            summary=reply.summary,
            analysis=reply.analysis,
            synthesis=reply.synthesis,
            reason=reply.reason or reply.synthesis or 'The model gave no reason.',
            exchanges=tuple(exchanges),
        )

    def _parameter_lines(self) -> list[str]:
        rows = zip(LETTERS, JOINTS, self.space.low, self.space.high, strict=True)
        kinds = {True: 'linear axis', False: 'rotary axis'}
        return [
            f'- {letter} ({joint}, {kinds[joint.startswith("slide")]}): {low:.2f} to {high:.2f}'
            for letter, joint, low, high in rows
        ]

    def _noise(self) -> str:
        if not self.landing_noise:
            return ''
        return (
            f' The landing varies by about {self.landing_noise:.3f} m even when nothing is changed: read no '
            'meaning into smaller differences, and keep so much further away from the edges.'
        )

    def _example(self) -> str:
        # Numbers here would be copied by weak models.
        return ', '.join(f'"{letter}": <number>' for letter in LETTERS)


def _metric(objective: Objective) -> str:
    if objective.goal is None:
        return 'No program can measure this: judge by the numbers which trial fulfils it best.'
    return f'Measured as: {objective.metric}. Smaller is better; 0 is perfect, but may be out of reach.'
