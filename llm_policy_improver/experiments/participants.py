"""Who takes part in an experiment: numeric methods by name, and a language model where one is named."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llm_policy_improver.core.packages import MissingPackageError
from llm_policy_improver.experiments.learning_cells import LEARNERS, require_learners
from llm_policy_improver.experiments.program_cells import RANDOM_LINEAR
from llm_policy_improver.experiments.rows import ExperimentError
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.methods.registry import (
    CHOICES,
    MINIMIZERS,
    PROGRAMS,
    UnknownMethodError,
    make_minimizer,
    require_known,
)


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A language model and where it is.

    Attributes:
        name: empty: none takes part.
        base_url: empty: OPENAI_BASE_URL, else OpenAI's own.
        timeout_s: for one request.
        retries: further attempts of a request that failed.
    """

    name: str = ''
    base_url: str = ''
    timeout_s: float = 120.0
    retries: int = 2

    def connect(self) -> Endpoint:
        """The endpoint, tried once.

        Raises:
            EndpointError: no key, or nothing answers.
        """
        endpoint = Endpoint(
            self.name, self.base_url or None, timeout_s=self.timeout_s, max_retries=self.retries
        )
        endpoint.check_reachable()
        return endpoint


@dataclass(frozen=True, slots=True)
class Participants:
    """Who takes part.

    Attributes:
        numeric: names.
        with_model: names of those that ask the language model.
        model: the language model.
        missing: numeric ones left out as a package is not installed, with the reason.
        extras: the extra of this package that each of them needs.
        without_model: names of those that would ask a language model, where nobody is named and no model either.
    """

    numeric: tuple[str, ...]
    with_model: tuple[str, ...]
    model: ModelChoice
    missing: tuple[str, ...] = ()
    without_model: tuple[str, ...] = ()
    extras: Mapping[str, str] = field(default_factory=dict)

    @property
    def numeric_anywhere(self) -> tuple[str, ...]:
        """The numeric ones and those left out for want of a package, which another machine may have.

        These are shared out, so that the shards of all machines are parts of the same whole.
        """
        return (*self.numeric, *self.extras)


def participants(
    asked: Sequence[str], model: ModelChoice, numeric: Sequence[str], with_model: Sequence[str]
) -> Participants:
    """Those asked for; where none are, all numeric ones, and with a model named those with a model, too.

    Args:
        asked: names, from the command line.
        model: the language model.
        numeric: all numeric ones that can take part.
        with_model: all that ask the model and can take part.

    Raises:
        ExperimentError: an unknown name, one that needs a model without one, or a package that is missing.
    """
    here = (*numeric, *with_model)
    try:
        for name in asked:
            if name in (*CHOICES, *PROGRAMS, *LEARNERS, RANDOM_LINEAR) and name not in here:
                raise ExperimentError(f'{name} cannot take part here: there are {", ".join(here)}')
            require_known(name, here)
    except UnknownMethodError as error:
        raise ExperimentError(str(error)) from None
    chosen = tuple(dict.fromkeys(asked)) or (*numeric, *(with_model if model.name else ()))
    talking = tuple(name for name in chosen if name in with_model)
    if talking and not model.name:
        raise ExperimentError(
            f'method {talking[0]} asks a language model: name one with --model, and with --base-url where it '
            "is not OpenAI's"
        )
    if model.base_url and not model.name:
        raise ExperimentError('--base-url names an endpoint but no model is named: give --model NAME, too')
    present, missing, extras = [], [], {}
    for name in chosen:
        if name in talking:
            continue
        try:
            if name in MINIMIZERS:
                make_minimizer(name)
            elif name in LEARNERS:
                require_learners()
            present.append(name)
        except MissingPackageError as error:
            if asked:
                raise ExperimentError(str(error)) from None
            missing.append(f'Left out: {error}.')
            extras[name] = error.extra
    without = () if asked or model.name else tuple(with_model)
    return Participants(tuple(present), talking, model, tuple(dict.fromkeys(missing)), without, extras)
