"""The loop's steps and results as ROS messages."""

import math

from llm_policy_improver.action import ImprovePolicy
from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.method import Proposal
from llm_policy_improver.core.parameters import JOINTS
from llm_policy_improver.core.trace import ExecutionTrace
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.loop.improvement_result import ImprovementResult, Step, TrialResult
from llm_policy_improver.msg import OptimizerStatus
from llm_policy_improver.nodes.messages import doubles, number, point
from llm_policy_improver.table_tennis.rehearsal import Rehearsal


def _landing(trace: ExecutionTrace | None) -> tuple[float, float, float] | None:
    if trace is None or trace.landing is None:
        return None
    return (trace.landing.x, trace.landing.y, 0.0)


def status_message(
    improvement: Improvement, state: str, step: Step | None, waiting: GateCase | None = None
) -> OptimizerStatus:
    """Where the run stands, with the reasons of the last step, or of the proposal that waits for approval."""
    objective, best = improvement.objective, improvement.best
    status = OptimizerStatus(
        state=state,
        objective=objective.words,
        metric=objective.metric,
        optimizer=improvement.optimizer.name,
        iteration=improvement.result().trials,
        trials=improvement.trials,
        best_version=0 if best is None else best.parameters.version,
        best_distance=number(None if best is None else objective.distance(best)),
        rehearsal_clearance=math.nan,
        rehearsal_joint_clearance=math.nan,
        rehearsal_saturation=math.nan,
    )
    if step is not None:
        status.parameters_version = step.parameters.version
        _tell(status, step.proposal, step.verdict)
    if waiting is not None:
        _tell(status, waiting.proposal, '; '.join((waiting.checks, *map(str, waiting.verdicts))))
        status.proposed_version = waiting.version
        status.proposed_by = waiting.proposal.proposed_by
        status.joint_names = list(JOINTS)
        status.proposed_attenuation = doubles(waiting.attenuation)
        _tell_rehearsal(status, waiting)
    return status


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
    own = (
        verdict
        for verdict in waiting.verdicts
        if verdict.gate == Rehearsal.name and verdict.judged == waiting.attenuation
    )
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
    return ImprovePolicy.Feedback(
        iteration=result.number,
        trial=result.trace.trial,
        outcome=result.trace.outcome.value,
        note=result.trace.note,
        landing=point(_landing(result.trace)),
        distance=number(result.distance),
        best_distance=number(result.best_distance),
        parameters_version=result.trace.parameters.version,
        attenuation=doubles(result.trace.parameters.attenuation),
        proposed_by=result.trace.parameters.proposed_by,
        reason=result.step.reason,
        verdict=result.step.verdict,
    )


def result_message(improvement: Improvement, message: str) -> ImprovePolicy.Result:
    """The whole run; ``message`` says how it ended."""
    result, best = improvement.result(), improvement.best
    reply = ImprovePolicy.Result(
        message=message,
        trials=result.trials,
        best_trial=result.best_trial,
        joint_names=list(JOINTS),
        initial_distance=number(result.initial_distance_m),
        best_distance=number(result.best_distance_m),
        best_landing=point(_landing(best)),
    )
    if best is not None:
        reply.best_version = best.parameters.version
        reply.best_attenuation = doubles(best.parameters.attenuation)
        reply.best_residual = doubles(best.parameters.residual)
    return reply


def best_in_words(result: ImprovementResult) -> str:
    """Where the best trial landed; empty where no trial could be ranked."""
    if result.best is None or result.best.landing is None:
        return ''
    landing = result.best.landing
    left = result.best_distance_m
    how = 'by the word of the model' if left is None else f'{left:.3f} m to go'
    return f'; best is trial {result.best_trial} at ({landing.x:+.2f}, {landing.y:.2f}) m, {how}'
