"""OPRO: a language model reads trials with their scores, the best one last, and names sets of parameters to try next.

Large Language Models as Optimizers, arXiv 2309.03409: at most the 20 best trials in ascending order, 8 candidates a
step. Other than in the paper one reply holds all candidates of a step, not 8 replies one each: they are told apart by
what the model says, not by chance, and cost an eighth. They are played one after the other; those that still wait
stand in the memos of the proposal.
"""

import json
from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.chat import Completer
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.llm.asking import RefusedError
from llm_policy_improver.llm.reply import Reply, parse_reply
from llm_policy_improver.llm.schema import reply_schema
from llm_policy_improver.methods.checks import Verdict, check
from llm_policy_improver.methods.conversation import Conversation
from llm_policy_improver.methods.ranking import named, ranked, trial_number
from llm_policy_improver.methods.rules import repeats_allowed
from llm_policy_improver.methods.setup import MethodSetup

SHOWN: Final = 20
CANDIDATES: Final = 8
"""Trials in a prompt at most, and candidates of a step; as in the paper."""

WAITING: Final = 'waiting'
"""Memo: the candidates of the step that were not played yet, JSON lists of values."""
SAID: Final = 'said'
"""Memo: the model's reason for the candidates of the step."""

_WANTED: Final = f'a JSON object with "candidates", a list of {CANDIDATES} different sets of numbers'


class Opro:
    """Proposes the candidates of a language model's last reply, one after the other; then it asks again."""

    def __init__(self, setup: MethodSetup) -> None:
        self.brief = setup.brief
        self.repeats_allowed = repeats_allowed(setup.noise)
        self._model: Completer = setup.model

    @property
    def name(self) -> str:
        """``'opro:'`` and the model's name."""
        return f'opro:{self._model.model}'

    def propose(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal] = ()
    ) -> Proposal:
        """The next candidate of the last reply that may be tried; where there is none, the first of a new reply.

        Raises:
            ProposalError: the endpoint failed, or no reply could be used; it carries the exchanges.
        """
        memos = earlier[-1].memos if earlier else {}
        waiting = [tuple(each) for each in json.loads(memos.get(WAITING, '[]'))]
        for place, values in enumerate(waiting, start=1):
            verdict = self._judged(values, history, objective)
            if verdict.accepted:
                return self._proposal(verdict, waiting[place:], memos[SAID])
        talk = Conversation(self._model, repairs=1)
        reply, verdict, rest = talk.ask(
            (('user', self._text(history, objective, earlier)),),
            lambda text: self._read(text, history, objective),
            _WANTED,
            reply_schema(self.brief.space.names, CANDIDATES, analysis=False),
        )
        return self._proposal(verdict, rest, reply.reason, reply.nearest, talk)

    def _read(
        self, text: str, history: Sequence[Trial], objective: Objective
    ) -> tuple[Reply, Verdict, list[tuple[float, ...]]]:
        """What a reply says, its first candidate that may be tried, and those behind it.

        Raises:
            ReplyError: none may.
        """
        reply = parse_reply(text, self.brief.space.names)
        candidates = reply.candidates[:CANDIDATES]
        verdicts = [self._judged(values, history, objective) for values in candidates]
        for place, verdict in enumerate(verdicts, start=1):
            if verdict.accepted:
                return reply, verdict, list(candidates[place:])
        raise RefusedError('; '.join(verdicts[0].reasons), str(verdicts[0]))

    def _judged(self, values: Sequence[float], history: Sequence[Trial], objective: Objective) -> Verdict:
        digits = [each.digits for each in self.brief.space.parameters]
        rounded = [round(value, places) for value, places in zip(values, digits, strict=True)]
        return check(rounded, history, self.brief.space, objective, repeats_allowed=self.repeats_allowed)

    def _proposal(
        self,
        verdict: Verdict,
        waiting: Sequence[tuple[float, ...]],
        said: str,
        nearest: int = 0,
        talk: Conversation | None = None,
    ) -> Proposal:
        more = f' {len(waiting)} more candidates of this reply wait.' if waiting else ''
        return Proposal(
            self.brief.space.at(verdict.values),
            self.name,
            reason=f'{said or "The model gave no reason."}{more}',
            nearest=nearest,
            findings=verdict.findings,
            exchanges=talk.exchanges if talk else (),
            memos={WAITING: json.dumps(waiting), SAID: said},
        )

    def _text(self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal]) -> str:
        space = self.brief.space
        told = self.brief.told(objective)
        columns = ['score'] if objective.measurable else [*(each.column for each in told), 'outcome']
        shown = self._shown(history, objective, earlier)
        return prompt(__package__, 'opro').substitute(
            count=CANDIDATES,
            task=self.brief.text.strip(),
            parameters='\n'.join(
                f'- {each.label}: {each.low:g} to {each.high:g} {each.unit}'.rstrip() for each in space.parameters
            ),
            wanted=f'In the words of the person who asked: "{objective.words}"',
            score=self._score_text(objective),
            columns=' '.join(['trial:', *space.names, '|', *columns]),
            trials='\n'.join(self._row(history, place, objective) for place in shown) or '(none yet)',
            digits=max(each.digits for each in space.parameters),
            # Numbers here would be copied by weak models.
            answer=(
                '{"nearest": <number of the best trial>, "reason": "<one sentence>", "candidates": [\n'
                + ',\n'.join(['{' + ', '.join(f'"{name}": <number>' for name in space.names) + '}', '...'])
                + '\n]}'
            ),
        )  # fmt: skip

    def _score_text(self, objective: Objective) -> str:
        if not objective.measurable:
            return (
                'No program can score this: what came of each trial stands in place of a score. Judge by it which '
                'trial is the best.'
            )
        units = {term.measure.unit for term in objective.terms}
        unit = f', in {units.pop()}' if len(units) == 1 and '' not in units else ''
        return (
            f'Understood as: {objective.sentence}. The score is what a trial misses of that{unit}: the lower, the '
            'better. A word in its place says how the trial failed, which is worse than any number.'
        )

    def _shown(
        self, history: Sequence[Trial], objective: Objective, earlier: Sequence[Proposal]
    ) -> list[int]:
        """Positions of the best trials, the best one last; where nothing measures them, by the model's own word."""
        order = ranked(history, objective) or named(history, earlier)
        known = {place for place, trial in enumerate(history) if trial.tested} - set(order)
        rest = sorted(known, reverse=True)
        rest.sort(key=lambda place: self._failure(history[place]))
        return [*order, *rest][:SHOWN][::-1]

    def _failure(self, trial: Trial) -> float:
        """Rank among the trials without a score: first those that succeeded, then the outcomes next to that."""
        if trial.succeeded:
            return -1.0
        known = self.brief.outcomes
        return known.index(trial.outcome) if trial.outcome in known else len(known)

    def _row(self, history: Sequence[Trial], place: int, objective: Objective) -> str:
        trial, space = history[place], self.brief.space
        pairs = zip(space.values(trial), space.parameters, strict=True)
        numbers = ' '.join(f'{value:.{each.digits}f}' for value, each in pairs)
        return f'{trial_number(history, place)}: {numbers} | {self._score(trial, objective)}'

    def _score(self, trial: Trial, objective: Objective) -> str:
        distance = objective.distance(trial)
        if distance is not None:
            return f'{distance:.{max(term.measure.digits for term in objective.terms)}f}'
        if objective.measurable:
            return trial.outcome
        known = [(trial.told(each), each.digits) for each in self.brief.told(objective)]
        cells = ['-' if value is None else f'{value:.{digits}f}' for value, digits in known]
        return ' '.join([*cells, trial.outcome])
