"""What a whole run came to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from llm_policy_improver.core.finding import Agreement
from llm_policy_improver.core.method import Prospect
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.policy import Parameters, Policy, Program
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.foretold import Foretold
from llm_policy_improver.loop.step import Step
from llm_policy_improver.methods.ranking import best_trial


class End(StrEnum):
    """Why a run is over."""

    PLAYED = 'played'
    """All of its trials."""
    REACHED = 'reached'
    """The objective, to within what can be measured."""
    SETTLED = 'settled'
    """What is left to gain is less than the trials left could tell apart."""
    NO_PROPOSALS = 'no_proposals'
    """Nobody could propose anything several times in a row."""
    MISREAD = 'misread'
    """The language model says that the person asked for something else than what is measured."""

    @property
    def early(self) -> bool:
        """Whether the run could not go on: a person has to see to it."""
        return self in (End.NO_PROPOSALS, End.MISREAD)


@dataclass(frozen=True, slots=True)
class ImprovementResult:
    """What a run came to.

    Attributes:
        objective: the person's words.
        aim: what was aimed at, for people; empty where nothing measures the words.
        method: who was asked to propose.
        trials: recorded in this run.
        initial_distance_m: of the first trial of this run that could be measured.
        best_distance_m: of the best trial of this run or before; None where the language model ranks.
        best_trial: its number in the store, or within the run where it was not stored; 0 if there is none.
        best: that trial.
        returned: share of this run's trials that succeeded.
        fallbacks: how many proposals the fallback made.
        unchanged: how many trials repeated the last parameters for want of a proposal.
        prompt_tokens, completion_tokens: of all requests to a language model, those that read the words included.
        claims_agreeing, claims_contradicted, claims_undecided: how many of the effects that a language model claimed
            the trials confirm, refute, and leave open.
        end: why it is over; None where it was interrupted.
        in_vain: who gave no proposals, where it ended for want of them, as a clause.
        misread: what the person asked for, in the language model's words, where it ended for that.
        labels: of the parameters, for people, by name.
        recommended: what to keep, where trials are noisy and the method has a model of them; else None: the best.
        foretold: how its trials compare with what was expected of them, where trials are noisy; else None.
        prospect: what was left to gain where the run ended for that; else None.
        left: trials that it did not play.
    """

    objective: str
    aim: str
    method: str
    trials: int
    initial_distance_m: float | None
    best_distance_m: float | None
    best_trial: int
    best: Trial | None
    returned: float
    fallbacks: int = 0
    unchanged: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    claims_agreeing: int = 0
    claims_contradicted: int = 0
    claims_undecided: int = 0
    end: End | None = None
    in_vain: str = ''
    misread: str = ''
    labels: Mapping[str, str] = field(default_factory=dict)
    recommended: Proposal | None = None
    foretold: Foretold | None = None
    prospect: Prospect | None = None
    left: int = 0

    @classmethod
    def of(
        cls,
        objective: Objective,
        method: str,
        earlier: Sequence[Trial],
        run: Sequence[tuple[Step, Trial]],
        end: End | None = None,
        labels: Mapping[str, str] = MappingProxyType({}),
        *,
        recommended: Proposal | None = None,
        misread: str = '',
        noisy: bool = False,
        prospect: Prospect | None = None,
        left: int = 0,
    ) -> 'ImprovementResult':
        """Sum up a run.

        Args:
            objective: what was asked.
            method: name of the one asked.
            earlier: trials of earlier runs.
            run: the steps and trials of this run.
            end: why it is over, if it is.
            labels: of the parameters, for people, by name.
            recommended: what the method says to keep.
            misread: what the person asked for, where the run ended for that.
            noisy: whether repeated trials differ, so that what was foretold of them is compared.
            prospect: what was left to gain.
            left: trials that it did not play.
        """
        trials = [trial for _, trial in run]
        measured = [distance for trial in trials if (distance := objective.distance(trial)) is not None]
        best = best_trial([*earlier, *trials], objective, [step.proposal for step, _ in run])
        within = next((step.number for step, trial in run if trial is best), 0)
        asked = [exchange for step, _ in run for exchange in step.proposal.exchanges]
        exchanges = [*objective.exchanges, *asked]
        claims = [claim.agreement for step, _ in run for claim in step.proposal.claims]
        return cls(
            objective=objective.words,
            aim=objective.sentence,
            method=method,
            trials=len(trials),
            initial_distance_m=measured[0] if measured else None,
            best_distance_m=None if best is None else objective.distance(best),
            best_trial=0 if best is None else best.number or within,
            best=best,
            returned=sum(trial.succeeded for trial in trials) / len(trials) if trials else 0.0,
            fallbacks=sum(bool(step.proposal.instead_of) for step, _ in run),
            unchanged=sum(step.unchanged for step, _ in run),
            prompt_tokens=sum(exchange.prompt_tokens for exchange in exchanges),
            completion_tokens=sum(exchange.completion_tokens for exchange in exchanges),
            claims_agreeing=claims.count(Agreement.AGREES),
            claims_contradicted=claims.count(Agreement.CONTRADICTED),
            claims_undecided=claims.count(Agreement.UNDECIDED),
            end=end,
            labels=labels,
            recommended=recommended,
            misread=misread,
            foretold=Foretold.of(run, objective) if noisy else None,
            prospect=prospect if end is End.SETTLED else None,
            left=left,
            in_vain='; '.join(map(str, run[-1][0].in_vain)) if run else '',
        )

    @property
    def best_policy(self) -> Policy | None:
        """Of the best trial."""
        return None if self.best is None else self.best.policy

    @property
    def best_told(self) -> str:
        """The best policy for people: its values by their labels, or the source of a program; empty for none."""
        return self._told(self.best_policy)

    @property
    def recommended_told(self) -> str:
        """The same of the policy to keep."""
        return '' if self.recommended is None else self._told(self.recommended.policy)

    def _told(self, policy: Policy | None) -> str:
        if isinstance(policy, Program):
            return policy.source.strip()
        items = [] if policy is None else policy.items()
        return ',  '.join(f'{self.labels.get(name, name)} {value:.3f}' for name, value in items)

    @property
    def stopped(self) -> str:
        """Why it ended before all its trials, as a clause for people; empty where it did not."""
        if self.end is End.NO_PROPOSALS:
            return f'nobody could propose anything several times in a row: {self.in_vain}'
        if self.end is End.MISREAD:
            meant = f', "{self.misread}" instead of "{self.aim}"' if self.misread else f' ({self.aim})'
            return (
                f'{self.method} takes the words to ask for something else than what is measured{meant}: '
                'say it in other words and begin again'
            )
        if self.end is End.SETTLED:
            return settled_text(self.prospect, self.left)
        return 'the objective is reached' if self.end is End.REACHED else ''

    def as_json(self) -> dict[str, Any]:
        """Plain data for a JSON line; what is not known is null."""
        best = self.best_policy
        numbers = best if isinstance(best, Parameters) else None
        kept = self.recommended
        said = {} if kept is None else recommended_json(kept) | {'recommended_because': kept.reason}
        if self.foretold is not None:
            said |= self.foretold.as_json()
        if self.prospect is not None:
            said |= {'left_to_gain': self.prospect.gain, 'told_apart': self.prospect.told_apart(self.left)}
        return said | {
            'objective': self.objective,
            'metric': self.aim or None,
            'aim': self.aim or None,
            'optimizer': self.method,
            'trials': self.trials,
            'initial_distance_m': self.initial_distance_m,
            'best_distance_m': self.best_distance_m,
            'best_trial': self.best_trial or None,
            'best_parameters': None if numbers is None else list(numbers.values),
            'parameters': None if numbers is None else numbers.as_json(),
            'program': best.as_json() if isinstance(best, Program) else None,
            'returned': self.returned,
            'fallbacks': self.fallbacks,
            'unchanged': self.unchanged,
            'prompt_tokens': self.prompt_tokens,
            'completion_tokens': self.completion_tokens,
            'claims_agreeing': self.claims_agreeing,
            'claims_contradicted': self.claims_contradicted,
            'claims_undecided': self.claims_undecided,
            'stopped': self.stopped or None,
        }


def recommended_json(kept: Proposal) -> dict[str, Any]:
    """What is recommended, and what is expected of it, as plain data."""
    return {
        'recommended': kept.policy.as_json(),
        'recommended_expects': {name: float(value) for name, value in kept.memos.items()},
    }


def settled_text(prospect: Prospect | None, left: int) -> str:
    """Why a run ended as nothing worth a trial is left, as a clause for people; without figures where they are lost."""
    if prospect is None or not left:
        return 'what is left to gain is less than the trials left could tell apart'
    return (
        f'what is left to gain, about {prospect.gain:.3f} m, is less than the {prospect.told_apart(left):.3f} m that '
        f'the {left} trials left could tell apart'
    )
