"""Which optimizer proposes, from the settings: a language model where one is named, else least squares."""

from dataclasses import dataclass

from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.objective import Objective, require_measurable
from llm_policy_improver.optimizers.least_squares import LeastSquares
from llm_policy_improver.optimizers.protocol import Optimizer
from llm_policy_improver.optimizers.sas import SasPrompt
from llm_policy_improver.settings import OptimizerSettings


@dataclass(frozen=True, slots=True)
class Choice:
    """Who proposes, who stands in, and a sentence about it for people."""

    optimizer: Optimizer
    fallback: Optimizer | None
    said: str

    def require(self, objective: Objective) -> None:
        """Raise `ObjectiveError` where nobody here can work towards this objective."""
        if self.fallback is None:
            require_measurable(
                objective,
                f'{self.optimizer.name}, which proposes here, is no language model and needs a measure',
            )


def choose_optimizer(settings: OptimizerSettings) -> Choice:
    """The optimizer of these settings; a language model's endpoint is tried once.

    Raises:
        EndpointError: no key in the environment, or an endpoint that cannot be reached.
    """
    space = settings.space()
    numeric = LeastSquares(space, settings.seed)
    if settings.optimizer == 'least_squares' or (settings.optimizer == 'auto' and not settings.model):
        why = '' if settings.optimizer == 'least_squares' else 'no language model is configured: '
        return Choice(numeric, None, f'{why}least_squares proposes, a regression and no language model')
    endpoint = Endpoint(
        settings.model,
        settings.base_url or None,
        timeout_s=settings.request_timeout,
        max_retries=settings.request_retries,
    )
    endpoint.check_reachable()
    optimizer = SasPrompt(endpoint, space)
    return Choice(
        optimizer,
        numeric,
        f'{optimizer.name} at {endpoint.base_url} proposes; least_squares stands in where it fails',
    )
