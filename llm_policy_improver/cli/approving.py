"""A person's approval at the terminal, where a run in this process requires it."""

import getpass
import sys

import click

from llm_policy_improver.core.gate import GateCase
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.loop.approval import APPROVE, EDIT, REJECT, Approval, ApprovalError
from llm_policy_improver.loop.build import Assembly
from llm_policy_improver.report.wording import aim_text


def approval_at_terminal(assembly: Assembly) -> Approval | None:
    """The gate that asks whoever sits at the terminal; None where the settings require no approval.

    Raises:
        SettingsError: they do, and nobody sits there.
    """
    config = assembly.settings.approval
    if not config.required:
        return None
    if not sys.stdin.isatty():
        raise SettingsError(
            'approval.required is true, and standard input is no terminal: run it where a person can answer, or set '
            'it to false'
        )

    def ask() -> None:
        if (case := approval.pending) is not None:
            _ask(approval, case, assembly.brief.space)

    # Told in the waiting thread, which is this one: the decision is there before it is waited for.
    approval = Approval(assembly.brief.space, config, repeats_allowed=assembly.repeats_allowed, on_change=ask)
    return approval


def _ask(approval: Approval, case: GateCase, space: ParameterSpace) -> None:
    """Show a proposal, and ask until a decision on it is taken."""
    click.echo(f'\nAim: {aim_text(case.objective)}', err=True)
    click.echo(f'Version {case.version} by {case.proposal.proposed_by}: {case.proposal.reason}', err=True)
    pairs = zip(space.names, space.values(case.proposal), strict=True)
    click.echo('  ' + '  '.join(f'{name} {value:.3f}' for name, value in pairs), err=True)
    for verdict in case.verdicts:
        click.echo(f'  {verdict}', err=True)
    while True:
        decision = click.prompt('Let it play?', type=click.Choice([APPROVE, REJECT, EDIT]), err=True)
        reason = click.prompt('Reason', default='', show_default=False, err=True)
        numbers = click.prompt('Numbers, one a parameter', err=True).split() if decision == EDIT else []
        try:
            values = [float(number) for number in numbers]
            click.echo(approval.decide(case.version, decision, getpass.getuser(), reason, values), err=True)
        except (ApprovalError, ValueError) as error:
            click.echo(f'Not taken: {error}', err=True)
        else:
            return
