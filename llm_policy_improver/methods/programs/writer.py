"""What the methods that write programs begin with: the task as they tell it, and where the next program belongs."""

from collections.abc import Sequence

from llm_policy_improver.core.chat import Message
from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.methods.program_setup import ProgramSetup
from llm_policy_improver.methods.programs.attempts import Attempt, Place, error_of
from llm_policy_improver.methods.programs.told import rules_text, task_text


class ProgramWriter:
    """Has a language model write programs.

    Args:
        setup: what the method is made of.
        method: its name, without that of the model.
        entry: the class or function that its programs define.

    Attributes:
        space: the programs that it proposes.
        name: the method's and the model's: ``'prompt_po:gpt-4o'``.
    """

    def __init__(self, setup: ProgramSetup, method: str, entry: str) -> None:
        self.space = ProgramSpace(entry)
        self.name = f'{method}:{setup.model.model}'
        self._model = setup.model
        self._task = task_text(setup.brief)
        self._limits = rules_text(setup.sandbox)

    def _asked(self, request: str, place: Place, attempts: Sequence[Attempt]) -> tuple[Message, ...]:
        """The chat for a program; where one failed that is to be mended, it and how it failed are told."""
        asked: tuple[Message, ...] = (('user', request),)
        if not place.repair:
            return asked
        failed = attempts[-1].trial
        told = prompt(__package__, 'crash').substitute(error=error_of(failed))
        return (
            *asked,
            ('assistant', f'```python\n{self.space.kept(failed).source}```'),
            ('user', told),
        )
