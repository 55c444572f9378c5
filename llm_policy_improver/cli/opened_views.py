"""Opens stored runs that a person names, as they are shown; what is damaged of them is said."""

from pathlib import Path

from llm_policy_improver.cli.run_commands import looked_into, say_damage
from llm_policy_improver.report.run_view import RunView, views_of
from llm_policy_improver.runs.store import StoreError


def opened_views(folder: Path) -> tuple[RunView, ...]:
    """The runs in a store, oldest first; at least one.

    Raises:
        StoreError: there is none, or nothing was played in it.
    """
    with looked_into(folder) as store:
        say_damage(store)
        views = tuple(view for view in views_of(store) if view.shown)
        if not views:
            raise StoreError(f'the run in {store.place} has no trials yet, so there is nothing to show')
        for view in views:
            view.result  # noqa: B018 - read while damage is still turned into sentences
        return views
