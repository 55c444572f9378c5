"""Sensory-motor control by iterative policy refinement: rules in words first, then the code for them.

arXiv 2506.04867. An iteration is three requests that know nothing of each other but what they are given: think freely
and come to IF-THEN-ELSE rules, give the rules alone, write the code. Beyond the paper: code that fails is mended as a
whole, not in the middle of an episode, and the run returns the code with the best mean return, not the last one.
"""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.reply import ReplyError
from llm_policy_improver.methods.conversation import Conversation
from llm_policy_improver.methods.program_setup import ProgramSetup
from llm_policy_improver.methods.programs.attempts import Attempt, attempts_of, next_place
from llm_policy_improver.methods.programs.replies import program_in, prose_in, top_level
from llm_policy_improver.methods.programs.writer import ProgramWriter
from llm_policy_improver.methods.sensorimotor.experience import RULES, experience_text

LONGEST_REASONING: Final = 20_000
LONGEST_RULES: Final = 6_000
"""Characters."""

_REASONING: Final = 'your reasoning and, at its end, the IF-THEN-ELSE rules'
_RULES: Final = 'the IF-THEN-ELSE rules alone'
_CODE: Final = 'the whole code in one block of Python that defines get_action with these arguments'


class Sensorimotor(ProgramWriter):
    """Proposes code for rules that a language model comes to: ``get_action`` of the numbers of an observation."""

    def __init__(self, setup: ProgramSetup) -> None:
        super().__init__(setup, 'sensorimotor', 'get_action')
        self._options = setup.sensorimotor
        self._brief = setup.brief
        self._names = tuple(quantity.name for quantity in setup.brief.observation)

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The code of the next iteration, or code that failed, mended.

        Raises:
            ProposalError: the endpoint failed, or a reply could not be used; it carries the exchanges.
        """
        attempts = attempts_of(history, earlier)
        place = next_place(attempts, 1, self._options.repairs)
        talk = Conversation(self._model, self._options.asked_again)
        rules = attempts[-1].memos[RULES] if place.repair else self._rules(attempts, objective, talk)
        asked = self._asked(self._request(rules), place, attempts)
        source = talk.ask(asked, lambda reply: self._read(reply, history), _CODE)
        mended = ', its code mended' if place.repair else ''
        return Proposal(
            self.space.of(source),
            self.name,
            synthesis=rules,
            reason=f'{self.name}: iteration {place.round}{mended}.',
            exchanges=talk.exchanges,
            memos=place.memos() | {RULES: rules},
        )

    def _rules(self, attempts: Sequence[Attempt], objective: Objective, talk: Conversation) -> str:
        """The first two requests of an iteration."""
        experience = experience_text(attempts, objective, self._brief, self._options.steps)
        template = prompt(__package__, 'improve' if attempts else 'begin')
        text = template.substitute(task=self._task, experience=experience, wanted=_REASONING)
        reasoning = talk.ask((('user', text),), lambda reply: prose_in(reply, LONGEST_REASONING), _REASONING)
        alone = prompt(__package__, 'rules').substitute(reasoning=reasoning, wanted=_RULES)
        return talk.ask((('user', alone),), _rules_in, _RULES)

    def _request(self, rules: str) -> str:
        return prompt(__package__, 'code').substitute(
            task=self._task,
            rules=rules,
            limits=self._limits,
            signature=self._signature,
            observation='\n'.join(
                f'- {one.name}: {one.meaning}{f", {one.unit}" if one.unit else ""}' for one in self._brief.observation
            ),
            wanted=_CODE,
        )

    @property
    def _signature(self) -> str:
        return f'get_action({", ".join(self._names)})'

    def _read(self, reply: str, history: Sequence[Trial]) -> str:
        source = program_in(reply, self.space, history)
        defined = top_level(source)['get_action']
        given = getattr(defined, 'args', None)
        if given is None:
            raise ReplyError('get_action must be a function, not a class')
        names = {each.arg for each in (*given.args, *given.kwonlyargs)}
        missing = [name for name in self._names if name not in names]
        if missing and given.kwarg is None:
            raise ReplyError(
                f'get_action must take the numbers of an observation by their names; missing: {", ".join(missing)}'
            )
        return source


def _rules_in(reply: str) -> str:
    rules = prose_in(reply, LONGEST_RULES)
    words = set(rules.upper().split())
    if not {'IF', 'THEN'} <= {word.strip('*_`:,.()-') for word in words}:
        raise ReplyError('there is no rule in it of the form IF ... THEN ...')
    return rules
