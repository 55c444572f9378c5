"""The gates that settings ask for. A new one is a file with it and a maker, and one line in `GATES`."""

from collections.abc import Callable
from typing import Final

from llm_policy_improver.core.gate import Gate
from llm_policy_improver.core.registered import registered
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.loop.approval import Approval
from llm_policy_improver.loop.settings import OptimizerSettings
from llm_policy_improver.table_tennis.rehearsal import Rehearsal, allowed
from llm_policy_improver.table_tennis.space import require_within

Maker = Callable[[OptimizerSettings, Approval | None], Gate | None]
"""From the settings, and who asks a person where somebody can: the gate, or None where they do not ask for it."""

GATES: Final = (
    '.settings_gates:rehearsal',
    '.settings_gates:approval',
)
"""``'.module:maker'`` in this package, or ``'package.module:maker'``; in the order in which a proposal passes them, a
person is asked last."""


def make_gates(settings: OptimizerSettings, approval: Approval | None = None) -> tuple[Gate, ...]:
    """What a proposal must pass by the settings.

    Args:
        settings: of the run.
        approval: asks a person, where the settings require that.

    Raises:
        SettingsError: a person must approve, and nobody asks one here; or the files of the arm are wrong, or allow less
            than the bounds do.
    """
    makers: list[Maker] = [registered(where, __package__) for where in GATES]
    made = (maker(settings, approval) for maker in makers)
    return tuple(gate for gate in made if gate is not None)


def rehearsal(settings: OptimizerSettings, _: Approval | None) -> Gate | None:
    """Played in simulation first, for runs on the arm."""
    if not settings.rehearse:
        # The arm that runs is known all the same: what its controller would refuse in mid-run is refused now.
        if settings.rehearsal.names_arm:
            require_within(settings.space(), allowed(settings.rehearsal))
        return None
    gate = Rehearsal(settings.rehearsal, settings.seed, space=settings.space())
    require_within(settings.space(), gate.allowed)
    return gate


def approval(settings: OptimizerSettings, asking: Approval | None) -> Gate | None:
    """A person says yes or no."""
    if not settings.approval.required:
        return None
    if asking is None:
        raise SettingsError(
            'approval.required is true, and nobody can be asked here: run it where a person answers, or set it to false'
        )
    return asking
