"""The feedback on episodes: a class that a language model writes once, run in the sandbox like any of its programs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from llm_policy_improver.core.chat import Message
from llm_policy_improver.core.environment import EpisodeBrief
from llm_policy_improver.core.episode import Episode
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.core.text import clean_line
from llm_policy_improver.llm.reply import ReplyError
from llm_policy_improver.methods.conversation import Conversation
from llm_policy_improver.methods.programs.attempts import LONGEST_ERROR
from llm_policy_improver.methods.programs.replies import source_in, top_level
from llm_policy_improver.methods.programs.told import rules_text, task_text
from llm_policy_improver.sandbox.errors import ProgramError, SandboxError
from llm_policy_improver.sandbox.sandbox import Sandbox

ENTRY: Final = 'Feedback'
SUMMARIZE: Final = 'summarize_trajectory'
GIVEN_UP: Final = ''
"""In place of a source that works, where none came."""

_WANTED: Final = f'the whole class {ENTRY} with {SUMMARIZE}(self, traj) in one block of Python code'
_SECONDS: Final = 5.0
"""To load such a class, and to make an object of it."""


class FeedbackError(ValueError):
    """The class failed on an episode; the message says how, for whoever is to mend it."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """Asks for the class and uses it.

    Attributes:
        brief: of the task.
        sandbox: where the class runs.
        longest: characters kept of what it says of an episode.
    """

    brief: EpisodeBrief
    sandbox: Sandbox
    longest: int

    def asked(
        self,
        conversation: Conversation,
        failed: str = '',
        error: str = '',
        episodes: Sequence[Episode] = (),
    ) -> tuple[str, tuple[str, ...]]:
        """A source that works, and its lines on these episodes; `GIVEN_UP` and none where no reply has one.

        Args:
            conversation: with the language model.
            failed: the source that is to be replaced; empty for the first one.
            error: how it failed.
            episodes: the new one is tried on; where there are none, it is only loaded.

        Raises:
            ProposalError: no reply came.
        """
        messages: tuple[Message, ...] = (('user', self._request()),)
        if failed:
            told = prompt(__package__, 'feedback_crash').substitute(error=error)
            messages += (('assistant', f'```python\n{failed}```'), ('user', told))

        def read(reply: str) -> tuple[str, tuple[str, ...]]:
            source = source_in(reply, ENTRY)
            if ENTRY not in top_level(source):
                raise ReplyError(f'the code is no Python that defines a class {ENTRY} at its top level')
            try:
                return source, self.lines(source, episodes)
            except FeedbackError as fault:
                raise ReplyError(f'it failed when it was tried: {fault}') from None

        return conversation.answer(messages, read, _WANTED).value or (GIVEN_UP, ())

    def lines(self, source: str, episodes: Sequence[Episode]) -> tuple[str, ...]:
        """What the class says of each episode, in one line each, cut to a length.

        Raises:
            FeedbackError: it failed, or gave no text.
        """
        limits = self.sandbox.limits
        quick = replace(
            limits,
            load_seconds=min(limits.load_seconds, _SECONDS),
            new_seconds=min(limits.new_seconds, _SECONDS),
        )
        try:
            with self.sandbox.load(source, quick) as worker:
                made = worker.new(ENTRY)
                given = [trajectory(episode, arrays=worker.takes_arrays) for episode in episodes]
                said = [worker.call_method(made, SUMMARIZE, each) for each in given]
        except SandboxError as error:
            traceback = error.traceback if isinstance(error, ProgramError) else ''
            raise FeedbackError(f'{error}\n{traceback}'.strip()[:LONGEST_ERROR]) from None
        return tuple(map(self._line, said))

    def _line(self, said: Any) -> str:
        if not isinstance(said, str):
            raise FeedbackError(f'{SUMMARIZE} must return a str; it returned {type(said).__name__}')
        return clean_line(said[: self.longest])

    def _request(self) -> str:
        arrays = self.sandbox.takes_arrays
        return prompt(__package__, 'feedback').substitute(
            task=task_text(self.brief),
            observations='NumPy array (T, n)' if arrays else 'list of T lists of n numbers',
            observation='NumPy array (n,)' if arrays else 'list of n numbers',
            rules=rules_text(self.sandbox),
            longest=self.longest,
            wanted=_WANTED,
        )


def trajectory(episode: Episode, *, arrays: bool = True) -> dict[str, Any]:
    """An episode of T steps as the class gets it.

    ``'observations'`` (T, n) are those before each step, ``'last_observation'`` (n,) is that after the last one.

    Args:
        episode: of at least one step.
        arrays: whether these two are NumPy arrays; else lists, for a worker that takes no arrays.
    """
    after = [step.observation for step in episode.transitions]
    before, last = np.array([episode.first, *after[:-1]], dtype=float), np.array(after[-1], dtype=float)
    return {
        'observations': before if arrays else before.tolist(),
        'actions': list(episode.actions),
        'rewards': [step.reward for step in episode.transitions],
        'last_observation': last if arrays else last.tolist(),
        'terminated': episode.transitions[-1].terminated,
    }
