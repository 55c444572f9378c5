"""SAS-Prompt: a language model as the numerical optimizer. It summarises, analyses and synthesises.

SAS-Prompt, arXiv 2504.20459. The prompt is the text files beside this module, filled in; its stable part comes
first, so that providers can cache it. Numbers that can be computed are computed: by a regression on the trials or,
where they are noisy, by the landing model, which computes candidates, too.
"""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.chat import Completer, Exchange, Message
from llm_policy_improver.core.finding import Finding
from llm_policy_improver.core.method import MisreadError, ProposalError
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.asking import ask
from llm_policy_improver.llm.schema import reply_schema
from llm_policy_improver.methods.candidates import ModelScreen, Screen
from llm_policy_improver.methods.numeric.effect_model import TooFewTrialsError
from llm_policy_improver.methods.numeric.landing.bayesian import Bayesian, memos
from llm_policy_improver.methods.numeric.landing.prior_source import PriorSource
from llm_policy_improver.methods.rules import repeats_allowed
from llm_policy_improver.methods.sas import told
from llm_policy_improver.methods.sas.advice.advice import Advice
from llm_policy_improver.methods.sas.reading import Asked, Choice, LandingScreen, Reading, rounded
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
        screen: chooses among several candidates of one reply; what computes the effects where None.
        prior: of the landing model, which is asked where trials are noisy; None: nothing is known before the first one.
        seed: of what the landing model draws.

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
        prior: PriorSource | None = None,
        seed: int = 0,
    ) -> None:
        self.brief = brief
        self.options = options
        self.names = options.names or brief.space.names
        if len(self.names) != brief.space.dimension:
            raise ValueError(f'names must be {brief.space.dimension}; got {", ".join(self.names)}')
        self.repeats_allowed = repeats_allowed(noise)
        self._noise = noise
        self._text = SasText(brief, options, noise, self.repeats_allowed)
        self._model = model
        self._screen = screen
        self._landing = Bayesian(brief, seed, prior)

    @property
    def name(self) -> str:
        """``'sas:'`` and the model's name."""
        return f'sas:{self._model.model}'

    def messages(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> tuple[Message, ...]:
        """The chat that `propose` starts with: exactly what is sent."""
        return self._messages(history, objective, earlier, self.advice(history, objective, earlier))

    def advice(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Advice | None:
        """What the landing model says before a step; None where it is not asked, or too few trials tell anything."""
        if not self._text.by_landing_model(objective):
            return None
        try:
            outlook = self._landing.outlook(history, objective, earlier)
        except TooFewTrialsError:
            return None
        return Advice.of(outlook, history, self._landing.seed)

    def recommend(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal | None:
        """What to keep, by the landing model; None where it is not asked."""
        if not self._text.by_landing_model(objective):
            return None
        return self._landing.recommend(history, objective, earlier)

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """Ask the model; where its reply cannot be used, tell it why and ask again.

        Raises:
            ProposalError: the endpoint failed, or no reply could be used; it carries the exchanges.
            MisreadError: the model says that the words ask for something else than what is measured.
        """
        advice = self.advice(history, objective, earlier)
        # The parameters' meanings are understood as their names where the task's own names are used.
        meanings = () if self.options.names else tuple(each.meaning for each in self.brief.space.parameters)
        asked = Asked(history, objective, self.names, meanings, self.repeats_allowed, self._noise, advice)
        usual = ModelScreen(self.brief) if advice is None else LandingScreen(advice)
        reading = Reading(self.brief, asked, self._screen or usual, self.options.repairs)
        spoken_of = self._text.spoken_of(objective)
        schema = reply_schema(
            self.names,
            self.options.candidates,
            self.options.analysis,
            expected=[each.column for each in spoken_of],
            effects={each.column: told.effect_words(each) for each in spoken_of},
            computed=[] if advice is None else [each.letter for each in advice.candidates],
            misread=objective.measurable,
        )
        answer = ask(
            self._model,
            self._messages(history, objective, earlier, advice),
            schema,
            reading.read,
            lambda problem: self._text.repair(problem, objective),
            self.options.repairs,
        )
        choice = answer.value or reading.doubted
        if choice is not None:
            if choice.reply.misread:
                raise MisreadError(choice.reply.misread, answer.exchanges)
            return self._proposal(choice, objective, advice, answer.exchanges)
        if answer.failed:
            raise ProposalError(answer.problem, answer.exchanges)
        count = len(answer.exchanges)
        requests = f'after {count} requests ' if count > 1 else ''
        raise ProposalError(
            f'no usable reply {requests}from {self._model.model}: {answer.problem}', answer.exchanges
        )

    def _messages(
        self,
        history: Sequence[Trial],
        objective: Objective,
        earlier: Sequence[Proposal],
        advice: Advice | None,
    ) -> tuple[Message, ...]:
        return (('user', self._text.text(history, objective, earlier, advice)),)

    def _proposal(
        self, choice: Choice, objective: Objective, advice: Advice | None, exchanges: Sequence[Exchange]
    ) -> Proposal:
        space, reply, values = self.brief.space, choice.reply, choice.verdict.values
        notes = [Finding('reply', note) for note in reply.notes]
        columns = {each.column: each.name for each in self.brief.told(objective)}
        expected = {columns[name]: value for name, value in reply.expected.items() if name in columns}
        held = None if advice is None else advice.expected(values)
        if held is not None and not expected:
            expected = {term.measure.name: held.measures[term.measure.name] for term in objective.terms}
        return Proposal(
            space.at(values),
            self.name,
            summary=reply.summary,
            analysis=reply.analysis,
            synthesis=reply.synthesis,
            reason=reply.reason or reply.synthesis or 'The model gave no reason.',
            nearest=reply.nearest,
            # It was expected of the favourite as it was answered.
            expected=expected if rounded(reply.parameters, self.brief) == values else {},
            findings=(*choice.verdict.findings, *notes, *choice.findings),
            claims=choice.claims,
            exchanges=tuple(exchanges),
            memos={} if held is None else memos(held),
        )


def make(setup: MethodSetup) -> SasPrompt:
    """As registered."""
    return SasPrompt(
        setup.model, setup.brief, options=setup.options, noise=setup.noise, screen=setup.screen,
        prior=setup.prior, seed=setup.seed,
    )  # fmt: skip
