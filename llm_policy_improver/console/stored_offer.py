"""What a run's store says beside a proposal that waits: what is expected of it, how it differs from the best trial."""

from dataclasses import replace

from llm_policy_improver.console.watched_run import WatchedRun
from llm_policy_improver.core.audit import Decision
from llm_policy_improver.core.expectation import Expectation
from llm_policy_improver.core.proposal import Proposal
from llm_policy_improver.report.robot import Offer
from llm_policy_improver.report.run_view import RunView
from llm_policy_improver.report.told_steps import changed, expected_text
from llm_policy_improver.report.wording import claims_text
from llm_policy_improver.runs.run_records import RunRecords


def with_stored(offer: Offer, watched: WatchedRun) -> Offer:
    """The same offer with more told of it, where the store holds just these numbers; they stay as they were shown.

    Raises:
        StoreError: the run cannot be read.
    """
    views = watched.glance().views
    if not views or not offer.numbers:
        return offer
    view = views[-1]
    with RunRecords.look(watched.folder) as records, records.understood():
        stored = next(
            (
                each.audit.proposal
                for each in reversed(records.audits())
                if each.audit.decision is Decision.OFFERED and each.audit.version == offer.version
            ),
            None,
        )
    if stored is None or not _same(view, stored, offer):
        return offer
    expected, claims = expected_text(Expectation.of(stored)), claims_text(stored.claims)
    told = dict(offer.told)
    why = {'Why': told.pop('Why', ''), 'Expected': expected, 'Its claims': claims}
    return _beside_best(replace(offer, told=tuple({**why, **told}.items())), view)


def _same(view: RunView, stored: Proposal, offer: Offer) -> bool:
    return tuple(view.values(stored).values()) == tuple(each.value for each in offer.numbers)


def _beside_best(offer: Offer, view: RunView) -> Offer:
    if view.best is None:
        return offer
    best, shown = view.values(view.best.trial), {each.label: each.value for each in offer.numbers}
    found = [
        change
        for each in view.brief.space.parameters
        if each.label in shown and (change := changed(each, best[each.name], shown[each.label])) is not None
    ]
    return replace(
        offer,
        changed_from=f'trial {view.best.number}, the best so far',
        changes=tuple(sorted(found, key=lambda change: -abs(change.share))),
    )
