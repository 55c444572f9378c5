"""Where a prior comes from."""

from typing import TYPE_CHECKING, Protocol

from llm_policy_improver.core.brief import Brief

if TYPE_CHECKING:  # SciPy takes long to load
    from llm_policy_improver.methods.numeric.landing.prior import Prior


class PriorSource(Protocol):
    """Gives what is known before the first trial; it may take long the first time."""

    def __call__(self, brief: Brief) -> 'Prior | None':
        """Of a task; None where nothing is."""
