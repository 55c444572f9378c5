"""The command line: its commands by what people do; each is loaded only when it is called."""

import importlib
import sys
from typing import Any, Final, NoReturn

import click

SECTIONS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    'Improve': {
        'demo': ('demo:demo', 'Improve in simulation, through the real ROS 2 nodes in one process.'),
        'improve': ('improve:improve', 'Improve in simulation without ROS, in this process.'),
        'resume': ('resume:resume', 'Go on with a run that was interrupted.'),
    },
    'Look': {
        'understand': (
            'understand:understand_command',
            'Say what an objective is taken to mean, without playing.',
        ),
        'report': (
            'report_command:report_command',
            'Write a page that shows a run whole; several side by side.',
        ),
        'console': (
            'console_command:console_command',
            'Show runs in the browser, live while they go on.',
        ),
        'plot': ('run_commands:plot_command', 'Draw the landings of a stored run.'),
        'video': ('video:video_command', 'Draw a stored trial as a clip, or show it in a window.'),
        'prompt': ('run_commands:prompt_command', 'Print what a language model is sent for a step of a run.'),
        'replay': ('run_commands:replay_command', 'Play a stored run again and compare every step.'),
        'audit': ('run_commands:audit_command', 'Print what became of every proposal of a run.'),
        'runs': ('runs:runs', 'List, show, compare, export, verify and prune stored runs.'),
    },
    'Measure': {
        'bench': ('bench:bench', 'Measure simulator, controller and safety, and compare methods.'),
        'sandbox': (
            'sandbox:sandbox',
            'Attack the sandbox that holds programs, or run your own policy in it.',
        ),
    },
    'Robot': {
        'calibrate': (
            'calibrate:calibrate_command',
            "Measure a cell's own coefficients from recordings of its balls and its arm.",
        ),
        'replay-balls': (
            'replay_balls:replay_balls_command',
            'Play recorded balls through filter and controller in simulation.',
        ),
        'rehearse': (
            'rehearse_command:rehearse_command',
            'Run the nodes of the physical arm in real time against a simulated stand-in.',
        ),
        'approve': ('operate:approve_command', 'Let the proposal that waits play.'),
        'reject': ('operate:reject_command', 'Keep it from the arm, with a reason.'),
        'edit': ('operate:edit_command', 'Put other numbers in its place.'),
        'arm': ('operate:arm_command', 'Let the arm move.'),
        'check-arm': ('operate:check_arm_command', 'Prove once that the drives brake by themselves.'),
        'disarm': ('operate:disarm_command', 'Slow the arm down and keep it standing.'),
        'stop': ('operate:stop_command', 'Stop the arm; it stands until somebody resumes.'),
        'resume-arm': ('operate:resume_arm_command', 'After a fault or a stop whose cause is gone.'),
    },
}
"""Headings; commands; where each is, and what it does in a sentence."""

INTERRUPTED: Final = 130
"""Exit status of what was interrupted, as shells have it."""

_WHERE: Final = {name: where for commands in SECTIONS.values() for name, (where, _) in commands.items()}


class LazyGroup(click.Group):
    """Knows its commands by name and loads one when it is called: ``--help`` needs neither MuJoCo nor SciPy."""

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; an interrupt that it does not see to itself, e.g. while it loads, is no error."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo('Interrupted.', err=True)
            sys.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_WHERE)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _WHERE:
            return None
        module, _, attribute = _WHERE[cmd_name].partition(':')
        command = getattr(importlib.import_module(f'{__package__}.{module}'), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, commands in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, said) for name, (_, said) in commands.items()])


@click.command(cls=LazyGroup, context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(package_name='llm-policy-improver', prog_name='llm-policy-improver')
def cli() -> None:
    """Say where the ball should go; a language model tunes the robot until it does.

    The language model is any OpenAI-compatible endpoint: --model NAME, --base-url URL where it is not OpenAI's,
    the key in the environment variable OPENAI_API_KEY. Without --model a regression proposes.
    """


def fail(message: str) -> NoReturn:
    """One sentence, status 2."""
    click.echo(f'Error: {message}', err=True)
    sys.exit(2)


def main() -> None:
    """Entry point of the ``llm-policy-improver`` command."""
    from llm_policy_improver.core.interrupts import end_as_interrupted

    end_as_interrupted()
    try:
        cli()
    except Exception as error:
        if isinstance(error, _bad_input()):
            fail(str(error))
        raise


def _bad_input() -> tuple[type[Exception], ...]:
    """What is raised for what a person gave; loaded only now, as it brings the parts that raise it."""
    from llm_policy_improver.core.chat import EndpointError
    from llm_policy_improver.core.objective import ObjectiveError
    from llm_policy_improver.core.settings import SettingsError
    from llm_policy_improver.loop.improvement import ImprovementError
    from llm_policy_improver.runs.store import StoreError
    from llm_policy_improver.sandbox.errors import SandboxError
    from llm_policy_improver.table_tennis.calibration.recordings import RecordingError

    bad: tuple[Any, ...] = (
        SettingsError,
        ObjectiveError,
        EndpointError,
        StoreError,
        ImprovementError,
        SandboxError,
        RecordingError,
    )
    return bad


if __name__ == '__main__':
    main()
