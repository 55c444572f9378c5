"""The loop's steps and results as ROS messages."""

import math
from dataclasses import replace

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.core.tokens import Shown
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.loop.step import Step, TrialResult
from llm_policy_improver.msg import OptimizerStatus, Recommendation
from llm_policy_improver.nodes.messages import (
    doubles,
    line_of,
    number,
    numbers_of,
    point,
    policy_in,
    program_of,
)
from llm_policy_improver.report.wording import claims_text, step_text, waiting_text
from llm_policy_improver.table_tennis.rehearsal import Rehearsal
from llm_policy_improver.table_tennis.tracing.observed import expected_place, landing_of


def _landing(trial: Trial | None) -> tuple[float, float, float] | None:
    landing = None if trial is None else landing_of(trial)
    return None if landing is None else (landing.x, landing.y, 0.0)


def status_message(
    improvement: Improvement,
    state: str,
    step: Step | None,
    space: ParameterSpace,
    waiting: GateCase | None = None,
    run: str = '',
) -> OptimizerStatus:
    """Where the run stands, with the reasons of the last step or of the proposal that waits, or why it ended early."""
    objective, best = improvement.objective, improvement.best
    status = OptimizerStatus(
        state=state,
        objective=objective.words,
        aim=objective.sentence,
        method=improvement.method.name,
        iteration=improvement.played,
        trials=improvement.trials,
        best_version=0 if best is None else best.version,
        best_distance=number(None if best is None else objective.distance(best)),
        expected_loss=math.nan,
        expected_low=math.nan,
        expected_high=math.nan,
        expected_success=math.nan,
        rehearsal_clearance=math.nan,
        rehearsal_joint_clearance=math.nan,
        rehearsal_saturation=math.nan,
    )
    if step is not None:
        status.parameters_version = step.version
        _tell(status, step.proposal, step_text(step))
    if waiting is not None:
        _tell(status, waiting.proposal, waiting_text(waiting))
        status.proposed_by = waiting.proposal.proposed_by
        shown = shown_of(waiting, space, run)
        status.run, status.proposed_version = shown.run, shown.version
        status.parameter_names, status.proposed_values = list(shown.names), doubles(shown.values)
        status.proposed_source, status.proposed_entry = shown.source, shown.entry
        status.envelope_low, status.envelope_high = doubles(shown.low), doubles(shown.high)
        expected = Expectation.of(waiting.proposal)
        if expected is not None:
            status.expected_loss, status.expected_success = expected.loss, expected.success
            status.expected_low, status.expected_high = expected.low, expected.high
        status.expected_landing = doubles(expected_place(waiting.proposal) or ())
        status.claims = claims_text(waiting.proposal.claims)
        _tell_rehearsal(status, waiting)
    if improvement.end is not None and improvement.end.early:
        status.reason = f'ended early: {improvement.result().stopped}'
    return status


def shown_of(waiting: GateCase, space: ParameterSpace, run: str) -> Shown:
    """What a person is shown of a proposal, and decides on."""
    names, values = numbers_of(waiting.proposal)
    program = program_of(waiting.proposal, space)
    shown = Shown(run, waiting.version, tuple(names), tuple(values))
    if program is None:
        return shown
    return replace(shown, source=program.source, entry=program.entry, low=program.low, high=program.high)


def shown_in(status: OptimizerStatus) -> Shown:
    """The same as a status tells it."""
    return Shown(
        str(status.run), int(status.proposed_version), tuple(status.parameter_names), tuple(status.proposed_values),
        str(status.proposed_source), str(status.proposed_entry), tuple(status.envelope_low),
        tuple(status.envelope_high),
    )  # fmt: skip


def expected_in(status: OptimizerStatus) -> Expectation | None:
    """What is expected of the proposal that waits; None where nothing is said."""
    said = Expectation(status.expected_loss, status.expected_low, status.expected_high, status.expected_success)
    return said if math.isfinite(said.loss) else None


def _tell(status: OptimizerStatus, proposal: Proposal, verdict: str) -> None:
    status.summary, status.analysis, status.synthesis = (
        proposal.summary,
        proposal.analysis,
        proposal.synthesis,
    )
    status.reason, status.verdict = proposal.reason, verdict
    status.prompt_tokens = sum(exchange.prompt_tokens for exchange in proposal.exchanges)
    status.completion_tokens = sum(exchange.completion_tokens for exchange in proposal.exchanges)


def _tell_rehearsal(status: OptimizerStatus, waiting: GateCase) -> None:
    """Of what waits: a person's own numbers that the rehearsal refused tell nothing about it."""
    own = (verdict for verdict in waiting.verdicts if verdict.gate == Rehearsal.name)
    verdict = next(own, None)
    if verdict is None:
        return
    figures = verdict.figures
    status.rehearsal = verdict.reason
    status.rehearsal_balls, status.rehearsal_landed = figures['balls'], figures['landed']
    status.rehearsal_clearance = figures['clearance_m']
    status.rehearsal_joint_clearance = figures['joint_clearance']
    status.rehearsal_saturation = figures['saturation_s']


def feedback_message(result: TrialResult) -> ImprovePolicy.Feedback:
    """One trial of the run."""
    names, values = numbers_of(result.trial)
    return ImprovePolicy.Feedback(
        iteration=result.number,
        trial=result.trial.number,
        outcome=str(result.trial.outcome),
        note=result.trial.note,
        landing=point(_landing(result.trial)),
        distance=number(result.distance),
        best_distance=number(result.best_distance),
        parameters_version=result.trial.version,
        parameter_names=names,
        values=values,
        proposed_by=result.trial.proposed_by,
        reason=result.step.reason,
        verdict=step_text(result.step),
        recommended=recommendation(result.recommended),
    )


def result_message(improvement: Improvement, message: str) -> ImprovePolicy.Result:
    """The whole run; ``message`` says how it ended."""
    result, best = improvement.result(), improvement.best
    reply = ImprovePolicy.Result(
        message=message,
        trials=result.trials,
        best_trial=result.best_trial,
        end='' if result.end is None else result.end.value,
        initial_distance=number(result.initial_distance_m),
        best_distance=number(result.best_distance_m),
        best_landing=point(_landing(best)),
        recommended=recommendation(result.recommended),
    )
    if best is not None:
        reply.best_version = best.version
        reply.parameter_names, reply.best_values = numbers_of(best)
    return reply


def recommendation(kept: Proposal | None) -> Recommendation:
    """What to keep, and what is expected of it."""
    expected = Expectation.of(kept) or Expectation(math.nan)
    names, values = ([], doubles([])) if kept is None else numbers_of(kept)
    return Recommendation(
        parameter_names=names, values=values, reason='' if kept is None else kept.reason,
        loss=expected.loss, low=expected.low, high=expected.high, success=expected.success,
    )  # fmt: skip


def recommended_of(message: Recommendation, proposed_by: str = '') -> Proposal | None:
    """The same as a proposal; None where nothing is recommended."""
    if not message.values:
        return None
    expected = Expectation(message.loss, message.low, message.high, message.success)
    return Proposal(
        policy_in(message.parameter_names, message.values), proposed_by, reason=line_of(message.reason),
        memos=expected.memos(),
    )  # fmt: skip
