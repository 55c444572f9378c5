"""Settings of the improvement loop."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Final

from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.core.policy import ParameterError
from llm_policy_improver.core.ranges import LONGEST_WORDS, Range, require_path, require_ranges
from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.shortened import LONGEST_VALUE, shortened, shown
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.llm.address import require_base_url
from llm_policy_improver.loop.approval import ApprovalConfig
from llm_policy_improver.methods.prompt_po.options import CANDIDATES
from llm_policy_improver.methods.registry import (
    BY_EXAMPLES,
    CHOICES,
    NUMERIC,
    PROGRAMS,
    WITH_MODEL,
    UnknownMethodError,
    require_known,
)
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.table_tennis.rehearsal_config import RehearsalConfig
from llm_policy_improver.table_tennis.space import (
    HIGH_ATTENUATION,
    HIGH_RESIDUAL,
    LOW_ATTENUATION,
    LOW_RESIDUAL,
    Searched,
    parameter_space,
)

TOKENS_A_PARAMETER: Final = 500
"""Of a prompt, where no budget is given: some thirty trials are shown whole, with 8 parameters and with 16."""


@dataclass(frozen=True, slots=True)
class OptimizerSettings:
    """Of the improvement loop.

    Attributes:
        objective: plain words; empty: wait for the service or the action.
        method: one of `methods.registry.CHOICES`, where ``'auto'`` is ``sas`` if ``model`` is set and else a
            regression; or one of `PROGRAMS`, which need ``vary_balls``.
        base_url: of an OpenAI-compatible endpoint; empty: OPENAI_BASE_URL, or OpenAI's own.
        model: name of the language model.
        request_timeout: s for one request.
        request_retries: further attempts of a request that failed.
        token_budget: most tokens of a prompt; more trials than fit in are shown in part. 0: 500 a parameter.
        candidates: proposals that ``sas`` and ``hybrid`` ask of the language model at a time; the most promising one
            is tried. Other methods have numbers of their own.
        program_candidates: programs that ``prompt_po`` asks for in a round; each is tried.
        rehearse: for runs on the arm: whether proposals are played in simulation first, and refused where they do
            badly there; a language model's candidates are compared there, too, and not by a regression.
        rehearsal: what is played, and what is refused.
        approval: whether proposals wait for a person.
        security: whose messages are taken, and who may decide.
        landing_noise: m, spread of the landing of repeated trials, where known; the language model is told, and may
            then repeat trials.
        trials: balls in a run, the first trials included.
        first_trials: spread over the bounds before the method is asked.
        seed: draws the first trials and the balls.
        vary_balls: whether every trial meets another ball.
        balls: that a program is tried on, one after the other; all of them are one trial of the run.
        feed_balls: whether balls are asked for by service; otherwise somebody throws them.
        trial_timeout: s of wall clock after which a ball that was fed and not reported is asked for again; the third
            time the run fails.
        output_folder: of the run, the same as the trace logger's; empty: proposals are not stored.
        draw_landings: whether ``landings.png`` is drawn into that folder when a run ends.
        resume: whether a run that was interrupted in that folder is resumed at the start.
        parameters: which are searched: attenuation, residual or both.
        attenuation_low, attenuation_high: bounds, one a joint.
        residual_low, residual_high: bounds, one a joint; m/s for the slides, rad/s for the axes.
        rank_by_model: whether a language model ranks the trials by its word alone where nothing measures the objective;
            otherwise it is asked what the words mean, and what is not understood is refused.
        all_trials: whether all trials are played even when the objective is reached, or nothing worth a trial is left.
    """

    FORMER: ClassVar[Mapping[str, str]] = MappingProxyType({'optimizer': 'method'})
    """Names that settings had in earlier versions, and their present ones: stored runs are read by them."""

    objective: str = ''
    method: str = 'auto'
    base_url: str = ''
    model: str = ''
    request_timeout: float = 120.0
    request_retries: int = 2
    token_budget: int = 0
    candidates: int = 1
    program_candidates: int = CANDIDATES
    rehearse: bool = False
    rehearsal: RehearsalConfig = field(default_factory=RehearsalConfig)
    approval: ApprovalConfig = field(default_factory=ApprovalConfig)
    security: SecuritySettings = field(default_factory=SecuritySettings)
    landing_noise: float = 0.0
    trials: int = 39
    first_trials: int = 24
    seed: int = 0
    vary_balls: bool = False
    balls: int = 5
    feed_balls: bool = True
    trial_timeout: float = 20.0
    output_folder: str = ''
    draw_landings: bool = False
    resume: bool = False
    parameters: str = Searched.ATTENUATION.value
    attenuation_low: tuple[float, ...] = LOW_ATTENUATION
    attenuation_high: tuple[float, ...] = HIGH_ATTENUATION
    residual_low: tuple[float, ...] = LOW_RESIDUAL
    residual_high: tuple[float, ...] = HIGH_RESIDUAL
    rank_by_model: bool = False
    all_trials: bool = False

    def __post_init__(self) -> None:
        try:
            require_known(self.method, (*CHOICES, *PROGRAMS))
        except UnknownMethodError as error:
            raise SettingsError(str(error)) from None
        try:
            require_ranges(self, _RANGES)
            require_path('output_folder', self.output_folder)
        except ValueError as error:
            raise SettingsError(str(error)) from None
        for name in ('model', 'base_url'):
            text = getattr(self, name)
            if len(text) > LONGEST_NAME or not text.isprintable():
                raise SettingsError(
                    f'{name} must have at most {LONGEST_NAME} printable characters; got {shown(text)}'
                )
        if len(self.objective) > LONGEST_WORDS:
            raise SettingsError(
                f'objective must have at most {LONGEST_WORDS:,} characters; got {len(self.objective):,}'
            )
        if self.base_url and not self.model:
            raise SettingsError(
                'base_url names an endpoint but no model is named: give model, too (--model NAME)'
            )
        if self.base_url:
            # Here already, as settings are recorded.
            try:
                require_base_url(self.base_url)
            except EndpointError as error:
                raise SettingsError(str(error)) from None
        if self.method in PROGRAMS and not self.vary_balls:
            raise SettingsError(
                f'method {self.method} writes programs that choose for each ball: set vary_balls to true'
            )
        if self.method in (*WITH_MODEL, *PROGRAMS) and not self.model:
            raise SettingsError(
                f'method {self.method} needs a language model: give its name (--model NAME); without one there are '
                f'{", ".join((*NUMERIC, *BY_EXAMPLES))}'
            )
        if not 0 <= self.seed < 2**62:
            raise SettingsError(f'seed must be a whole number from 0 to 2^62; got {shown(self.seed)}')
        if self.parameters not in tuple(Searched):
            raise SettingsError(
                f'parameters must be {", ".join(Searched)}; got "{shortened(self.parameters, LONGEST_VALUE)}"'
            )
        self.space()
        self.sas_options()

    def require_improvements(self, trials: int | None = None, known: int = 0) -> None:
        """Raise `SettingsError` where a run would end before its method is asked.

        Args:
            trials: of the run; as in the settings where None.
            known: trials that it starts from, which stand in for first ones.
        """
        played, first = self.trials if trials is None else trials, self.first_trials - known
        if played < first and self.method not in PROGRAMS:
            raise SettingsError(
                f'{played} trials end before the {first} first trials do, so nothing would be improved: give more '
                'trials (--trials), or fewer first_trials (--first-trials)'
            )

    @property
    def prompt_budget(self) -> int:
        """Most tokens of a prompt."""
        return self.token_budget or TOKENS_A_PARAMETER * self.space().dimension

    def sas_options(self) -> SasOptions:
        """How the language model is asked."""
        try:
            return SasOptions(token_budget=self.prompt_budget, candidates=self.candidates)
        except ValueError as error:
            raise SettingsError(f'optimizer: {error}') from None

    def space(self) -> ParameterSpace:
        """The bounds as the space that is searched."""
        try:
            return parameter_space(
                Searched(self.parameters), self.attenuation_low, self.attenuation_high, self.residual_low,
                self.residual_high,
            )  # fmt: skip
        except ParameterError as error:
            raise SettingsError(f'optimizer: {error}') from None


LONGEST_NAME: Final = 500
"""Characters of a language model's name and of its endpoint's address."""
_BOUND: Final = (-100.0, 100.0, '')
_RANGES: Final[Mapping[str, Range]] = {
    'request_timeout': (0.01, 86_400.0, ' s'),
    'request_retries': (0, 100, ''),
    'token_budget': (0, 10_000_000, ' tokens'),
    'program_candidates': (1, 100, ''),
    'landing_noise': (0.0, 1.0, ' m'),
    'trials': (1, 100_000, ''),
    'first_trials': (0, 100_000, ''),
    'balls': (1, 100, ''),
    'trial_timeout': (0.01, 86_400.0, ' s'),
    'attenuation_low': _BOUND,
    'attenuation_high': _BOUND,
    'residual_low': _BOUND,
    'residual_high': _BOUND,
}
