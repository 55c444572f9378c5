"""What becomes of a language model's reply: the proposal that may be tried, or the reason to ask once more.

What may not be tried is sent back, and so is what the landing model is sure is wrong, before a trial is spent on it.
That alone never costs the proposal: where asking again came to nothing, what was answered first is used, and said so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.finding import ClaimedEffect, Finding
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.asking import RefusedError
from llm_policy_improver.llm.reply import Reply, ReplyError, parse_reply
from llm_policy_improver.methods.candidates import Screen
from llm_policy_improver.methods.checks import RULES, Verdict, check
from llm_policy_improver.methods.sas.advice.advice import Advice
from llm_policy_improver.methods.sas.advice.judging import wrong_claims, wrong_nearest
from llm_policy_improver.methods.sas.effects import Claims, judge_claims
from llm_policy_improver.methods.sas.model_rules import MODEL_RULES

DOUBTED: Final = 'doubted'
"""Name of the finding that the landing model is sure that something in the reply is wrong."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reply answers to.

    Attributes:
        history: all trials so far, oldest first.
        objective: what the person asked.
        names: (n,) what the parameters are called.
        meanings: (n,) other names that are understood; or none.
        repeats_allowed: how often the same policy may be tried again.
        noise: standard deviation of the measures of repeated trials; 0 where not known.
        advice: of the landing model; None where it was not told.
    """

    history: Sequence[Trial]
    objective: Objective
    names: tuple[str, ...]
    meanings: tuple[str, ...] = ()
    repeats_allowed: int = 0
    noise: float = 0.0
    advice: Advice | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What a usable reply comes to.

    Attributes:
        reply: as it was read.
        verdict: of the proposal to try; that of nothing where the words were misread.
        findings: about the choice among several candidates, the claims, and what is doubted.
        claims: beside the effects that the trials show.
    """

    reply: Reply
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    claims: tuple[ClaimedEffect, ...] = ()

    def __str__(self) -> str:
        return f'misread: {self.reply.misread}' if self.reply.misread else str(self.verdict)


class Reading:
    """Reads the replies to one request and to its repairs.

    Args:
        brief: of the task.
        asked: what is asked.
        screen: chooses among several candidates of one reply.
        repairs: further requests that will be made where a reply is refused.

    Attributes:
        doubted: the last reply that was sent back though it can be used; None where none was.
    """

    def __init__(self, brief: Brief, asked: Asked, screen: Screen, repairs: int) -> None:
        self.doubted: Choice | None = None
        self._brief = brief
        self._asked = asked
        self._screen = screen
        self._left = repairs

    def read(self, text: str) -> tuple[Choice, str]:
        """A reply, and the verdict to record.

        Raises:
            ReplyError: it cannot be used.
            RefusedError: it may not be tried, or something in it is wrong for sure and it can be asked again.
        """
        left, self._left = self._left, self._left - 1
        asked = self._asked
        offered = () if asked.advice is None else asked.advice.candidates
        computed = {each.letter: each.values for each in offered}
        reply = parse_reply(text, asked.names, asked.meanings, computed)
        if not asked.objective.measurable:  # then nothing was read that could be misread
            reply = replace(reply, misread='')
        if reply.misread:
            choice = Choice(reply, Verdict(()))
            return choice, str(choice)
        if not reply.candidates:
            raise ReplyError('the reply holds no JSON object with "parameters"')
        verdict, chosen = self._judged(reply)
        claims, failed = self._claims(reply)
        doubts = self._doubts(reply, verdict, claims)
        found = tuple(Finding(DOUBTED, doubt) for doubt in doubts)
        choice = Choice(reply, verdict, (*chosen, *failed, *found), claims)
        if doubts and left > 0:
            self.doubted = choice
            problem = '; '.join(doubts)
            raise RefusedError(problem, f'sent back: {problem}')
        return choice, str(choice)

    def _judged(self, reply: Reply) -> tuple[Verdict, tuple[Finding, ...]]:
        """The verdict of the candidate to try, and why it was chosen where there are several.

        Raises:
            RefusedError: none may be tried.
        """
        verdicts = [self._verdict(candidate) for candidate in reply.candidates]
        usable = [(place, verdict) for place, verdict in enumerate(verdicts, start=1) if verdict.accepted]
        if not usable:
            raise RefusedError('; '.join(verdicts[0].reasons), str(verdicts[0]))
        if len(usable) == 1:
            said = f'the only usable one of {len(verdicts)}'
            return usable[0][1], (Finding('candidates', said),) if len(verdicts) > 1 else ()
        index, why = self._screen.choose(
            [one.values for _, one in usable], self._asked.history, self._asked.objective
        )
        place, verdict = usable[index]
        return verdict, (Finding('candidates', f'{place} of {len(verdicts)}: {why}'),)

    def _verdict(self, candidate: Sequence[float]) -> Verdict:
        asked, space, advice = self._asked, self._brief.space, self._asked.advice
        values = rounded(candidate, self._brief)
        # A computed candidate is no leap of a language model.
        computed = advice is not None and advice.candidate(values) is not None
        return check(
            values, asked.history, space, asked.objective, rules=RULES if computed else MODEL_RULES,
            repeats_allowed=asked.repeats_allowed, names=asked.names,
            noise=asked.noise if advice is None else max(asked.noise, advice.noise), measures=self._brief.measures,
        )  # fmt: skip

    def _claims(self, reply: Reply) -> tuple[tuple[ClaimedEffect, ...], tuple[Finding, ...]]:
        asked, space = self._asked, self._brief.space
        renamed = dict(zip(asked.names, space.names, strict=True))
        claims: Claims = {renamed[name]: said for name, said in reply.effects.items() if name in renamed}
        known = None if asked.advice is None else asked.advice.around.measures
        try:
            return judge_claims(claims, asked.history, asked.objective, self._brief, known), ()
        except Exception as error:
            # Only a remark on the proposal: it must not cost the proposal itself.
            why = f'not compared with the trials: internal error, {type(error).__name__}: {error}'
            return (), (Finding('effects', why),)

    def _doubts(self, reply: Reply, verdict: Verdict, claims: Sequence[ClaimedEffect]) -> list[str]:
        """What is wrong for sure, as clauses; of a computed candidate nothing that would cost a trial."""
        advice = self._asked.advice
        if advice is None or advice.candidate(verdict.values) is not None:
            return []
        return [each for each in (wrong_nearest(reply.nearest, advice), wrong_claims(claims, advice)) if each]


def rounded(values: Sequence[float], brief: Brief) -> tuple[float, ...]:
    """The values (n,) to each parameter's digits."""
    pairs = zip(values, brief.space.parameters, strict=True)
    return tuple(round(value, each.digits) for value, each in pairs)


class LandingScreen:
    """Chooses among several candidates that of least expected loss.

    Args:
        advice: of the landing model, before the step.
    """

    def __init__(self, advice: Advice) -> None:
        self._advice = advice

    def choose(
        self, candidates: Sequence[Sequence[float]], history: Sequence[Trial], objective: Objective
    ) -> tuple[int, str]:
        """As `methods.candidates.Screen` demands it."""
        explored = self._advice.outlook.explored
        losses = self._advice.outlook.losses(np.array([explored.point(each) for each in candidates]))
        chosen = int(np.argmin(losses))
        return chosen, f'least expected loss, {losses[chosen]:.2f}'
