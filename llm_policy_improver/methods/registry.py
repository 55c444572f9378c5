"""All methods by name. A new one is a file with the method, and one line in `METHODS`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Protocol

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.method import Method
from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.registered import registered, unknown_text
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.methods.icpi.experience import ExampleSource, Experience
from llm_policy_improver.methods.icpi.query import Told
from llm_policy_improver.methods.numeric.landing.prior_source import PriorSource
from llm_policy_improver.methods.numeric.minimizers.protocol import Minimizer
from llm_policy_improver.methods.program_setup import ProgramSetup
from llm_policy_improver.methods.setup import MethodSetup


class Kind(StrEnum):
    """What a method is made of."""

    MINIMIZER = 'minimizer'
    """``(seed) -> Minimizer``: minimizes any function in a cube."""
    NUMERIC = 'numeric'
    """``(brief, seed) -> Method``: needs a measure and no language model."""
    PRIOR = 'prior'
    """``(brief, seed, PriorSource | None) -> Method``: the same, and what simulated trials tell beforehand."""
    EXAMPLES = 'examples'
    """``(Experience) -> Method``: learns from solved examples, without a language model."""
    MODEL = 'model'
    """``(MethodSetup) -> Method``: asks a language model."""
    PROGRAM = 'program'
    """``(ProgramSetup) -> ProgramMethod``: a language model writes programs."""


class ProgramMethod(Method, Protocol):
    """A method that proposes programs."""

    @property
    def space(self) -> ProgramSpace:
        """What its programs are."""


@dataclass(frozen=True, slots=True)
class Registered:
    """Where a method is written. It is imported when it is made: some bring what takes long to load.

    Attributes:
        kind: what it is made of.
        where: ``'module:name'`` of the class or function that makes it, in this package or, with its whole name,
            in another one.
        said: what people are told of it, after its name.
        landing_model: whether, asking a language model, it asks the landing model, too, where trials are noisy.
    """

    kind: Kind
    where: str
    said: str = 'a numeric optimizer and no language model'
    landing_model: bool = False

    def maker(self) -> Callable[..., Any]:
        """The class or function."""
        made: Callable[..., Any] = registered(self.where, __package__)
        return made


_EXAMPLES: Final = 'solved examples and no language model'
_REGRESSION: Final = 'a regression and no language model'

METHODS: Final[Mapping[str, Registered]] = MappingProxyType(
    {
        'sas': Registered(Kind.MODEL, '.sas.sas:make', '', landing_model=True),
        'icpi': Registered(Kind.MODEL, '.icpi.icpi:make', 'by solved examples'),
        'hybrid': Registered(
            Kind.MODEL, '.hybrid:make', 'screened by a model fitted to the trials', landing_model=True
        ),
        'opro': Registered(Kind.MODEL, '.opro:Opro', 'by scores, the best one last'),
        'prompt_po': Registered(Kind.PROGRAM, '.prompt_po.prompt_po:PromptPo', 'by programs, in rounds'),
        'sensorimotor': Registered(
            Kind.PROGRAM, '.sensorimotor.sensorimotor:Sensorimotor', 'by programs, from rules in words'
        ),
        'random_search': Registered(Kind.MINIMIZER, '.numeric.minimizers.random_search:RandomSearch'),
        'nelder_mead': Registered(Kind.MINIMIZER, '.numeric.minimizers.nelder_mead:NelderMead'),
        'adam': Registered(Kind.MINIMIZER, '.numeric.minimizers.adam:Adam'),
        'cma_es': Registered(Kind.MINIMIZER, '.numeric.minimizers.cma_es:CmaEs'),
        'expected_improvement': Registered(
            Kind.MINIMIZER, '.numeric.minimizers.expected_improvement:ExpectedImprovement'
        ),
        'knn': Registered(Kind.MINIMIZER, '.numeric.minimizers.knn:Knn'),
        'linear_knn': Registered(Kind.MINIMIZER, '.numeric.minimizers.knn:LinearKnn'),
        'local_linear': Registered(Kind.MINIMIZER, '.numeric.minimizers.local_linear:LocalLinear'),
        'quadratic': Registered(Kind.MINIMIZER, '.numeric.minimizers.quadratic:Quadratic'),
        'least_squares': Registered(Kind.NUMERIC, '.numeric.least_squares:LeastSquares', _REGRESSION),
        'gaussian_process': Registered(
            Kind.NUMERIC, '.numeric.gaussian_process:GaussianProcess', _REGRESSION
        ),
        'bayesian': Registered(Kind.PRIOR, '.numeric.landing.bayesian:Bayesian', _REGRESSION),
        'example_knn': Registered(Kind.EXAMPLES, '.icpi.baselines:ExampleKnn', _EXAMPLES),
        'example_linear_knn': Registered(Kind.EXAMPLES, '.icpi.baselines:ExampleLinearKnn', _EXAMPLES),
        'outcome_linear': Registered(Kind.EXAMPLES, '.icpi.baselines:OutcomeLinear', _EXAMPLES),
    }
)

MINIMIZERS: Final = tuple(name for name, each in METHODS.items() if each.kind is Kind.MINIMIZER)
BY_EXAMPLES: Final = tuple(name for name, each in METHODS.items() if each.kind is Kind.EXAMPLES)
NUMERIC: Final = tuple(
    name for name, each in METHODS.items() if each.kind in (Kind.MINIMIZER, Kind.NUMERIC, Kind.PRIOR)
)
WITH_MODEL: Final = tuple(name for name, each in METHODS.items() if each.kind is Kind.MODEL)
PROGRAMS: Final = tuple(name for name, each in METHODS.items() if each.kind is Kind.PROGRAM)
"""Those that write programs; all others improve parameters."""

CHOICES: Final = ('auto', *(name for name in METHODS if name not in PROGRAMS))
"""What the settings may name beside `PROGRAMS`; ``auto``: sas where a language model is named, else `usual_numeric`."""

FEW: Final = 8
"""Parameters up to which least_squares is as good as gaussian_process; by experiment, with 8 and 16."""


class UnknownMethodError(ValueError):
    """No method has this name; the message names those meant, or all."""


def require_known(name: str, known: Sequence[str], what: str = 'method') -> None:
    """Raise `UnknownMethodError`, with the names that come close, unless ``name`` is known."""
    if name not in known:
        raise UnknownMethodError(unknown_text(what, name, known))


def usual_numeric(space: ParameterSpace, noise: float = 0.0) -> str:
    """The numeric method for this space where nobody names one.

    Args:
        space: that is searched.
        noise: spread of the measures when a policy is repeated, where known.
    """
    if noise > 0.0:
        return 'bayesian'
    return 'least_squares' if space.dimension <= FEW else 'gaussian_process'


def make_minimizer(name: str, seed: int = 0) -> Minimizer:
    """The minimizer of this name.

    Raises:
        UnknownMethodError: there is none.
        MissingPackageError: it rests on a package that is not installed.
    """
    require_known(name, MINIMIZERS, 'minimizer')
    made: Minimizer = METHODS[name].maker()(seed)
    return made


def make_numeric(
    name: str,
    brief: Brief,
    seed: int = 0,
    examples: ExampleSource | None = None,
    told: Told = Told.ERROR,
    prior: PriorSource | None = None,
) -> Method:
    """The method of this name that asks no language model.

    Args:
        name: one of `NUMERIC` or `BY_EXAMPLES`.
        brief: of the task.
        seed: draws what is left to chance.
        examples: where solved examples come from, for those that learn by them.
        told: how these tell what an example left to be wanted.
        prior: what is known before the first trial, for those that begin with it.

    Raises:
        UnknownMethodError: there is none.
        MissingPackageError: it rests on a package that is not installed.
    """
    require_known(name, (*NUMERIC, *BY_EXAMPLES))
    if METHODS[name].kind is Kind.EXAMPLES:
        learned: Method = METHODS[name].maker()(Experience(brief.space, examples, seed=seed, told=told))
        return learned
    if METHODS[name].kind is Kind.MINIMIZER:
        from llm_policy_improver.methods.numeric.numeric import NumericMethod  # SciPy takes long to load

        return NumericMethod(make_minimizer(name, seed), brief, seed)
    if METHODS[name].kind is Kind.PRIOR:
        begun: Method = METHODS[name].maker()(brief, seed, prior)
        return begun
    made: Method = METHODS[name].maker()(brief, seed)
    return made


def make_with_model(name: str, setup: MethodSetup) -> Method:
    """The method of this name that asks a language model.

    Raises:
        UnknownMethodError: there is none.
        ValueError: the options do not fit the task.
    """
    require_known(name, WITH_MODEL)
    made: Method = METHODS[name].maker()(setup)
    return made


def make_program_method(name: str, setup: ProgramSetup) -> ProgramMethod:
    """The method of this name that writes programs.

    Raises:
        UnknownMethodError: there is none.
    """
    require_known(name, PROGRAMS)
    made: ProgramMethod = METHODS[name].maker()(setup)
    return made
