"""PromptPO: rounds of programs that a language model writes, each round told what the winners of the last ones did.

Prompted Policy Optimization, arXiv 2605.30719. Beyond the paper: programs and the feedback class run in the sandbox,
the feedback sees actions and rewards too, the prompt tells how uncertain a mean return is, and what was tried is not
tried again. The run returns the program with the best mean return, not the last one.
"""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.conversation import Conversation
from llm_policy_improver.methods.program_setup import ProgramSetup
from llm_policy_improver.methods.programs.attempts import CANDIDATE, Attempt, Place, attempts_of, next_place
from llm_policy_improver.methods.programs.replies import program_in, prose_in
from llm_policy_improver.methods.programs.returns import episodes_of
from llm_policy_improver.methods.programs.writer import ProgramWriter
from llm_policy_improver.methods.prompt_po.feedback import GIVEN_UP, Feedback, FeedbackError
from llm_policy_improver.methods.prompt_po.history import LINES, REFLECTION, history_text, past_rounds

FEEDBACK: Final = 'feedback'
"""Memo: the source of the feedback class, from the proposal on that has it."""
LONGEST_REFLECTION: Final = 1_500

_WANTED: Final = 'the whole program in one block of Python code that defines class Policy with act(self, obs)'
_REFLECTION: Final = '3 to 4 sentences'


class PromptPo(ProgramWriter):
    """Proposes programs that a language model writes: a class ``Policy`` with ``act(self, obs)``."""

    def __init__(self, setup: ProgramSetup) -> None:
        super().__init__(setup, 'prompt_po', 'Policy')
        self._options = setup.prompt_po
        self._feedback = Feedback(setup.brief, setup.sandbox, self._options.longest_line)
        self._given = 'NumPy array' if setup.sandbox.takes_arrays else 'list'
        self._made = f'{setup.sandbox.limits.new_seconds:g}'

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The next candidate of a round, or one that failed, mended.

        The first candidate of a round takes further requests: for the feedback class where there is none yet, or
        where it fails, and for the reflection on the last round.

        Raises:
            ProposalError: the endpoint failed, or no reply could be used; it carries the exchanges.
        """
        attempts = attempts_of(history, earlier)
        place = next_place(attempts, self._options.candidates, self._options.repairs)
        talk = Conversation(self._model, self._options.asked_again)
        opening = self._opening(place, attempts, objective, talk) if place.opens else _noted(place, attempts)
        asked = self._asked(self._request(place, attempts, objective, opening), place, attempts)
        source = talk.ask(asked, lambda reply: program_in(reply, self.space, history), _WANTED)
        return Proposal(
            self.space.of(source),
            self.name,
            reason=self._reason(place),
            exchanges=talk.exchanges,
            memos=place.memos() | (opening if place.opens else {}),
        )

    def _opening(
        self, place: Place, attempts: Sequence[Attempt], objective: Objective, talk: Conversation
    ) -> dict[str, str]:
        """What is noted at the beginning of a round: feedback class, its lines on the last winner, the reflection."""
        opening: dict[str, str] = {}
        source = _feedback_in(attempts)
        if self._options.feedback and source is None:
            source, _ = self._feedback.asked(talk)
            opening[FEEDBACK] = source
        if place.round == 1:
            return opening
        winner = past_rounds(attempts, place.round, objective, {})[-1].winner
        if winner is not None and source not in (None, GIVEN_UP):
            episodes = episodes_of(winner)
            try:
                lines = self._feedback.lines(source, episodes)
            except FeedbackError as error:
                opening[FEEDBACK], lines = self._feedback.asked(talk, source, str(error), episodes)
            opening[LINES] = '\n'.join(f'- {line}' for line in lines)
        text = prompt(__package__, 'reflection').substitute(
            task=self._task, history=self._history(place, attempts, objective, opening), wanted=_REFLECTION
        )
        opening[REFLECTION] = talk.ask(
            (('user', text),), lambda reply: prose_in(reply, LONGEST_REFLECTION), _REFLECTION
        )
        return opening

    def _request(
        self, place: Place, attempts: Sequence[Attempt], objective: Objective, opening: dict[str, str]
    ) -> str:
        """The same for all candidates of a round."""
        return prompt(__package__, 'write').substitute(
            task=self._task,
            rules=self._limits,
            given=self._given,
            made=self._made,
            history=self._history(place, attempts, objective, opening),
            wanted=_WANTED,
        )

    def _history(
        self, place: Place, attempts: Sequence[Attempt], objective: Objective, opening: dict[str, str]
    ) -> str:
        rounds = past_rounds(attempts, place.round, objective, opening)
        return history_text(rounds, objective, self.space, self._options.history_tokens)

    def _reason(self, place: Place) -> str:
        mended = f', mended {place.repair} times' if place.repair > 1 else ', mended' if place.repair else ''
        of = self._options.candidates
        return f'{self.name}: round {place.round}, {CANDIDATE} {place.candidate} of {of}{mended}.'


def _noted(place: Place, attempts: Sequence[Attempt]) -> dict[str, str]:
    """The memos that opened the round under way; none where that proposal is not among the earlier ones."""
    opened = (dict(each.memos) for each in attempts if each.place.opens and each.place.round == place.round)
    return next(opened, {})


def _feedback_in(attempts: Sequence[Attempt]) -> str | None:
    """The feedback class in force; `GIVEN_UP` where none came, None where it was not asked for yet."""
    noted = [attempt.memos[FEEDBACK] for attempt in attempts if FEEDBACK in attempt.memos]
    return noted[-1] if noted else None
