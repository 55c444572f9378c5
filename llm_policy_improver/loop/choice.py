"""Which optimizer proposes, from the settings: the one named there, or a language model where one is named."""

from dataclasses import dataclass

from llm_policy_improver.core.chat import Completer
from llm_policy_improver.core.method import Optimizer
from llm_policy_improver.core.objective import Objective, require_measurable
from llm_policy_improver.core.parameters import ParameterSpace
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.methods.candidates import Screen, SimulatorScreen
from llm_policy_improver.methods.numeric.least_squares import LeastSquares
from llm_policy_improver.methods.numeric.minimizers.packages import MissingPackageError
from llm_policy_improver.methods.numeric.screened import ScreenedOptimizer
from llm_policy_improver.methods.registry import NUMERIC, make_numeric
from llm_policy_improver.methods.sas.sas import SasPrompt
from llm_policy_improver.methods.sas.sas_options import SasOptions


@dataclass(frozen=True, slots=True)
class Choice:
    """Who proposes, who stands in, a sentence about it for people, and how often trials may be repeated."""

    optimizer: Optimizer
    fallback: Optimizer | None
    said: str
    repeats_allowed: int = 0

    def require(self, objective: Objective) -> None:
        """Raise `ObjectiveError` where nobody here can work towards this objective."""
        if self.fallback is None:
            require_measurable(
                objective,
                f'{self.optimizer.name}, which proposes here, is no language model and needs a measure',
            )


def choose_optimizer(
    settings: OptimizerSettings, model: Completer | None = None, options: SasOptions | None = None
) -> Choice:
    """The optimizer of these settings; a language model's endpoint is tried once.

    Args:
        settings: of the run.
        model: answers in place of the endpoint of the settings, where given.
        options: of SAS-Prompt, in place of those of the settings, where given.

    Raises:
        EndpointError: no key in the environment, or an endpoint that cannot be reached.
        SettingsError: the optimizer rests on a package that is not installed.
    """
    space = settings.space()
    if settings.optimizer in NUMERIC or (settings.optimizer == 'auto' and not settings.model):
        return _numeric(settings, space)
    where = ''
    if model is None:
        model = endpoint = Endpoint(
            settings.model,
            settings.base_url or None,
            timeout_s=settings.request_timeout,
            max_retries=settings.request_retries,
        )
        endpoint.check_reachable()
        where = f' at {endpoint.base_url}'
    sas = SasPrompt(
        model,
        space,
        options=options or settings.sas_options(),
        noise=settings.landing_noise,
        screen=_screen(settings),
    )
    optimizer: Optimizer = sas
    screened = ''
    if settings.optimizer == 'hybrid':
        optimizer = ScreenedOptimizer(optimizer, space, settings.seed)
        screened = ', screened by a model fitted to the trials'
    return Choice(
        optimizer,
        LeastSquares(space, settings.seed),
        f'{optimizer.name}{where} proposes{screened}; least_squares stands in where it fails',
        sas.repeats_allowed,
    )


def _screen(settings: OptimizerSettings) -> Screen | None:
    """Chooses among candidates where the settings ask for a rehearsal; None: a regression on the trials does."""
    if not settings.rehearse or settings.candidates == 1:
        return None
    from llm_policy_improver.table_tennis.task import TableTennis  # MuJoCo is needed only for this

    return SimulatorScreen(TableTennis(), settings.seed)


def _numeric(settings: OptimizerSettings, space: ParameterSpace) -> Choice:
    name, why = settings.optimizer, ''
    if name == 'auto':
        name, why = 'least_squares', 'no language model is configured: '
    try:
        optimizer = make_numeric(name, space, settings.seed)
    except MissingPackageError as error:
        raise SettingsError(str(error)) from None
    kind = 'a regression' if name == 'least_squares' else 'a numeric optimizer'
    return Choice(optimizer, None, f'{why}{name} proposes, {kind} and no language model')
