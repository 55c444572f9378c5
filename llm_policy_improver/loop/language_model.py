"""The language model of a run's settings: who proposes with it, and who reads words that the vocabulary does not."""

from typing import TYPE_CHECKING

from llm_policy_improver.core.chat import Completer, ModelMaker
from llm_policy_improver.llm.waiting import Waiting
from llm_policy_improver.loop.settings import OptimizerSettings

if TYPE_CHECKING:
    from llm_policy_improver.llm.endpoint import Endpoint


def make_endpoint(settings: OptimizerSettings, waiting: Waiting | None = None) -> 'Endpoint':
    """The endpoint that the settings name; nothing is sent to it yet.

    Args:
        settings: of the run.
        waiting: told of pauses between requests; the log where None.

    Raises:
        EndpointError: no key in the environment, or an address that is none.
    """
    # openai takes half a second to load: runs without a language model start without it.
    from llm_policy_improver.llm.endpoint import Endpoint

    return Endpoint(
        settings.model,
        settings.base_url or None,
        timeout_s=settings.request_timeout,
        max_retries=settings.request_retries,
        waiting=waiting,
    )


def words_reader(settings: OptimizerSettings, model: Completer | None = None) -> ModelMaker | None:
    """Who reads what the vocabulary does not: the model that is named, made once it is needed; None without a name.

    Args:
        settings: of the run.
        model: that there is already, where there is one.
    """
    if not settings.model:
        return None
    return lambda: make_endpoint(settings) if model is None else model
