"""``llm-policy-improver arm``, ``approve`` and the like: what a person does beside a running arm, a command each."""

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llm_policy_improver.cli.main import fail
from llm_policy_improver.cli.nodes_config import config_option, namespace_option, nodes_security, without_ros
from llm_policy_improver.core.security import SecuritySettings
from llm_policy_improver.core.settings import SettingsError
from llm_policy_improver.core.tokens import ARM, RESUME
from llm_policy_improver.loop.approval import APPROVE, EDIT, REJECT
from llm_policy_improver.report.robot import RobotError
from llm_policy_improver.report.told_steps import expected_text

if TYPE_CHECKING:
    from llm_policy_improver.msg import OptimizerStatus
    from llm_policy_improver.nodes.operator_client import OperatorClient


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option('--by', help='Who does it, for the record.  [your user name]'),
        namespace_option,
        config_option,
    ):
        command = option(command)
    return command


@contextmanager
def _operator(
    by: str | None, namespace: str, config: Path | None, *, keyed: bool = True
) -> Iterator['OperatorClient']:
    """The person, connected; what is refused ends the program with one sentence.

    Without keys nothing is read but what is said: stopping is for everybody, whoever may read the files.
    """
    security = nodes_security(config) if keyed else SecuritySettings()
    try:
        from llm_policy_improver.nodes.operator_client import OperatorClient
    except ImportError as error:
        without_ros(error)
    try:
        with OperatorClient(security, by or getpass.getuser(), namespace) as operator:
            yield operator
    except RobotError as error:
        fail(str(error))


@click.command(name='arm')
@_options
@click.option('--yes', is_flag=True, help='Do not ask again.')
def arm_command(yes: bool, **given: Any) -> None:
    """Let the arm move: it goes to its ready pose at once. Needs the operator's key."""
    with _operator(**given) as operator:
        status = operator.controller()
        click.echo(f'The controller is {status.state}. {status.message}')
        if not yes:
            click.confirm('Is nobody within reach, and may the arm move now?', abort=True)
        click.echo(operator.operate(ARM))


@click.command(name='check-arm')
@_options
@click.option('--yes', is_flag=True, help='Do not ask again.')
def check_arm_command(yes: bool, **given: Any) -> None:
    """Prove once, at low speed, that the drives brake by themselves. Needs the operator's key, and a disarmed arm.

    All joints move by up to 0.04 m or rad and stand; then back, and no more commands are sent for 0.8 s. What the
    drives did is recorded where the controller looks for it; without that record it refuses to arm.
    """
    with _operator(**given) as operator:
        status = operator.controller()
        click.echo(f'The controller is {status.state}. {status.message}')
        if not yes:
            click.confirm('Is nobody within reach, and may all joints move slowly now?', abort=True)
        click.echo(operator.check_drives())


@click.command(name='resume-arm')
@_options
def resume_arm_command(**given: Any) -> None:
    """After a fault or an emergency stop whose cause is gone: disarmed, to be armed again. Needs the operator's key."""
    with _operator(**given) as operator:
        status = operator.controller()
        if status.fault:
            click.echo(f'It was stopped: {status.fault}')
        click.echo(operator.operate(RESUME))


@click.command(name='disarm')
@_options
def disarm_command(**given: Any) -> None:
    """Slow the arm down and keep it standing. Needs no key."""
    with _operator(**given, keyed=False) as operator:
        click.echo(operator.stop('controller/disarm'))


@click.command(name='stop')
@_options
def stop_command(**given: Any) -> None:
    """Stop the arm: it stands until somebody resumes. Needs no key. The cabinet's button is the first choice."""
    with _operator(**given, keyed=False) as operator:
        click.echo(operator.stop('controller/emergency_stop'))


@click.command(name='approve')
@_options
@click.option('--reason', default='', help='For the record.')
@click.option('--yes', is_flag=True, help='Do not ask again.')
def approve_command(reason: str, yes: bool, **given: Any) -> None:
    """Let the proposal that waits play. Needs the operator's key."""
    with _operator(**given) as operator:
        status = operator.waiting()
        _show(operator, status)
        if not yes:
            click.confirm('May the arm play it?', abort=True)
        click.echo(operator.decide(status, APPROVE, reason))


@click.command(name='reject')
@_options
@click.option(
    '--reason', prompt='What is wrong with it', help='The next prompt tells it to the language model.'
)
def reject_command(reason: str, **given: Any) -> None:
    """Keep the proposal that waits from the arm. Needs the operator's key."""
    with _operator(**given) as operator:
        click.echo(operator.decide(operator.waiting(), REJECT, reason))


@click.command(name='edit')
@_options
@click.option('--reason', default='', help='For the record.')
@click.option('--yes', is_flag=True, help='Do not ask again.')
@click.argument('numbers', nargs=-1, required=True, metavar='NAME=NUMBER ...')
def edit_command(numbers: tuple[str, ...], reason: str, yes: bool, **given: Any) -> None:
    """Put other numbers in the place of those that wait, e.g. c=1.1 f=0.9. Needs the operator's key."""
    with _operator(**given) as operator:
        status = operator.waiting()
        values = dict(zip(status.parameter_names, status.proposed_values, strict=True))
        for each in numbers:
            name, _, number = each.partition('=')
            if name not in values:
                raise SettingsError(f'there is no parameter "{name}": there are {", ".join(values)}')
            try:
                values[name] = float(number)
            except ValueError:
                raise SettingsError(f'{name} must be a number, as in {name}=1.1; got "{number}"') from None
        _show(operator, status, values)
        if not yes:
            click.confirm('May the arm play it so?', abort=True)
        click.echo(operator.decide(status, EDIT, reason, tuple(values.values())))


def _show(
    operator: 'OperatorClient', status: 'OptimizerStatus', edited: dict[str, float] | None = None
) -> None:
    """What waits, what changes by it, largest first, and how it was rehearsed."""
    from llm_policy_improver.nodes.improvement_messages import expected_in  # ROS 2 is there by now

    click.echo(f'Objective  {status.objective}{os.linesep}Aim        {status.aim}')
    click.echo(f'Version    {status.proposed_version} by {status.proposed_by}: {status.reason}')
    for name, words in (('Expected', expected_text(expected_in(status))), ('Claims', status.claims)):
        if words:
            click.echo(f'{name:9}  {words}')
    if status.proposed_source:
        click.echo(status.proposed_source)
    before = operator.in_force()
    after = edited or dict(zip(status.parameter_names, status.proposed_values, strict=True))
    changes = [(name, before.get(name), value) for name, value in after.items() if before.get(name) != value]
    changes.sort(key=lambda each: -abs(each[2] - (each[1] or 0.0)))
    for name, old, new in changes:
        click.echo(
            f'  {name}  ' + (f'{new:.3f}' if old is None else f'{old:.3f} -> {new:.3f}  ({new - old:+.3f})')
        )
    if status.rehearsal:
        click.echo(f'Rehearsal  {status.rehearsal}')
