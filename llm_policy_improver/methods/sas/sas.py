"""SAS-Prompt: a language model as the numerical optimizer. It summarises, analyses and synthesises.

SAS-Prompt, arXiv 2504.20459. The prompt is the text files beside this module, filled in; its stable part comes
first, so that providers can cache it. Numbers that can be computed are computed.
"""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.chat import Completer, Exchange, Message
from llm_policy_improver.core.finding import ClaimedEffect, Finding
from llm_policy_improver.core.method import ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.asking import RefusedError, ask
from llm_policy_improver.llm.reply import Reply, parse_reply
from llm_policy_improver.llm.schema import reply_schema
from llm_policy_improver.methods.candidates import ModelScreen, Screen
from llm_policy_improver.methods.checks import Verdict, check
from llm_policy_improver.methods.rules import repeats_allowed
from llm_policy_improver.methods.sas import told
from llm_policy_improver.methods.sas.effects import Claims, judge_claims
from llm_policy_improver.methods.sas.model_rules import MODEL_RULES
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.methods.sas.sas_text import SasText
from llm_policy_improver.methods.setup import MethodSetup

DEFAULT_OPTIONS: Final = SasOptions()


class SasPrompt:
    """Proposes what a language model answers, once it has passed the checks.

    Args:
        model: answers the chat, e.g. an `llm.endpoint.Endpoint`.
        brief: of the task.
        options: how it is asked.
        noise: spread of the measures when a policy is repeated, where known; told to the model.
        screen: chooses among several candidates of one reply; a regression on the trials where None.

    Raises:
        ValueError: the options name more or fewer parameters than the task has.
    """

    def __init__(
        self,
        model: Completer,
        brief: Brief,
        *,
        options: SasOptions = DEFAULT_OPTIONS,
        noise: float = 0.0,
        screen: Screen | None = None,
    ) -> None:
        self.brief = brief
        self.options = options
        self.names = options.names or brief.space.names
        if len(self.names) != brief.space.dimension:
            raise ValueError(f'names must be {brief.space.dimension}; got {", ".join(self.names)}')
        self.repeats_allowed = repeats_allowed(noise)
        self._text = SasText(brief, options, noise, self.repeats_allowed)
        self._model = model
        self._screen = screen or ModelScreen(brief)

    @property
    def name(self) -> str:
        """``'sas:'`` and the model's name."""
        return f'sas:{self._model.model}'

    def messages(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> tuple[Message, ...]:
        """The chat that `propose` starts with: exactly what is sent."""
        return (('user', self._text.text(history, objective, earlier)),)

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """Ask the model; where its reply cannot be used, tell it why and ask again.

        Raises:
            ProposalError: the endpoint failed, or no reply could be used; it carries the exchanges.
        """
        # The parameters' meanings are understood as their names where the task's own names are used.
        meanings = () if self.options.names else tuple(each.meaning for each in self.brief.space.parameters)

        def read(text: str) -> tuple[tuple[Reply, Verdict, tuple[Finding, ...]], str]:
            reply = parse_reply(text, self.names, meanings)
            verdict, chosen = self._judged(reply, history, objective)
            return (reply, verdict, chosen), str(verdict)

        spoken_of = told.looked_at(self.brief, objective)
        schema = reply_schema(
            self.names,
            self.options.candidates,
            self.options.analysis,
            expected=[each.column for each in spoken_of],
            effects={each.column: told.effect_words(each) for each in spoken_of},
        )
        answer = ask(
            self._model,
            self.messages(history, objective, earlier),
            schema,
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
        self, reply: Reply, history: Sequence[Trial], objective: Objective
    ) -> tuple[Verdict, tuple[Finding, ...]]:
        """The verdict of the candidate to try, and why it was chosen where there are several.

        Raises:
            RefusedError: none may be tried.
        """
        space = self.brief.space
        verdicts = [
            check(
                _rounded(candidate, [each.digits for each in space.parameters]), history, space, objective,
                rules=MODEL_RULES, repeats_allowed=self.repeats_allowed, names=self.names,
            )
            for candidate in reply.candidates
        ]  # fmt: skip
        usable = [(place, verdict) for place, verdict in enumerate(verdicts, start=1) if verdict.accepted]
        if not usable:
            raise RefusedError('; '.join(verdicts[0].reasons), str(verdicts[0]))
        if len(usable) == 1:
            said = f'the only usable one of {len(verdicts)}'
            return usable[0][1], (Finding('candidates', said),) if len(verdicts) > 1 else ()
        index, why = self._screen.choose([one.values for _, one in usable], history, objective)
        place, verdict = usable[index]
        return verdict, (Finding('candidates', f'{place} of {len(verdicts)}: {why}'),)

    def _proposal(
        self,
        reply: Reply,
        verdict: Verdict,
        chosen: tuple[Finding, ...],
        history: Sequence[Trial],
        objective: Objective,
        exchanges: Sequence[Exchange],
    ) -> Proposal:
        space = self.brief.space
        findings = [*verdict.findings, *(Finding('reply', note) for note in reply.notes), *chosen]
        answered = _rounded(reply.parameters, [each.digits for each in space.parameters])
        columns = {each.column: each.name for each in self.brief.told(objective)}
        expected = {columns[name]: value for name, value in reply.expected.items() if name in columns}
        renamed = dict(zip(self.names, space.names, strict=True))
        claims: Claims = {renamed[name]: said for name, said in reply.effects.items() if name in renamed}
        judged = self._judged_claims(claims, history, objective, findings)
        return Proposal(
            space.at(verdict.values),
            self.name,
            summary=reply.summary,
            analysis=reply.analysis,
            synthesis=reply.synthesis,
            reason=reply.reason or reply.synthesis or 'The model gave no reason.',
            nearest=reply.nearest,
            # It was expected of the favourite as it was answered.
            expected=expected if tuple(answered) == verdict.values else {},
            findings=tuple(findings),
            claims=judged,
            exchanges=tuple(exchanges),
        )

    def _judged_claims(
        self, claims: Claims, history: Sequence[Trial], objective: Objective, findings: list[Finding]
    ) -> tuple[ClaimedEffect, ...]:
        try:
            return judge_claims(claims, history, objective, self.brief)
        except Exception as error:
            # Only a remark on the proposal: it must not cost the proposal itself.
            why = f'not compared with the trials: internal error, {type(error).__name__}: {error}'
            findings.append(Finding('effects', why))
            return ()


def make(setup: MethodSetup) -> SasPrompt:
    """As registered."""
    return SasPrompt(setup.model, setup.brief, options=setup.options, noise=setup.noise, screen=setup.screen)


def _rounded(values: Sequence[float], digits: Sequence[int]) -> list[float]:
    return [round(value, places) for value, places in zip(values, digits, strict=True)]
