"""Every improvement of a run as a person reads it: what changed, why, what was expected, what came of it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llm_policy_improver.core.audit import Decision
from llm_policy_improver.core.digits import digits_apart
from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.method import INITIAL
from llm_policy_improver.core.proposal import KeptBack
from llm_policy_improver.core.space import Carrier, Parameter, ParameterSpace
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.step import Step
from llm_policy_improver.report.contradictions import contradictions
from llm_policy_improver.report.run_view import RunView
from llm_policy_improver.report.wording import claims_text, step_text
from llm_policy_improver.table_tennis.tracing.observed import landing_of
from llm_policy_improver.tasks.ball_rounds import is_program


@dataclass(frozen=True, slots=True)
class Change:
    """Of a parameter, from one trial to another.

    Attributes:
        label: of the parameter.
        before, after: its values.
        share: of its range, with its sign; 0 where that is not known.
        begins: where the value before lies in the range, 0 to 1; NaN where that is not known.
    """

    label: str
    before: float
    after: float
    share: float = 0.0
    begins: float = math.nan

    @property
    def at_limit(self) -> bool:
        """Whether it goes to an end of its range."""
        end = self.begins + self.share
        return end < 1e-6 or end > 1.0 - 1e-6


@dataclass(frozen=True, slots=True)
class ToldStep:
    """One improvement.

    Attributes:
        number: of its trial; 0 before it was played.
        outcome: what came of the trial, for people; empty before.
        distance: m to the goal; None where there is none.
        failed: whether the trial did not succeed.
        best: whether it was the best seen by then.
        proposed_by: who proposed it.
        changed_from: number of the best trial before it, which it is compared with; 0 where there was none.
        changes: from that one, the largest first.
        reason: why, in a sentence.
        contradictions: where that does not fit what was changed, and claims do not fit the trials, a sentence each.
        thoughts: heading and text of what a language model wrote: summary, analysis, synthesis.
        expected: before the ball, for people; empty where nothing was.
        checks: what was found, and who let it through.
        claims: how claimed effects compare with the trials; empty where none were.
        kept_back: what was proposed before it and did not reach the arm.
        cost: requests, tokens and seconds, for people; empty without a language model.
    """

    number: int
    outcome: str
    distance: float | None
    failed: bool
    best: bool
    proposed_by: str
    changed_from: int
    changes: tuple[Change, ...]
    reason: str
    contradictions: tuple[str, ...]
    thoughts: tuple[tuple[str, str], ...]
    expected: str
    checks: str
    claims: str
    kept_back: tuple[KeptBack, ...]
    cost: str


def policy_changes(space: ParameterSpace, before: Carrier, after: Carrier) -> tuple[Change, ...]:
    """The parameters that differ, the largest change first, by its share of the range; none where one is a program."""
    if is_program(before) or is_program(after):
        return ()
    pairs = zip(space.parameters, space.values(before), space.values(after), strict=True)
    found = [change for each, old, new in pairs if (change := changed(each, old, new)) is not None]
    return tuple(sorted(found, key=lambda change: -abs(change.share)))


def changed(parameter: Parameter, before: float, after: float) -> Change | None:
    """How a parameter differs; None where it does not, to its digits."""
    if abs(after - before) <= 0.5 * 10.0**-parameter.digits:
        return None
    size = parameter.high - parameter.low
    return Change(parameter.label, before, after, (after - before) / size, (before - parameter.low) / size)


def told_steps(view: RunView) -> list[ToldStep]:
    """The improvements of a run, oldest first; the first trials, which nobody reasoned about, are not among them."""
    return list(_told(view))


def _told(view: RunView) -> Iterator[ToldStep]:
    own = {trial.number for _, _, trial in view.played if trial is not None}
    nearest = view.objective.best(trial for trial in view.trials if trial.number not in own)
    lowest = None if nearest is None else view.objective.distance(nearest)
    for _, step, trial in view.played:
        before = None if view.of_programs else nearest  # balls of one program are not compared with those of another
        distance = None if trial is None else view.objective.distance(trial)
        best = distance is not None and (lowest is None or distance < lowest)
        if best:
            nearest, lowest = trial, distance
        if step.proposed_by == INITIAL:
            continue
        proposal = step.proposal
        thoughts = (
            ('Summary', proposal.summary), ('Analysis', proposal.analysis), ('Synthesis', proposal.synthesis),
        )  # fmt: skip
        outcome = ''
        if trial is not None:
            landing = landing_of(trial)
            landed = trial.succeeded and landing is not None
            outcome = (
                f'landed at ({landing.x:+z.2f}, {landing.y:.2f}) m'
                if landed and landing is not None
                else f'{trial.outcome.replace("_", " ")}: {trial.note}'
            )
        changes = () if before is None else policy_changes(view.brief.space, before, step)
        yield ToldStep(
            0 if trial is None else trial.number,
            outcome,
            distance,
            trial is not None and not trial.succeeded,
            best,
            step.proposed_by,
            0 if before is None else before.number,
            changes,
            step.reason,
            _contradictions(view, step, before, changes),
            tuple((name, text) for name, text in thoughts if text),
            '' if step.unchanged else expected_text(Expectation.of(step.proposal)),
            '; '.join(each for each in (step_text(step), _decision(step)) if each),
            claims_text(proposal.claims),
            proposal.kept_back,
            _cost(step),
        )


def _contradictions(
    view: RunView, step: Step, before: Trial | None, changes: Sequence[Change]
) -> tuple[str, ...]:
    if before is None or step.unchanged:
        return ()
    labels = {change.label for change in changes}
    earlier = [trial for trial in view.trials if trial.version < step.version]
    return contradictions(step.proposal, step, before, earlier, view.objective, view.brief.space, labels)


def expected_text(said: Expectation | None) -> str:
    """What is expected of a trial, for people; empty where nothing is."""
    if said is None:
        return ''
    text = f'loss {said.loss:.3f} m'
    if said.has_interval:
        digits = digits_apart(said.low, said.high)
        text = f'{said.low:.{digits}f} to {said.high:.{digits}f} m to the goal (8 of 10)'
    return f'{text}, {said.success:.0%} to return' if said.success >= 0.0 else text


def _decision(step: Step) -> str:
    decided = [audit for audit in step.audits if audit.decided_by]
    if not decided or decided[-1].decision is Decision.OFFERED:
        return ''
    return f'{decided[-1].decision.value} by {decided[-1].decided_by}'


def _cost(step: Step) -> str:
    asked = step.proposal.exchanges
    if not asked:
        return ''
    tokens = sum(each.prompt_tokens for each in asked), sum(each.completion_tokens for each in asked)
    seconds = sum(each.seconds for each in asked)
    requests = f'{len(asked)} request{"s" * (len(asked) != 1)}'
    return f'{requests} to {asked[-1].model}, {tokens[0]:,} + {tokens[1]:,} tokens, {seconds:.1f} s'
