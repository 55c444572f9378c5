"""The loop: propose, check, run, record, one step at a time; the same in process and behind ROS messages.

    improvement = Improvement(objective, LeastSquares(space), space, trials=39)
    for result in run_improvement(improvement, task):
        print(result.number, result.distance, result.step.reason)
    improvement.result().best_distance_m

Nothing reaches the arm unchecked: whatever an optimizer proposes is judged by `methods.checks` here, and then by
the gates, e.g. a rehearsal in simulation and a person's approval.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np

from llm_policy_improver.core.audit import Audit, Decision
from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.clock import utc_now
from llm_policy_improver.core.gate import Gate
from llm_policy_improver.core.initial_design import initial_design
from llm_policy_improver.core.method import Optimizer, Proposal
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.parameters import (
    NEUTRAL_ATTENUATION,
    NEUTRAL_RESIDUAL,
    ParameterSpace,
    PolicyParameters,
)
from llm_policy_improver.core.task import Task
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.loop.consult import Answer, consult
from llm_policy_improver.loop.gatekeeper import Gatekeeper
from llm_policy_improver.loop.improvement_result import ImprovementResult, Step, TrialResult
from llm_policy_improver.methods.checks import check
from llm_policy_improver.methods.ranking import best_trial
from llm_policy_improver.methods.sas.model_rules import DIGITS

FAILURES: Final = 3
"""Failures of a language model in a row after which it rests."""
REST: Final = 4
"""Steps that it is not asked then."""
IDLE: Final = 3
"""Trials in a row with the last parameters, for want of any proposal, after which the run ends."""
ASKED_AGAIN: Final = 2
"""How often a language model is asked again for the same trial after a person rejected what it proposed."""
PULLS: Final = 3
"""How often what a gate refused is brought half the way nearer to what is known: a first trial to the unchanged
controller, a numeric proposal to the best trial. A language model is told the reason instead."""


class ImprovementError(ValueError):
    """The loop was set up or used wrongly; the message says how, in one sentence."""


class Improvement:
    """One run towards one objective. Call `propose`, run the trial, call `record`, until `done`.

    `propose` may run in another thread than `record`, but never at the same time.

    Args:
        objective: what the person asked.
        optimizer: proposes after the first trials.
        space: the bounds; nothing outside of them is ever published.
        trials: balls to play in this run, the first trials included.
        first_trials: spread-out trials before the optimizer is asked; those in ``history`` count.
        seed: draws the first trials.
        ball_seed: seed of the incoming ball; ``seed`` where None.
        vary_balls: whether each trial of the run meets another ball (``ball_seed`` plus its number) instead
            of the same one.
        history: trials of earlier runs, oldest first.
        fallback: asked where the optimizer gives nothing usable; None: the last parameters stay.
        repeats_allowed: how often the same parameters may be tried again: more than 0 where trials are noisy.
        first_version: version of the first parameters; above all that the controller has seen.
        gates: judge in their order what the checks let through; all must pass it before it is published.
        in_force: the parameters that stay where nothing is let through from the start on; those of the last trial
            of ``history`` where None.
        clock: the time of day, for the audit records.

    Raises:
        ImprovementError: ``trials`` is less than 1 or ``first_trials`` less than 0.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: Optimizer,
        space: ParameterSpace,
        *,
        trials: int,
        first_trials: int = 24,
        seed: int = 0,
        ball_seed: int | None = None,
        vary_balls: bool = False,
        history: Sequence[ExecutionTrace] = (),
        fallback: Optimizer | None = None,
        repeats_allowed: int = 0,
        first_version: int = 1,
        gates: Sequence[Gate] = (),
        in_force: PolicyParameters | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        if trials < 1:
            raise ImprovementError(f'the number of trials must be at least 1; got {trials}')
        if first_trials < 0:
            raise ImprovementError(f'the number of first trials must not be negative; got {first_trials}')
        self.objective = objective
        self.optimizer = optimizer
        self.space = space
        self.trials = trials
        self._design = initial_design(first_trials, space, np.random.default_rng(seed))[len(history) :]
        self._ball_seed = seed if ball_seed is None else ball_seed
        self._vary_balls = vary_balls
        self._fallback = fallback
        self._repeats_allowed = repeats_allowed
        self._version = first_version
        self._earlier = tuple(history)
        self._failures = 0
        self._ask_again = 0
        self._idle = 0
        self._why_idle = ''
        self._gatekeeper = Gatekeeper(gates, clock)
        self._in_force = in_force or (self._earlier[-1].parameters if self._earlier else None)
        self._steps: list[Step] = []
        self._traces: list[ExecutionTrace] = []

    @property
    def history(self) -> tuple[ExecutionTrace, ...]:
        """All trials, those of earlier runs first, oldest first."""
        return (*self._earlier, *self._traces)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps proposed so far in this run."""
        return tuple(self._steps)

    @property
    def done(self) -> bool:
        """Whether all trials of this run are recorded, or it was `stopped`."""
        return len(self._traces) >= self.trials or (
            bool(self.stopped) and len(self._traces) == len(self._steps)
        )

    @property
    def stopped(self) -> str:
        """Why the run ends before its trials are played; empty where it does not.

        Nobody proposed anything for `IDLE` trials: more of the same would only wear out the arm and the person.
        """
        return f'nobody could propose anything {IDLE} times in a row: {self._why_idle}' * (self._idle >= IDLE)

    @property
    def next_version(self) -> int:
        """Above all versions given so far."""
        return self._version

    @property
    def unsettled(self) -> tuple[Audit, ...]:
        """What was judged, and not let through, for a step that is not there yet."""
        return tuple(self._gatekeeper.audits)

    @property
    def best(self) -> ExecutionTrace | None:
        """The best trial, of this run or before; None where none can be ranked.

        Where the objective has no measure, it is the one that the language model named last.
        """
        return best_trial(self.history, self.objective, [step.proposal for step in self._steps])

    def restore(self, played: Sequence[tuple[Step, ExecutionTrace | None]]) -> None:
        """Go on where another process was broken off; before the first `propose`.

        Args:
            played: its steps in their order, each with its trial; the last one may still wait for it.

        Raises:
            ImprovementError: something was proposed already, or a step before the last one has no trial.
        """
        if self._steps or any(trace is None for _, trace in played[:-1]):
            raise ImprovementError(
                'a run can be restored at its beginning only, with a trial of every step but the last one'
            )
        for step, trace in played:
            self._steps.append(step)
            self._version = max(self._version, step.parameters.version + 1)
            self._idle = self._idle + 1 if step.unchanged else 0
            self._why_idle = step.verdict.removeprefix('unchanged: ')
            proposal = step.proposal
            if proposal.exchanges:
                in_vain = bool(proposal.fallback) or step.unchanged
                rejected = any(audit.decision is Decision.REJECTED for audit in proposal.audits)
                self._failures = self._failures + 1 if in_vain and not rejected else 0
                self._ask_again = step.number + 1 + REST
            if trace is not None:
                self._traces.append(trace)

    def propose(self) -> Step:
        """The next step. Asked again before `record`, the same step is returned.

        Never raises for what an optimizer does: the fallback is asked, else the last parameters stay.

        Raises:
            ImprovementError: the run is over, or no gate lets anything through and no parameters are there to stay.
            WithdrawnError: from a gate, as the run was ended meanwhile.
        """
        if self.done:
            raise ImprovementError(
                f'the run is over: {self.stopped or f"all of its {self.trials} trials are recorded"}'
            )
        if len(self._steps) > len(self._traces):
            return self._steps[-1]
        number = len(self._steps) + 1
        step = self._first(number) if number <= len(self._design) else self._improved(number)
        self._steps.append(step)
        self._gatekeeper.begin()
        return step

    def record(self, trace: ExecutionTrace) -> TrialResult:
        """Take in the trial of the last proposed step.

        Raises:
            ImprovementError: no step waits for a trial, or the trial ran with other parameters than proposed.
        """
        if len(self._steps) == len(self._traces):
            raise ImprovementError(
                'a trial was recorded that no step asked for: call propose() before record()'
            )
        step = self._steps[-1]
        if trace.parameters.version != step.parameters.version:
            raise ImprovementError(
                f'the trial ran with parameters version {trace.parameters.version}, and step {step.number} '
                f'asked for version {step.parameters.version}'
            )
        before = self.best
        self._traces.append(trace)
        best = self.best
        return TrialResult(
            number=step.number,
            step=step,
            trace=trace,
            distance=self.objective.distance(trace),
            best=best,
            best_distance=None if best is None else self.objective.distance(best),
            improved=best is not before,
        )

    def result(self) -> ImprovementResult:
        """What the run came to so far."""
        return ImprovementResult.of(
            self.objective,
            self.optimizer.name,
            self._earlier,
            list(zip(self._steps, self._traces, strict=False)),
            self.stopped,
        )

    def _seed(self, number: int) -> int:
        return self._ball_seed + number if self._vary_balls else self._ball_seed

    def _publish(self, number: int, answer: Answer, reason: str = '') -> Step:
        assert answer.proposal is not None
        proposal = self._with_records(replace(answer.proposal, exchanges=answer.exchanges))
        parameters = PolicyParameters(
            answer.attenuation, NEUTRAL_RESIDUAL, self._version, proposal.proposed_by
        )
        self._version += 1
        self._idle = 0
        return Step(number, parameters, proposal, self._seed(number), answer.text + reason)

    def _first(self, number: int) -> Step:
        wanted = attenuation = self._design[number - 1]
        neutral = wanted == NEUTRAL_ATTENUATION
        reason = (
            'The unchanged controller, to compare with.'
            if neutral
            else 'One of the first trials, spread over the bounds to learn what the parameters do.'
        )
        why = ''
        for pull in range(1 if neutral else PULLS + 1):
            nearer = ''
            if pull:
                share = 0.5**pull
                attenuation = tuple(1.0 + share * (value - 1.0) for value in wanted)
                nearer = f' Brought to {share:.0%} of its way from the unchanged controller.'
            proposal = Proposal(attenuation, 'initial', reason=reason + nearer)
            answer = self._judged('initial', Answer(proposal, attenuation, 'accepted', ()))
            if answer.proposal is not None:
                return self._publish(number, answer)
            why = answer.text
        return self._unchanged(number, why, ())

    def _improved(self, number: int) -> Step:
        asked = self._ask_unless_resting(number)
        if asked.proposal is not None:
            return self._publish(number, asked)
        if self._fallback is None or self._fallback.name == self.optimizer.name:
            return self._unchanged(number, asked.text, asked.exchanges)
        second = self._ask(self._fallback)
        exchanges = asked.exchanges + second.exchanges
        if second.proposal is None:
            return self._unchanged(number, f'{asked.text}; {second.text}', exchanges)
        why = f'{asked.text}, so {self._fallback.name} made this proposal'
        proposal = replace(second.proposal, fallback=why)
        answer = replace(second, proposal=proposal, exchanges=exchanges)
        return self._publish(number, answer, f'; fallback: {why}')

    def _ask_unless_resting(self, number: int) -> Answer:
        """Ask the optimizer; a language model that failed several times in a row only now and then.

        Each request in vain may cost minutes and a person's trust. What a person rejected was no failure: a language
        model is told the reason and asked again.
        """
        if self._failures >= FAILURES and number < self._ask_again:
            why = f'{self.optimizer.name} failed {self._failures} times in a row and rests'
            return Answer(None, (), why, ())
        asked = self._ask(self.optimizer)
        for _ in range(ASKED_AGAIN):
            if not (asked.exchanges and self._gatekeeper.rejected_by_person):
                break
            again = self._ask(self.optimizer)
            asked = replace(again, exchanges=asked.exchanges + again.exchanges)
        in_vain = asked.proposal is None and bool(asked.exchanges) and not self._gatekeeper.rejected_by_person
        self._failures = self._failures + 1 if in_vain else 0
        self._ask_again = number + 1 + REST
        return asked

    def _ask(self, optimizer: Optimizer) -> Answer:
        asked = consult(
            optimizer, self.history, self.objective, self.space, self._made(), repeats_allowed=self._repeats_allowed
        )  # fmt: skip
        judged, best = self._judged(optimizer.name, asked), self.best
        if asked.proposal is None or asked.exchanges or best is None:
            return judged
        for pull in range(1, PULLS + 1):
            if judged.proposal is not None or self._gatekeeper.rejected_by_person:
                break
            nearer = self._pulled(asked.attenuation, best.parameters.attenuation, 0.5**pull)
            if nearer is None:
                break
            reason = (
                f'{asked.proposal.reason} Brought to {0.5**pull:.0%} of its way from trial {best.trial}, '
                'as it was kept from the arm.'
            )
            proposal = replace(asked.proposal, attenuation=nearer, reason=reason)
            judged = self._judged(optimizer.name, replace(asked, proposal=proposal, attenuation=nearer))
        return judged

    def _pulled(
        self, attenuation: Sequence[float], known: Sequence[float], share: float
    ) -> tuple[float, ...] | None:
        """This share of the way (8,) from what is known; None where that may not be tried."""
        nearer = tuple(
            round(base + share * (value - base), DIGITS)
            for base, value in zip(known, attenuation, strict=True)
        )
        checked = check(
            nearer, self.history, self.space, self.objective, repeats_allowed=self._repeats_allowed
        )
        return checked.attenuation if checked.accepted else None

    def _made(self) -> list[Proposal]:
        """The proposals of this run; the last one tells also what did not get through since."""
        made = [step.proposal for step in self._steps]
        rejected, history = self._gatekeeper.rejected, self.history
        if rejected and history:
            last = history[-1].parameters
            behind = made.pop() if made else Proposal(last.attenuation, last.proposed_by)
            made.append(replace(behind, rejected=(*behind.rejected, *rejected)))
        return made

    def _judged(self, name: str, answer: Answer) -> Answer:
        """What the gates let through."""
        judged = self._gatekeeper.judge(name, answer, self._version, self.history, self.objective)
        if answer.proposal is not None and judged.proposal is None:
            self._version += 1  # a person decides by version: another proposal must not carry the same
        return judged

    def _with_records(self, proposal: Proposal) -> Proposal:
        kept = self._gatekeeper
        return replace(proposal, rejected=tuple(kept.rejected), audits=tuple(kept.audits))

    def _unchanged(self, number: int, why: str, exchanges: tuple[Exchange, ...]) -> Step:
        self._idle, self._why_idle = self._idle + 1, why
        reason = f'The last good parameters stay: {why}.'
        if self._steps:
            parameters = self._steps[-1].parameters
        else:
            # Nothing of this run is active yet: the controller may hold anything.
            if self._in_force is None and self._gatekeeper.rejected:
                raise ImprovementError(f'nothing is allowed to reach the arm, and nothing was before: {why}')
            last = self._in_force or PolicyParameters()
            kept = self.space.clip(last.attenuation)
            parameters = replace(last, attenuation=kept, residual=NEUTRAL_RESIDUAL, version=self._version)
            self._version += 1
        proposal = self._with_records(
            Proposal(parameters.attenuation, parameters.proposed_by, reason=reason, exchanges=exchanges)
        )
        return Step(number, parameters, proposal, self._seed(number), f'unchanged: {why}', unchanged=True)


def run_improvement(
    improvement: Improvement, task: Task, on_step: Callable[[Step], None] | None = None
) -> Iterator[TrialResult]:
    """Run the rest of an improvement in process, yielding each trial's result.

    Args:
        improvement: the loop.
        task: runs the trials.
        on_step: told of each step before its trial runs.
    """
    while not improvement.done:
        step = improvement.propose()
        if on_step is not None:
            on_step(step)
        yield improvement.record(task.run(step.parameters, step.seed))
