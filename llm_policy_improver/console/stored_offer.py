"""What a run's store says beside a proposal that waits: how it differs from the best trial, and from what it says."""

from dataclasses import replace

from llm_policy_improver.console.watched_run import WatchedRun
from llm_policy_improver.core.policy import ParameterError
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.report.contradictions import contradictions
from llm_policy_improver.report.robot import Offer
from llm_policy_improver.report.told_steps import policy_changes


def beside_best(offer: Offer, watched: WatchedRun) -> Offer:
    """The same offer, compared with the best trial in the store; its numbers stay as they were shown."""
    views = watched.glance().views
    view = views[-1] if views else None
    if view is None or view.end is not None or view.best is None or not offer.numbers:
        return offer  # the run that it belongs to has stored nothing yet
    space, best = view.brief.space, view.best
    if [each.label for each in space.parameters] != [each.label for each in offer.numbers]:
        return offer  # of another run than the one in the store
    try:
        numbers = space.at([each.value for each in offer.numbers])
    except ParameterError:
        return offer  # nodes that seal nothing may offer anything
    shown = Proposal(numbers, offer.proposed_by, reason=dict(offer.told)['Why'])
    changes = policy_changes(space, best.trial, shown)
    labels = {change.label for change in changes}
    return replace(
        offer,
        changed_from=f'trial {best.number}, the best so far',
        changes=changes,
        contradictions=contradictions(shown, shown, best.trial, view.trials, view.objective, space, labels),
    )
