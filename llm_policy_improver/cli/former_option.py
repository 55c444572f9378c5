"""An option that had another name in earlier versions: whoever still writes it is told."""

import click

from llm_policy_improver.core.settings import SettingsError


def _refuse(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value is not None:
        raise SettingsError('the option --optimizer is called --method now')


former_method_option = click.option('--optimizer', hidden=True, expose_value=False, callback=_refuse)
