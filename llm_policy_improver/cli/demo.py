"""``llm-policy-improver demo``: an improvement through the real ROS 2 nodes, composed in one process."""

import os
import sys
from contextlib import closing
from dataclasses import replace
from typing import Any

import click

from llm_policy_improver.cli.main import INTERRUPTED, fail
from llm_policy_improver.cli.run_setup import RunSetup, noisy_option, run_options
from llm_policy_improver.core.settings import SettingsError


@click.command()
@run_options
@noisy_option
def demo(**options: Any) -> None:
    """Improve in simulation, through the real ROS 2 nodes composed in one process.

    Example: llm-policy-improver demo "hit the ball as far right as possible"
    """
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    run = RunSetup.of_options(options)
    if run.optimizer.approval.required:
        raise SettingsError(
            'approval.required is true, and demo asks nobody: use "llm-policy-improver improve", which asks at the '
            'terminal, or sim.launch.py, whose proposals wait for optimizer/approve_parameters'
        )
    try:
        import rclpy  # noqa: F401
    except ImportError as error:
        fail(
            f'ROS 2 is not installed here ({error}): use "llm-policy-improver improve", the same loop without ROS'
        )
    with closing(run.reporter), closing(run.create()) as store:
        try:
            run.begin()
            # Loading the nodes takes a second or two: the heading is shown before.
            from llm_policy_improver.nodes.demo import Demo, DemoSettings, RunFailedError

            folder = str(run.folder)
            settings = DemoSettings(
                run.simulator, run.controller, replace(run.trace_logger, output_folder=folder),
                replace(run.optimizer, output_folder=folder, objective=''), run.objective,
            )  # fmt: skip
            with Demo(settings, namespace=f'demo_{os.getpid()}') as nodes:
                try:
                    result = nodes.improve(run.objective.words, run.optimizer.trials, run.reporter.trial)
                except RunFailedError as error:
                    run.reporter.close()
                    fail(str(error))
        except KeyboardInterrupt:  # before the nodes were asked to improve, or a second one
            run.reporter.close()
            run.say_interrupted(store)
            sys.exit(INTERRUPTED)
        status = run.end(result, store)
    sys.exit(status)
