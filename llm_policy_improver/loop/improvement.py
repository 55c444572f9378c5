"""The loop: propose, check, run, record, one step at a time; the same in process and behind ROS messages.

    improvement = Improvement(objective, LeastSquares(brief), brief.space, trials=39)
    for result in run_improvement(improvement, task):
        print(result.number, result.distance, result.step.reason)
    improvement.result().best_distance

Nothing reaches the arm unchecked: whatever a method proposes is judged by `methods.checks` here, and then by the
gates, e.g. a rehearsal in simulation and a person's approval.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np

from llm_policy_improver.core.audit import Audit
from llm_policy_improver.core.chat import Exchange
from llm_policy_improver.core.clock import utc_now
from llm_policy_improver.core.finding import Failure, Vain
from llm_policy_improver.core.gate import Gate
from llm_policy_improver.core.method import INITIAL, Method
from llm_policy_improver.core.objective import Objective
from llm_policy_improver.core.program_space import ProgramSpace
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.task import Task
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.consult import Answer, consult
from llm_policy_improver.loop.ending import Ending, end_text
from llm_policy_improver.loop.foresight import Foresight
from llm_policy_improver.loop.gatekeeper import Gatekeeper
from llm_policy_improver.loop.improvement_result import End, ImprovementResult
from llm_policy_improver.loop.nearer import first_proposals, nearer_proposals
from llm_policy_improver.loop.rest import Rest
from llm_policy_improver.loop.step import Step, TrialResult
from llm_policy_improver.methods.initial_design import initial_design
from llm_policy_improver.methods.ranking import best_trial

ASKED_AGAIN: Final = 2
"""How often a language model is asked again for the same trial after a person rejected what it proposed."""


class ImprovementError(ValueError):
    """The loop was set up or used wrongly; the message says how, in one sentence."""


class RunEndedError(ImprovementError):
    """The run ended in place of a proposal, as `Improvement.end` tells."""


class Improvement:
    """One run towards one objective. Call `propose`, run the trial, call `record`, until `done`.

    `propose` may run in another thread than `record`, but never at the same time.

    Args:
        objective: what the person asked.
        method: proposes after the first trials.
        space: what may be proposed: the bounds of parameters, or what a program must be. Nothing else is published.
        trials: to play in this run, the first trials included.
        first_trials: spread-out trials before the method is asked; those in ``history`` count. Of programs there are
            none.
        seed: draws the first trials.
        ball_seed: seed of the trials; ``seed`` where None.
        vary_balls: whether each trial of the run has a seed of its own (``ball_seed`` plus its number) instead
            of the same one.
        history: trials of earlier runs, oldest first.
        fallback: asked where the method gives nothing usable; None: the last policy stays.
        repeats_allowed: how often the same policy may be tried again: more than 0 where trials are noisy.
        first_version: version of the first policy; above all that the controller has seen.
        gates: judge in their order what the checks let through; all must pass it before it is published.
        in_force: the policy that stays where nothing is let through from the start on, and who proposed it; that of
            the last trial of ``history`` where None.
        all_trials: whether all trials are played even when the objective is reached, or nothing worth a trial is left.
        noise: spread of the measures of repeated trials, which decides when it is reached. Where there is any, and the
            method has a model of it, what counts is what the model expects, not the best trial seen.
        clock: the time of day, for the audit records.

    Raises:
        ImprovementError: ``trials`` is less than 1 or ``first_trials`` less than 0.
    """

    def __init__(
        self,
        objective: Objective,
        method: Method,
        space: ParameterSpace | ProgramSpace,
        *,
        trials: int,
        first_trials: int = 24,
        seed: int = 0,
        ball_seed: int | None = None,
        vary_balls: bool = False,
        history: Sequence[Trial] = (),
        fallback: Method | None = None,
        repeats_allowed: int = 0,
        first_version: int = 1,
        gates: Sequence[Gate] = (),
        in_force: Proposal | None = None,
        all_trials: bool = True,
        noise: float = 0.0,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        if trials < 1:
            raise ImprovementError(f'the number of trials must be at least 1; got {trials}')
        if first_trials < 0:
            raise ImprovementError(f'the number of first trials must not be negative; got {first_trials}')
        self.objective = objective
        self.method = method
        self.space = space
        self.trials = trials
        self._design = _first_trials(first_trials, space, seed)[len(history) :]
        self._ball_seed = seed if ball_seed is None else ball_seed
        self._vary_balls = vary_balls
        self._fallback = fallback
        self._repeats_allowed = repeats_allowed
        self._version = first_version
        self._earlier = tuple(history)
        self._rest = Rest()
        self._idle = 0
        self._in_vain: tuple[Vain, ...] = ()
        self._misread = ''
        self._gatekeeper = Gatekeeper(gates, clock)
        if in_force is None and self._earlier:
            in_force = Proposal.again(self._earlier[-1])
        self._in_force = in_force
        self._noisy = bool(noise)
        self._foresight = Foresight(method, objective, noise, self._made)
        self._ending = Ending(objective, self._foresight, trials, len(self._design), all_trials, noise)
        self._steps: list[Step] = []
        self._played: list[Trial] = []

    @property
    def history(self) -> tuple[Trial, ...]:
        """All trials, those of earlier runs first, oldest first."""
        return (*self._earlier, *self._played)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps proposed so far in this run."""
        return tuple(self._steps)

    @property
    def played(self) -> int:
        """How many trials of this run are recorded."""
        return len(self._played)

    @property
    def end(self) -> End | None:
        """Why the run is over; None while it goes on."""
        if len(self._played) < len(self._steps):
            return None
        if self._misread:
            return End.MISREAD
        return self._ending.of(self.history, self._run, self._idle)

    @property
    def _run(self) -> list[tuple[Step, Trial]]:
        return list(zip(self._steps, self._played, strict=False))

    @property
    def done(self) -> bool:
        """Whether the run is over."""
        return self.end is not None

    @property
    def next_version(self) -> int:
        """Above all versions given so far."""
        return self._version

    @property
    def unsettled(self) -> tuple[Audit, ...]:
        """What was judged, and not let through, for a step that is not there yet."""
        return tuple(self._gatekeeper.audits)

    @property
    def best(self) -> Trial | None:
        """The best trial, of this run or before; None where none can be ranked.

        Where the objective has no measure, it is the one that the language model named last.
        """
        return best_trial(self.history, self.objective, [step.proposal for step in self._steps])

    def restore(self, played: Sequence[tuple[Step, Trial | None]]) -> None:
        """Go on where another process was interrupted; before the first `propose`.

        Args:
            played: its steps in their order, each with its trial; the last one may still wait for it.

        Raises:
            ImprovementError: something was proposed already, or a step before the last one has no trial.
        """
        if self._steps or any(trial is None for _, trial in played[:-1]):
            raise ImprovementError(
                'a run can be restored at its beginning only, with a trial of every step but the last one'
            )
        for step, trial in played:
            self._steps.append(step)
            self._version = max(self._version, step.version + 1)
            self._idle = self._idle + 1 if step.unchanged else 0
            self._in_vain = step.in_vain
            self._rest.restore(step)
            if trial is not None:
                self._played.append(trial)

    def propose(self) -> Step:
        """The next step. Asked again before `record`, the same step is returned.

        Never raises for what a method does: the fallback is asked, else the last policy stays.

        Raises:
            ImprovementError: the run is over, or no gate lets anything through and no policy is there to stay.
            RunEndedError: it is over from now on: a language model says that the words were misread.
            WithdrawnError: from a gate, as the run was ended meanwhile.
        """
        if self.end is not None:
            raise ImprovementError(f'the run is over: {end_text(self.end, self._in_vain)}')
        if len(self._steps) > len(self._played):
            return self._steps[-1]
        number = len(self._steps) + 1
        step = self._first(number) if number <= len(self._design) else self._improved(number)
        self._steps.append(step)
        self._gatekeeper.begin()
        return step

    def record(self, trial: Trial) -> TrialResult:
        """Take in the trial of the last proposed step.

        Raises:
            ImprovementError: no step waits for a trial, or the trial ran with another policy than proposed.
        """
        if len(self._steps) == len(self._played):
            raise ImprovementError(
                'a trial was recorded that no step asked for: call propose() before record()'
            )
        step = self._steps[-1]
        if trial.version != step.version:
            raise ImprovementError(
                f'the trial ran with policy version {trial.version}, and step {step.number} '
                f'asked for version {step.version}'
            )
        before = self.best
        self._played.append(trial)
        best = self.best
        return TrialResult(
            number=step.number,
            step=step,
            trial=trial,
            distance=self.objective.distance(trial),
            best=best,
            best_distance=None if best is None else self.objective.distance(best),
            improved=best is not before,
            recommended=self.recommended if self._ending.foreseen(len(self._played)) else None,
        )

    def result(self) -> ImprovementResult:
        """What the run came to so far."""
        return ImprovementResult.of(
            self.objective,
            self.method.name,
            self._earlier,
            self._run,
            self.end,
            self.space.labels,
            recommended=self.recommended,
            misread=self._misread,
            noisy=self._noisy,
            prospect=self._ending.prospect(self.history, self._run) if self.end is End.SETTLED else None,
            left=self.trials - len(self._played),
        )

    @property
    def recommended(self) -> Proposal | None:
        """What to keep where trials are noisy and the method has a model of them; None: the best trial seen."""
        return self._foresight.recommended(self.history)

    def _seed(self, number: int) -> int:
        return self._ball_seed + number if self._vary_balls else self._ball_seed

    def _publish(self, number: int, answer: Answer) -> Step:
        assert answer.proposal is not None
        assert answer.checked is not None
        proposal = replace(
            answer.proposal,
            expected=answer.checked.expected,
            exchanges=answer.exchanges,
            kept_back=self._gatekeeper.kept_back,
        )
        version = self._version
        self._version += 1
        self._idle = 0
        return Step(
            number, answer.checked.policy, version, proposal, self._seed(number), answer.findings,
            audits=tuple(self._gatekeeper.audits),
        )  # fmt: skip

    def _first(self, number: int) -> Step:
        for proposal in self._design[number - 1]:
            answer = self._judged(Answer(INITIAL, proposal, proposal))
            if answer.checked is not None:
                return self._publish(number, answer)
        return self._unchanged(number, (answer.in_vain,), ())

    def _improved(self, number: int) -> Step:
        asked = self._ask_unless_resting(number)
        if asked.checked is not None:
            return self._publish(number, asked)
        if asked.failure is Failure.MISREAD:
            # No ball for what nobody asked for, not even by the fallback: the person has to say what is meant.
            self._misread = asked.detail
            raise RunEndedError(f'the run is over: {end_text(End.MISREAD, (asked.in_vain,))}')
        if self._fallback is None or self._fallback.name == self.method.name:
            return self._unchanged(number, (asked.in_vain,), asked.exchanges)
        second = self._ask(self._fallback)
        exchanges = asked.exchanges + second.exchanges
        if second.checked is None or second.proposal is None:
            return self._unchanged(number, (asked.in_vain, second.in_vain), exchanges)
        proposal = replace(second.proposal, instead_of=(asked.in_vain,))
        return self._publish(number, replace(second, proposal=proposal, exchanges=exchanges))

    def _ask_unless_resting(self, number: int) -> Answer:
        """Ask the method; a language model that failed several times in a row only now and then."""
        if self._rest.holds(number):
            detail = f'{self._rest.failures} in a row'
            return Answer(self.method.name, None, None, failure=Failure.RESTING, detail=detail)
        asked = self._ask(self.method)
        for _ in range(ASKED_AGAIN):
            if not (asked.exchanges and self._gatekeeper.rejected_by_person):
                break
            again = self._ask(self.method)
            asked = replace(again, exchanges=asked.exchanges + again.exchanges)
        self._rest.asked(number, asked, self._gatekeeper.rejected_by_person)
        return asked

    def _ask(self, method: Method) -> Answer:
        asked = consult(
            method, self.history, self.objective, self.space, self._made(), repeats_allowed=self._repeats_allowed
        )  # fmt: skip
        judged, best = self._judged(asked), self.best
        if asked.checked is None or asked.proposal is None or asked.exchanges or best is None:
            return judged
        # The reason is the method's own; what was published may have been clipped.
        wanted = asked.proposal.at(asked.checked)
        for proposal in nearer_proposals(
            wanted, best, self.space, self.history, self.objective, self._repeats_allowed
        ):
            if judged.checked is not None or self._gatekeeper.rejected_by_person:
                break
            judged = self._judged(replace(asked, proposal=proposal, checked=proposal))
        return judged

    def _made(self) -> list[Proposal]:
        """The proposals of this run; the last one tells also what did not get through since."""
        made = [step.proposal for step in self._steps]
        history, kept = self.history, self._gatekeeper
        if kept.kept_back and history:
            behind = made.pop() if made else Proposal.again(history[-1])
            made.append(replace(behind, kept_back=(*behind.kept_back, *kept.kept_back)))
        return made

    def _judged(self, answer: Answer) -> Answer:
        """What the gates let through."""
        judged = self._gatekeeper.judge(answer, self._version, self.history, self.objective)
        if answer.checked is not None and judged.checked is None:
            self._version += 1  # a person decides by version: another proposal must not carry the same
        return judged

    def _unchanged(self, number: int, in_vain: tuple[Vain, ...], exchanges: tuple[Exchange, ...]) -> Step:
        self._idle, self._in_vain = self._idle + 1, in_vain
        why = '; '.join(map(str, in_vain))
        if self._steps:
            last = self._steps[-1]
            policy, version, by = last.policy, last.version, last.proposed_by
        else:
            # Nothing of this run is active yet: the controller may hold anything.
            kept, neutral = self._in_force, self.space.neutral
            if kept is None and self._gatekeeper.kept_back:
                raise ImprovementError(f'nothing is allowed to reach the arm, and nothing was before: {why}')
            if kept is None:
                if neutral is None:
                    raise ImprovementError(f'there is no program to begin with: {why}')
                kept = Proposal(neutral, 'neutral')
            policy = self.space.kept(kept)
            version, by = self._version, kept.proposed_by
            self._version += 1
        reason = f'The last good policy stays: {why}.'
        kept_back, audits = self._gatekeeper.kept_back, tuple(self._gatekeeper.audits)
        proposal = Proposal(policy, by, reason=reason, exchanges=exchanges, kept_back=kept_back)
        return Step(number, policy, version, proposal, self._seed(number), in_vain=in_vain, audits=audits)


def _first_trials(
    count: int, space: ParameterSpace | ProgramSpace, seed: int
) -> list[Iterator[Proposal]]:
    """Of each first trial, what is proposed for it one after the other, until something is let through."""
    if isinstance(space, ProgramSpace):
        return []
    design = initial_design(count, space, np.random.default_rng(seed))
    return [first_proposals(values, space) for values in design]


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
        try:
            step = improvement.propose()
        except RunEndedError:
            return
        if on_step is not None:
            on_step(step)
        yield improvement.record(step.play(task, improvement.history))
