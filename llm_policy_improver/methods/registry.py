"""The numeric optimizers by name, and the minimizers behind them."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.method import Method
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.methods.numeric.minimizers.adam import Adam
from llm_policy_improver.methods.numeric.minimizers.bayesian import Bayesian
from llm_policy_improver.methods.numeric.minimizers.cma_es import CmaEs
from llm_policy_improver.methods.numeric.minimizers.knn import Knn, LinearKnn
from llm_policy_improver.methods.numeric.minimizers.local_linear import LocalLinear
from llm_policy_improver.methods.numeric.minimizers.nelder_mead import NelderMead
from llm_policy_improver.methods.numeric.minimizers.protocol import Minimizer
from llm_policy_improver.methods.numeric.minimizers.quadratic import Quadratic
from llm_policy_improver.methods.numeric.minimizers.random_search import RandomSearch

MINIMIZERS: Final[Mapping[str, Callable[[int], Minimizer]]] = MappingProxyType(
    {
        'random_search': RandomSearch,
        'nelder_mead': NelderMead,
        'adam': Adam,
        'cma_es': CmaEs,
        'bayesian': Bayesian,
        'knn': Knn,
        'linear_knn': LinearKnn,
        'local_linear': LocalLinear,
        'quadratic': Quadratic,
    }
)
"""What minimizes any function in a cube, by name; each takes a seed."""

NUMERIC: Final[tuple[str, ...]] = (*MINIMIZERS, 'least_squares', 'gaussian_process')
"""All optimizers that need a measure and no language model."""

WITH_MODEL: Final = ('sas', 'hybrid')
"""Those that ask a language model."""

CHOICES: Final[tuple[str, ...]] = ('auto', *WITH_MODEL, *NUMERIC)
"""What the settings may name; ``auto``: sas where a language model is named, else `usual_numeric`."""

FEW: Final = 8
"""Parameters up to which least_squares is as good as gaussian_process; by experiment, with 8 and 16."""


class UnknownOptimizerError(ValueError):
    """No optimizer has this name; the message names those meant, or all."""


def require_known(name: str, known: Sequence[str], what: str = 'optimizer') -> None:
    """Raise `UnknownOptimizerError`, with the names that come close, unless ``name`` is known."""
    if name not in known:
        near = difflib.get_close_matches(name, known, 3, 0.5)
        meant = f'did you mean {" or ".join(near)}?' if near else f'there are {", ".join(known)}'
        raise UnknownOptimizerError(f'unknown {what} "{name}"; {meant}')


def usual_numeric(space: ParameterSpace) -> str:
    """The numeric method for this space where nobody names one."""
    return 'least_squares' if space.dimension <= FEW else 'gaussian_process'


def make_minimizer(name: str, seed: int = 0) -> Minimizer:
    """The minimizer of this name.

    Raises:
        UnknownOptimizerError: there is none.
        MissingPackageError: it rests on a package that is not installed.
    """
    require_known(name, tuple(MINIMIZERS), 'minimizer')
    return MINIMIZERS[name](seed)


def make_numeric(name: str, brief: Brief, seed: int = 0) -> Method:
    """The numeric optimizer of this name.

    Raises:
        UnknownOptimizerError: there is none.
        MissingPackageError: it rests on a package that is not installed.
    """
    require_known(name, NUMERIC)
    # Each where it is made: they bring SciPy, which takes long to load, and the settings of a node need names alone.
    if name == 'least_squares':
        from llm_policy_improver.methods.numeric.least_squares import LeastSquares

        return LeastSquares(brief, seed)
    if name == 'gaussian_process':
        from llm_policy_improver.methods.numeric.gaussian_process import GaussianProcess

        return GaussianProcess(brief, seed)
    from llm_policy_improver.methods.numeric.numeric import NumericMethod

    return NumericMethod(make_minimizer(name, seed), brief, seed)
