"""What a method that asks a language model is made of."""

from dataclasses import dataclass, field

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.chat import Completer
from llm_policy_improver.methods.candidates import Screen
from llm_policy_improver.methods.icpi.experience import ExampleSource
from llm_policy_improver.methods.icpi.query import Told
from llm_policy_improver.methods.numeric.landing.prior_source import PriorSource
from llm_policy_improver.methods.sas.sas_options import SasOptions


@dataclass(frozen=True, slots=True)
class MethodSetup:
    """The same for all of them; each takes what it needs.

    Attributes:
        model: answers the chat, e.g. an `llm.endpoint.Endpoint`.
        brief: of the task.
        seed: draws what a method leaves to chance.
        options: how SAS-Prompt asks.
        noise: spread of the measures when a policy is repeated, where known.
        screen: chooses among several candidates of one reply; a regression on the trials where None.
        examples: where solved examples come from that ICPI learns by; from the run's own trials alone where None.
        told: how ICPI tells what an example left to be wanted.
        prior: of the landing model that is asked where trials are noisy; None: nothing is known before the first one.
    """

    model: Completer
    brief: Brief
    seed: int = 0
    options: SasOptions = field(default_factory=SasOptions)
    noise: float = 0.0
    screen: Screen | None = None
    examples: ExampleSource | None = None
    told: Told = Told.ERROR
    prior: PriorSource | None = None
