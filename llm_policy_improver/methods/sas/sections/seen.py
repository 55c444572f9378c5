"""What a section of the prompt is written from."""

from collections.abc import Sequence
from dataclasses import dataclass

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.sas.advice.advice import Advice
from llm_policy_improver.methods.sas.history_selection import Selection
from llm_policy_improver.methods.sas.repetitions import Repetition
from llm_policy_improver.methods.sas.sas_options import SasOptions
from llm_policy_improver.methods.sas.trial_table import TrialTable


@dataclass(frozen=True, slots=True)
class Seen:
    """All that is known before a step.

    Attributes:
        history: all trials, oldest first; not empty.
        objective: what the person asked.
        earlier: the proposals behind the last ``len(earlier)`` trials, in their order.
        brief: of the task.
        options: how the model is asked.
        noise: spread of the measures when a policy is repeated; 0 where not known.
        names: (n,) what the parameters are called.
        best: position of the best trial; None where none can be ranked.
        table: writes trials.
        selection: those that are shown.
        repeated: policies that succeeded more than once.
        advice: of the landing model, where it is asked and can say something.
    """

    history: Sequence[Trial]
    objective: Objective
    earlier: Sequence[Proposal]
    brief: Brief
    options: SasOptions
    noise: float
    names: Sequence[str]
    best: int | None
    table: TrialTable
    selection: Selection
    repeated: Sequence[Repetition]
    advice: Advice | None = None
