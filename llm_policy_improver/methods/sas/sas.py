"""SAS-Prompt: a language model as the numerical optimizer. It summarises, analyses and synthesises.

SAS-Prompt, arXiv 2504.20459. The prompt is the files of `llm_policy_improver.core.prompts` filled
in; its stable part comes first, so that providers can cache it. Numbers that can be computed are computed.
"""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.chat import Completer, Exchange, Message
from llm_policy_improver.core.method import Proposal, ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.parameters import ParameterSpace
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.llm.asking import RefusedError, ask
from llm_policy_improver.llm.reply import Reply, parse_reply
from llm_policy_improver.llm.schema import reply_schema
from llm_policy_improver.methods.candidates import ModelScreen, Screen
from llm_policy_improver.methods.checks import MODEL_RULES, Verdict, check
from llm_policy_improver.methods.sas.claims import judge_analysis
from llm_policy_improver.methods.sas.model_rules import DIGITS
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.methods.sas.sas_text import SasText

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
        self.repeats_allowed = REPEATS if noise else 0
        self._text = SasText(space, options, noise, self.repeats_allowed)
        self._model = model
        self._screen = screen or ModelScreen(space)

    @property
    def name(self) -> str:
        """``'sas:'`` and the model's name."""
        return f'sas:{self._model.model}'

    def messages(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> tuple[Message, ...]:
        """The chat that `propose` starts with: exactly what is sent."""
        return (('user', self._text.text(history, objective, earlier)),)

    def propose(
        self, history: Sequence[ExecutionTrace], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """Ask the model; where its reply cannot be used, tell it why and ask again.

        Raises:
            ProposalError: the endpoint failed, or no reply could be used; it carries the exchanges.
        """

        def read(text: str) -> tuple[tuple[Reply, Verdict, str], str]:
            reply = parse_reply(text, self.options.names)
            verdict, why = self._judged(reply, history, objective)
            return (reply, verdict, why), str(verdict)

        answer = ask(
            self._model,
            self.messages(history, objective, earlier),
            reply_schema(self.options.names, self.options.candidates, self.options.analysis),
            read,
            self._text.repair,
            self.options.repairs,
        )
        if answer.value is not None:
            return self._proposal(*answer.value, history, objective, answer.exchanges)
        if answer.failed:
            raise ProposalError(answer.problem, answer.exchanges)
        count = len(answer.exchanges)
        requests = f'after {count} requests ' if count > 1 else ''
        raise ProposalError(
            f'no usable reply {requests}from {self._model.model}: {answer.problem}', answer.exchanges
        )

    def _judged(
        self, reply: Reply, history: Sequence[ExecutionTrace], objective: Objective
    ) -> tuple[Verdict, str]:
        """The verdict of the candidate to try, and why it was chosen where there are several.

        Raises:
            RefusedError: none may be tried.
        """
        verdicts = [
            check(
                [round(value, DIGITS) for value in candidate], history, self.space, objective, rules=MODEL_RULES,
                repeats_allowed=self.repeats_allowed, names=self.options.names,
            )
            for candidate in reply.candidates
        ]  # fmt: skip
        usable = [(place, verdict) for place, verdict in enumerate(verdicts, start=1) if verdict.accepted]
        if not usable:
            raise RefusedError('; '.join(verdicts[0].reasons), str(verdicts[0]))
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
        objective: Objective,
        exchanges: Sequence[Exchange],
    ) -> Proposal:
        claims, claimed = self._claims(reply, history, objective)
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
            claims=claims,
            claimed=claimed,
            exchanges=tuple(exchanges),
        )

    def _claims(
        self, reply: Reply, history: Sequence[ExecutionTrace], objective: Objective
    ) -> tuple[str, tuple[int, int, int]]:
        """How the claimed effects compare with the trials, in words and as `Proposal.claimed` counts them."""
        try:
            report = judge_analysis(reply.analysis, self.options.names, history, objective, self.space)
            return report.summary, (report.agreements, report.contradictions, report.undecided)
        except Exception as error:
            # Only a remark on the proposal: it must not cost the proposal itself.
            why = f'internal error, {type(error).__name__}: {error}'
            return f'claimed effects: not compared with the trials ({why})', (0, 0, 0)
