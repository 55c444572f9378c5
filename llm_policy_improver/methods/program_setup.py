"""What a method that writes programs is made of."""

from dataclasses import dataclass, field

from llm_policy_improver.core.chat import Completer
from llm_policy_improver.core.environment import EpisodeBrief
from llm_policy_improver.methods.prompt_po.options import PromptPoOptions
from llm_policy_improver.methods.sensorimotor.options import SensorimotorOptions
from llm_policy_improver.sandbox.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class ProgramSetup:
    """The same for all of them; each takes what it needs.

    Attributes:
        model: answers the chats, e.g. an `llm.endpoint.Endpoint`.
        brief: of the task.
        sandbox: where programs run, also those that a method needs for itself.
        prompt_po: how PromptPO asks.
        sensorimotor: how sensory-motor control asks.
    """

    model: Completer
    brief: EpisodeBrief
    sandbox: Sandbox
    prompt_po: PromptPoOptions = field(default_factory=PromptPoOptions)
    sensorimotor: SensorimotorOptions = field(default_factory=SensorimotorOptions)
